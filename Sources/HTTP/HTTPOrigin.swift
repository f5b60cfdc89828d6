/// Scheme, host and port of a server. Two origins are the same only if all three are.
public struct HTTPOrigin: Hashable, Sendable, CustomStringConvertible {
    public let scheme: HTTPURL.Scheme
    /// As in ``HTTPURL/host``.
    public let host: String
    public let port: Int

    /// Such as `https://registry.example` or `http://[::1]:5000`; the scheme's own port is left out.
    public var description: String {
        "\(scheme.rawValue)://\(host)" + (port == scheme.defaultPort ? "" : ":\(port)")
    }

    /// The same without the scheme: `registry.example`, `[::1]:5000`.
    public var authority: String { host + (port == scheme.defaultPort ? "" : ":\(port)") }

    /// Whether only this machine can be meant: `localhost`, names below it, 127.0.0.0/8 and `[::1]`.
    ///
    /// Addresses in other spellings (`0x7f.1`, `[0:0:0:0:0:0:0:1]`) are taken for foreign, which is the safe side.
    public var isLoopback: Bool {
        if host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
