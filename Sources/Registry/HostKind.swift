internal import Glibc

/// What kind of host a URL names, as far as it shows without asking a name server.
enum HostKind: Hashable, Sendable {
    /// `localhost`, a name below it, 127.0.0.0/8 or ::1: this machine.
    case loopback
    /// An address that only means something in the own network: private, link-local, unspecified, shared, multicast.
    case localAddress
    /// Any other address.
    case publicAddress
    case name

    /// - Parameter host: as in ``HTTPURL``: IPv6 in brackets. `2130706433` and `0x7f.1` are addresses too: the
    ///   resolver takes them for 127.0.0.1.
    init(_ host: String) {
        var text = host.lowercased()
        if text.hasSuffix(".") { text.removeLast() }
        if text.hasPrefix("[") {
            // A zone means link-local; so does what can't be read: no address that we know to be harmless.
            self = Self.bytes(ofIPv6: String(text.dropFirst().dropLast())).map(Self.kind(ofIPv6:)) ?? .localAddress
        } else if text == "localhost" || text.hasSuffix(".localhost") {
            self = .loopback
        } else if let address = Self.ipv4(text) {
            self = Self.kind(ofIPv4: address)
        } else {
            self = .name
        }
    }

    /// In host byte order; read as the C library's resolver reads it.
    private static func ipv4(_ text: String) -> UInt32? {
        var address = in_addr()
        return inet_aton(text, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
    }

    private static func bytes(ofIPv6 text: String) -> [UInt8]? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return withUnsafeBytes(of: address) { Array($0) }
    }

    /// Source: IANA's registry of IPv4 special-purpose addresses.
    private static func kind(ofIPv4 address: UInt32) -> HostKind {
        func isIn(_ a: UInt32, _ b: UInt32, bits: UInt32) -> Bool {
            address >> (32 - bits) == (a << 24 | b << 16) >> (32 - bits)
        }
        if isIn(127, 0, bits: 8) { return .loopback }
        let isLocal =
            isIn(0, 0, bits: 8) || isIn(10, 0, bits: 8) || isIn(100, 64, bits: 10) || isIn(169, 254, bits: 16)
            || isIn(172, 16, bits: 12) || isIn(192, 168, bits: 16) || isIn(198, 18, bits: 15)
            || isIn(224, 0, bits: 3)  // multicast, reserved and broadcast
        return isLocal ? .localAddress : .publicAddress
    }

    /// Source: IANA's registry of IPv6 special-purpose addresses. An IPv4 address inside an IPv6 one counts as itself.
    private static func kind(ofIPv6 bytes: [UInt8]) -> HostKind {
        let v4 = bytes[12...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let isZeroTo10 = bytes[..<10].allSatisfy { $0 == 0 }
        if isZeroTo10, bytes[10] == 0xFF, bytes[11] == 0xFF { return kind(ofIPv4: v4) }
        if isZeroTo10, bytes[10] == 0, bytes[11] == 0 { return v4 == 1 ? .loopback : .localAddress }
        if bytes[..<12] == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] { return kind(ofIPv4: v4) }  // NAT64
        let isLocal =
            bytes[0] & 0xFE == 0xFC || (bytes[0] == 0xFE && bytes[1] & 0x80 == 0x80) || bytes[0] == 0xFF
        return isLocal ? .localAddress : .publicAddress
    }
}
