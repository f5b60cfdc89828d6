/// A proxy on the way to servers: where it is, who we are to it, and where that was set.
///
/// Its login is sent to it alone; nothing that describes the proxy shows it.
public struct Proxy: Hashable, Sendable {
    /// How it is spoken to.
    public enum Scheme: String, Hashable, Sendable {
        case http, https
        /// Names are looked up here.
        case socks5
        /// Names are looked up by the proxy.
        case socks5h

        /// As in Go's tools.
        var defaultPort: Int {
            switch self {
            case .http: 80
            case .https: 443
            case .socks5, .socks5h: 1080
            }
        }

        var isSOCKS: Bool { self == .socks5 || self == .socks5h }
    }

    /// Where the proxy was set, for messages.
    public enum Source: Hashable, Sendable {
        /// The variable's name, in the case in which it is set.
        case environment(String)
        /// The key's path in the configuration.
        case configuration(String)
    }

    struct Login: Hashable, Sendable {
        let user: String
        let password: String
    }

    public let scheme: Scheme
    /// Lower-case name or address; IPv6 in brackets.
    public let host: String
    public let port: Int
    public let source: Source
    let login: Login?

    /// As errors name it.
    public var name: ProxyName { ProxyName(address: "\(host):\(port)", source: source, hasLogin: login != nil) }

    /// The longest address taken, in bytes; a login may be a long token.
    static let maximumLength = 4096

    /// - Parameter text: `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]`, user and password percent-encoded; without a
    ///   scheme it is an HTTP proxy.
    /// - Throws: ``ProxyError``, which shows nothing of `text`: a password may be anywhere in what can't be read.
    public init(parsing text: String, source: Source) throws(ProxyError) {
        func refuse(_ reason: String) -> ProxyError { ProxyError(source: source, reason: reason) }
        guard text.utf8.count <= Self.maximumLength else {
            throw refuse("its proxy's address is longer than \(Self.maximumLength) bytes")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw refuse("its proxy's address has spaces, control characters or characters outside ASCII")
        }
        var rest = text[...]
        var scheme = Scheme.http
        if let mark = text.firstRange(of: "://") {
            guard let named = Scheme(rawValue: text[..<mark.lowerBound].lowercased()) else {
                throw refuse("a proxy's address begins with http://, https://, socks5:// or socks5h://")
            }
            scheme = named
            rest = text[mark.upperBound...]
        }
        let userInformation = rest.lastIndex(of: "@").map { rest[..<$0] }
        var place = userInformation.map { rest[rest.index(after: $0.endIndex)...] } ?? rest
        if place.hasSuffix("/") { place.removeLast() }
        guard !place.contains(where: { "/?#".contains($0) }), userInformation?.contains("/") != true else {
            throw refuse("a proxy's address ends with its port; files that choose proxies (PAC) are not understood")
        }
        let authority: HTTPURL.Authority
        do { authority = try HTTPURL.Authority(parsing: place, text: "") } catch {
            throw refuse(
                "a proxy's address is written http://HOST:PORT, with a name or address and a port from 1 to 65535")
        }
        self.scheme = scheme
        host = authority.host
        port = authority.port ?? scheme.defaultPort
        self.source = source
        login = try userInformation.map { (text) throws(ProxyError) in
            guard let login = Login(text, for: scheme) else {
                throw refuse("user and password of its proxy can't be used; special characters are written %XX")
            }
            return login
        }
    }
}

extension Proxy: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `http://proxy.example:3128`, without its login.
    public var description: String { "\(scheme.rawValue)://\(name)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["proxy": description], displayStyle: .struct) }
}

extension Proxy.Login {
    /// - Returns: nil where it is not percent-encoded, or has what the proxy's protocol can't carry.
    fileprivate init?(_ text: Substring, for scheme: Proxy.Scheme) {
        let end = text.firstIndex(of: ":") ?? text.endIndex
        guard let user = Self.decoded(text[..<end]), let password = Self.decoded(text[end...].dropFirst()),
            // Basic ends the user at the first colon; SOCKS counts both in one byte.
            scheme.isSOCKS ? max(user.utf8.count, password.utf8.count) <= 255 : !user.contains(":"),
            !user.isEmpty
        else { return nil }
        self.init(user: user, password: password)
    }

    /// - Returns: nil for control characters too, which would end a header.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
