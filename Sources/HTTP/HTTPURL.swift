/// An absolute `http` or `https` address, checked once, whose path and query are sent byte for byte as they were given.
///
/// Registries sign or seal the query of an upload's address, so nothing here decodes, sorts or re-encodes it.
/// Its ``description`` is for logs and leaves such values out; ``absoluteString`` is for the wire.
///
/// Source: RFC 3986, narrowed to what HTTP needs: no user information, no percent-encoded host names, ASCII only.
public struct HTTPURL: Hashable, Sendable {
    /// The two protocols spoken.
    public enum Scheme: String, Hashable, Sendable {
        case http, https

        /// The port meant when an address names none.
        public var defaultPort: Int { self == .http ? 80 : 443 }
    }

    /// The longest address taken from outside, in bytes.
    public static let maximumLength = 8192

    public let scheme: Scheme
    /// Lower-case name or address; IPv6 addresses in brackets. At most 255 bytes.
    public let host: String
    /// 1...65535; the scheme's own port if the text had none.
    public let port: Int
    /// Path and query, such as `/v2/?x=y`; starts with `/`. Bytes as given.
    public let target: String

    /// Takes an absolute address. A fragment is dropped, as HTTP never sends one.
    ///
    /// - Throws: ``HTTPURLError``, which says what is wrong and shows no query.
    public init(parsing text: String) throws(HTTPURLError) {
        try Self.checkBytes(of: text)
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: text[..<colon].lowercased())
        else { throw HTTPURLError(text: text, reason: .schemeNotHTTP) }
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else { throw HTTPURLError(text: text, reason: .hostMissing) }
        let (authority, target) = Self.splitAuthority(rest.dropFirst(2))
        try self.init(scheme: scheme, authority: authority, target: target, text: text)
    }

    /// - Parameters:
    ///   - target: without a fragment; an empty path becomes `/`.
    ///   - text: what the error shows.
    init(scheme: Scheme, authority: Substring, target: Substring, text: String) throws(HTTPURLError) {
        let authority = try Authority(parsing: authority, text: text)
        self.init(
            scheme: scheme, host: authority.host, port: authority.port ?? scheme.defaultPort,
            target: target.hasPrefix("/") ? String(target) : "/" + target)
    }

    init(scheme: Scheme, host: String, port: Int, target: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target
    }

    /// Scheme, host and port of this address. Credentials are bound to all three.
    public var origin: HTTPOrigin { HTTPOrigin(scheme: scheme, host: host, port: port) }

    /// The address as it is sent, secrets of its query included: never for a log.
    public var absoluteString: String { origin.description + target }

    /// The path alone, without the query.
    public var path: Substring { target.prefix { $0 != "?" } }

    /// What follows the first `?`; nil where there is none.
    public var query: Substring? {
        target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.index(after: $0)...] }
    }

    /// The same address with more query items at the end, each percent-encoded; `:` and `/` stay as they are.
    public func appendingQuery(_ items: [(String, String)]) -> HTTPURL {
        var target = target
        for (name, value) in items {
            if query == nil, !target.utf8.contains(UInt8(ascii: "?")) {
                target += "?"
            } else if target.utf8.last != UInt8(ascii: "?"), target.utf8.last != UInt8(ascii: "&") {
                target += "&"
            }
            target += Self.percentEncoded(name) + "=" + Self.percentEncoded(value)
        }
        return HTTPURL(scheme: scheme, host: host, port: port, target: target)
    }

    /// The same address with this query item once, at the end: any others of its name are left out. The bytes and the
    /// order of the rest stay.
    public func settingQuery(_ name: String, _ value: String) -> HTTPURL {
        guard let query else { return appendingQuery([(name, value)]) }
        let rest = query.split(separator: "&", omittingEmptySubsequences: false).filter { item in
            item.prefix { $0 != "=" } != name
        }
        let target = path + (rest.isEmpty ? "" : "?" + rest.joined(separator: "&"))
        return HTTPURL(scheme: scheme, host: host, port: port, target: String(target))
            .appendingQuery([(name, value)])
    }

    /// Whether only this machine can be meant: `localhost`, names below it, 127.0.0.0/8 and `[::1]`.
    public var isLoopback: Bool { origin.isLoopback }

    /// Splits what follows `//` into the authority and path with query, the fragment left out.
    static func splitAuthority(_ text: Substring) -> (authority: Substring, target: Substring) {
        let text = text.prefix { $0 != "#" }
        let authority = text.prefix { $0 != "/" && $0 != "?" }
        return (authority, text[authority.endIndex...])
    }

    /// Printable ASCII without the space: what may stand in a request line without being taken for its end.
    static func checkBytes(of text: String) throws(HTTPURLError) {
        guard text.utf8.count <= maximumLength else { throw HTTPURLError(text: text, reason: .tooLong) }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw HTTPURLError(text: text, reason: .forbiddenCharacter)
        }
    }

    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "/"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
