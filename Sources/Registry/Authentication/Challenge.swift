/// One way to log in that a server offers in `WWW-Authenticate`.
///
/// Source: RFC 9110, 11.2 and 11.6.1; distribution docs, spec/auth/token.md.
struct Challenge: Hashable, Sendable {
    /// Lower-cased: `bearer`, `basic`, `negotiate`.
    let scheme: String
    /// Names lower-cased, values as they came. The first of two with one name counts.
    let parameters: [String: String]

    var realm: String? { parameters["realm"] }
    /// Google's registries leave it out; a client must not make one up then.
    var service: String? { parameters["service"] }
    /// What the registry wants the token to allow; what can't be read as a scope is left out, and so is all after the
    /// eighth.
    var scopes: [AccessScope] {
        (parameters["scope"] ?? "").split(separator: " ").prefix(8).compactMap { AccessScope(parsing: String($0)) }
    }

    /// All challenges of a reply, in the order received: header lines may be several, and a line may hold several.
    ///
    /// Read leniently: what can't be understood is skipped, but a challenge with an unterminated quote is dropped whole,
    /// since the end of its value is unknown.
    static func parse(_ headerLines: [String]) -> [Challenge] {
        headerLines.flatMap { line in
            var parser = Parser(Array(line.utf8))
            return parser.challenges()
        }
    }

    /// Walks over one header line. A comma is followed by `name=value`, which belongs to the challenge before, or by a
    /// scheme, which begins the next one; so the line is never split at commas first.
    private struct Parser {
        private let bytes: [UInt8]
        private var place = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func challenges() -> [Challenge] {
            var found: [Challenge] = []
            var scheme: String?
            var parameters: [String: String] = [:]
            func finished() -> [Challenge] {
                scheme.map { [Challenge(scheme: $0, parameters: parameters)] } ?? []
            }
            while true {
                skip { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
                guard place < bytes.count else { return found + finished() }
                guard let word = token() else {
                    skip { $0 != UInt8(ascii: ",") }  // not a token: nothing that we know
                    continue
                }
                let afterWord = place
                skip(Self.isSpace)
                if scheme != nil, take(UInt8(ascii: "=")) {
                    skip(Self.isSpace)
                    guard let value = value() else { return found }  // unterminated: this challenge is lost
                    let name = word.lowercased()
                    if parameters[name] == nil { parameters[name] = value }
                } else {
                    found += finished()
                    (scheme, parameters) = (word.lowercased(), [:])
                    place = afterWord
                    skipToken68()
                }
            }
        }

        /// `Negotiate YII==` has one value without a name; its padding must not be taken for `name=value`.
        private mutating func skipToken68() {
            let start = place
            skip(Self.isSpace)
            let isToken68: (UInt8) -> Bool = { Self.isTokenByte($0) || $0 == UInt8(ascii: "/") }
            let first = place
            skip(isToken68)
            let length = place - first
            skip { $0 == UInt8(ascii: "=") }
            skip(Self.isSpace)
            if length > 0, place == bytes.count || bytes[place] == UInt8(ascii: ",") { return }
            place = start
        }

        private mutating func token() -> String? {
            let start = place
            skip(Self.isTokenByte)
            return start == place ? nil : String(decoding: bytes[start..<place], as: UTF8.self)
        }

        /// A quoted string or a bare word, which ends at a comma or a space; nil for an unterminated quote.
        private mutating func value() -> String? {
            guard take(UInt8(ascii: "\"")) else {
                let start = place
                skip { $0 != UInt8(ascii: ",") && !Self.isSpace($0) }
                return String(decoding: bytes[start..<place], as: UTF8.self)
            }
            var value: [UInt8] = []
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
                if byte == UInt8(ascii: "\\"), place < bytes.count {
                    value.append(bytes[place])
                    place += 1
                } else {
                    value.append(byte)
                }
            }
            return nil
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard place < bytes.count, bytes[place] == byte else { return false }
            place += 1
            return true
        }

        private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
            while place < bytes.count, isSkipped(bytes[place]) { place += 1 }
        }

        private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

        private static func isTokenByte(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }
}
