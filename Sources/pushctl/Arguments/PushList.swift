/// The pushes that a file lists: one a line, `IMAGE [DEST…]`, words apart by blanks.
///
/// Empty lines count for nothing, nor does what follows a word that begins with `#`. Options stand on the command line, and
/// hold for every line.
struct PushList: Sendable, Equatable {
    /// Where the list is, and what its relative paths are taken from.
    struct Source: Sendable, Equatable {
        /// `-` is standard input.
        var file: String
        var directory: String
        var home: String?

        var isStandardInput: Bool { file == "-" }
        /// As messages call it.
        var name: String { isStandardInput ? "standard input" : file }
    }

    struct Push: Sendable, Equatable {
        /// Counted from 1.
        var line: Int
        var image: String
        var destinations: [String]
    }

    /// Of the text, in bytes.
    static let longest = 1 << 20
    static let mostPushes = 10_000

    let pushes: [Push]

    /// - Throws: ``UsageError`` for the first line that is wrong, naming it: nothing has been sent then.
    init(parsing text: String, from source: Source) throws(UsageError) {
        var pushes: [Push] = []
        for (place, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).prefix { !$0.hasPrefix("#") }.map(String.init)
            guard let first = words.first else { continue }
            do throws(UsageError) {
                if let option = words.first(where: { $0.hasPrefix("-") }) {
                    throw UsageError(
                        "\"\(option)\" is an option",
                        advice: "a line is IMAGE [DEST…]; give options to pushctl push, for every line")
                }
                let image = try absoluteImage(first, directory: source.directory, home: source.home)
                for destination in words.dropFirst() { try checkReference(destination) }
                pushes.append(Push(line: place + 1, image: image, destinations: Array(words.dropFirst())))
            } catch {
                throw UsageError("\(source.name), line \(place + 1): \(error.message)", advice: error.advice)
            }
            guard pushes.count <= Self.mostPushes else {
                throw UsageError(
                    "\(source.name) lists more than \(Self.mostPushes) pushes", advice: "divide it into several")
            }
        }
        guard !pushes.isEmpty else {
            throw UsageError("\(source.name) lists no push", advice: "write one a line: IMAGE [DEST…]")
        }
        self.pushes = pushes
    }
}
