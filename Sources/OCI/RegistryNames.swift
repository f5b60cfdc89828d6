internal import Glibc

/// One name for each registry, however it is spelled: the key of all that is set for it, learned of it and kept at it.
///
/// `LOCALHOST:5000` is `localhost:5000`, `host:0443` and `host:443` are `host`, `index.docker.io` and
/// `registry-1.docker.io` are `docker.io`, `[0:0:0:0:0:0:0:1]` is `[::1]`. A port is left out only where it is certain that
/// it would be used anyway: 443 with TLS, 80 with plain HTTP. At this machine, where both are tried, it stays, and so it
/// does where the name would not be a registry's without it: `MyHost` is `myhost:443`.
public struct RegistryNames: Hashable, Sendable {
    /// Whether a registry is spoken to over plain HTTP, where that is set; by name, ports included.
    private var isPlain: [String: Bool] = [:]
    /// What holds where nothing is set; nil: TLS, or at this machine what is found.
    private let isUsuallyPlain: Bool?

    /// - Parameters:
    ///   - plainHTTP: what is set for single registries, by their names as a user spells them.
    ///   - usual: what is set for all others.
    public init(plainHTTP: [String: Bool] = [:], usual: Bool? = nil) {
        isUsuallyPlain = usual
        for (name, plain) in plainHTTP {
            let (host, port) = Self.parts(of: name)
            isPlain[Self.joined(host, port)] = plain
        }
    }

    /// The registry's one name. A name stays the same if it is put in again.
    ///
    /// - Parameter domain: host and optional port, as in an image reference. What is none comes back in lower case.
    public func name(of domain: String) -> String {
        var (host, port) = Self.parts(of: domain)
        let plain: Bool? = isPlain[host] ?? isUsuallyPlain ?? (Self.isOnThisMachine(host) ? nil : false)
        if let plain {
            let usual = plain ? "80" : "443"
            if port == usual, isPlain[Self.joined(host, port)] ?? plain == plain { port = nil }
            // Without a port its lower-case form would begin a repository of Docker Hub's.
            if port == nil, !Self.beginsImageName(host) { port = usual }
        }
        if port == nil, host == "index.docker.io" || host == "registry-1.docker.io" { return "docker.io" }
        return Self.joined(host, port)
    }

    private static func joined(_ host: String, _ port: String?) -> String { port.map { "\(host):\($0)" } ?? host }

    /// The host in its usual form, and the port without leading zeros.
    private static func parts(of domain: String) -> (host: String, port: String?) {
        let text = domain.lowercased()
        var host = Substring(text)
        var port: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[...end]
            let rest = text[text.index(after: end)...]
            port = rest.hasPrefix(":") ? rest.dropFirst() : nil
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        while host.hasSuffix(".") { host.removeLast() }
        // Of zeros alone one stays: it is no port, and not the usual one either.
        let number = port.map { $0.dropLast().drop { $0 == "0" } + $0.suffix(1) }
        return (address(String(host)) ?? String(host), number.map { String($0) })
    }

    /// An address in its usual spelling; nil for a name.
    private static func address(_ host: String) -> String? {
        guard host.hasPrefix("["), host.hasSuffix("]") else {
            // Also `127.1` and `0x7f.1`, which the resolver takes for 127.0.0.1.
            var address = in_addr()
            guard inet_aton(host, &address) == 1 else { return nil }
            return withUnsafeBytes(of: address) { $0.map(String.init).joined(separator: ".") }
        }
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: address) { Array($0) }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        return "[\(shortened(groups))]"
    }

    /// With `::` for the longest row of zeros. Never with an IPv4 address in it, which no image name has.
    ///
    /// Source: RFC 5952, section 4.
    private static func shortened(_ groups: [UInt16]) -> String {
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if longest.isEmpty { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }

    /// Whether what stands before the first slash of an image's name can be this host without a port.
    private static func beginsImageName(_ host: String) -> Bool {
        host.isEmpty || host == "localhost" || host.contains(".") || host.hasPrefix("[")
    }

    private static func isOnThisMachine(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]"
            || (host.hasPrefix("127.") && address(host) != nil)
    }
}
