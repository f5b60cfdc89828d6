/// The servers that `no_proxy` names.
///
/// `example.com` is the host and all below it, `.example.com` and `*.example.com` only those below, `192.168.1.7` an
/// address, `10.0.0.0/8` a network, `*` everything; a port after the host (`example.com:5000`, `[fd00::1]:5000`) narrows
/// it down. Addresses and networks are compared with addresses in URLs; no name is looked up. What can't be read
/// matches nothing: an environment that works for other tools works here.
///
/// Source: Go's golang.org/x/net/http/httpproxy. Spaces separate too, as for curl.
struct ProxyExceptions: Hashable, Sendable {
    private enum Entry: Hashable, Sendable {
        case everything
        case network(IPAddress, bits: Int)
        case address(IPAddress, port: Int?)
        case names(below: String, orItself: Bool, port: Int?)
    }

    /// The longest list taken, in bytes.
    static let maximumLength = 65_536

    private var entries: [Entry] = []

    init() {}

    /// - Returns: nil for a list that is too long.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        let words = text.split { $0 == "," || $0 == " " || $0 == "\t" }
        entries = words.compactMap { Self.entry($0.lowercased()) }
    }

    func contain(_ url: HTTPURL) -> Bool {
        let address = IPAddress(host: url.host)
        let name = url.host.hasSuffix(".") ? url.host.dropLast() : url.host[...]
        return entries.contains { entry in
            switch entry {
            case .everything: true
            case .network(let network, let bits): address?.isIn(network, bits: bits) == true
            case .address(let wanted, let port): address == wanted && (port ?? url.port) == url.port
            case .names(let domain, let orItself, let port):
                address == nil && (name.hasSuffix("." + domain) || orItself && name == domain)
                    && (port ?? url.port) == url.port
            }
        }
    }

    private static func entry(_ word: String) -> Entry? {
        if word == "*" { return .everything }
        if let slash = word.firstIndex(of: "/") {
            guard let network = IPAddress(literal: word[..<slash]),
                let bits = number(word[word.index(after: slash)...], upTo: network.bytes.count * 8)
            else { return nil }
            return .network(network, bits: bits)
        }
        if let address = IPAddress(literal: word) { return .address(address, port: nil) }
        var host = word[...]
        var port: Int?
        if let colon = word.lastIndex(of: ":") {
            guard let number = number(word[word.index(after: colon)...], upTo: 65_535), number > 0 else { return nil }
            port = number
            host = word[..<colon]
        }
        if let address = IPAddress(literal: host) { return .address(address, port: port) }
        if host.hasPrefix("*.") { host = host.dropFirst() }
        let orItself = !host.hasPrefix(".")
        if !orItself { host = host.dropFirst() }
        if host.hasSuffix(".") { host = host.dropLast() }
        return host.isEmpty ? nil : .names(below: String(host), orItself: orItself, port: port)
    }

    private static func number(_ digits: Substring, upTo limit: Int) -> Int? {
        guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(digits), number <= limit
        else { return nil }
        return number
    }
}
