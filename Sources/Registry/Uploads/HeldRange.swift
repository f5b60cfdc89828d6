/// How much of an upload a registry says that it holds.
enum HeldRange: Sendable, Hashable {
    /// It says nothing, which does not mean that it has all.
    case untold
    /// What it says can't be read.
    case unreadable
    /// This many bytes.
    case bytes(Int64)
    /// `0-0`, which registries write for one byte and for none.
    case oneOrNone

    /// - Parameter header: the value of `Range`, such as `0-9437183`: first and last byte held, both inclusive. Some
    ///   write `bytes=0-5`; some name the last chunk only, whose end is what counts.
    ///
    /// Source: OCI distribution-spec 1.1, "Pushing a blob in chunks".
    init(_ header: String?) {
        guard let header else {
            self = .untold
            return
        }
        let text = header.hasPrefix("bytes=") ? header.dropFirst(6) : header[...]
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else {
            self = .unreadable
            return
        }
        self = last == 0 ? .oneOrNone : .bytes(last + 1)
    }

    /// At least this many bytes are held; nil where nothing is known.
    var least: Int64? {
        switch self {
        case .untold, .unreadable: nil
        case .bytes(let count): count
        case .oneOrNone: 0
        }
    }

    private static func number(_ text: Substring) -> Int64? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
