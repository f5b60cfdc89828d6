internal import Glibc

/// How far inside a server's address is, seen from the internet: the further, the more it trusts who can reach it.
public enum NetworkPlace: Int, Hashable, Comparable, Sendable, CaseIterable {
    /// An address of the internet.
    case world
    /// Of the own network: private, unique local, shared by a provider's customers, for tests.
    case ownNetwork
    /// A loopback address.
    case thisMachine
    /// What belongs to this machine's link or is no server's address: link-local, where clouds keep their machines'
    /// credentials; unspecified, multicast, broadcast, reserved.
    case link

    public static func < (one: NetworkPlace, other: NetworkPlace) -> Bool { one.rawValue < other.rawValue }

    /// The furthest inside that a server here may send a client to; never ``link``.
    public var leadsTo: NetworkPlace { self == .link ? .ownNetwork : self }

    /// Where a host of a URL is, as far as that shows without asking a name server; nil for other names.
    ///
    /// - Parameter host: IPv6 in brackets. `2130706433` and `0x7f.1` are addresses too: the resolver takes them for
    ///   127.0.0.1.
    public static func named(by host: String) -> NetworkPlace? {
        var text = host.lowercased()
        while text.hasSuffix(".") { text.removeLast() }
        if text == "localhost" || text.hasSuffix(".localhost") { return .thisMachine }
        // What can't be read, such as a zone, is no address that is known to be harmless.
        if text.hasPrefix("[") { return IPAddress(host: text).map(NetworkPlace.init) ?? .link }
        return IPAddress(host: text).map(NetworkPlace.init)
    }

    init(_ address: IPAddress) {
        self =
            address.bytes.count == 4
            ? Self.place(ofIPv4: address.bytes.reduce(0) { $0 << 8 | UInt32($1) }) : Self.place(ofIPv6: address.bytes)
    }

    /// Source: IANA's registry of IPv4 special-purpose addresses; the clouds' documentation of their metadata services.
    private static func place(ofIPv4 address: UInt32) -> NetworkPlace {
        func isIn(_ a: UInt32, _ b: UInt32, bits: UInt32) -> Bool {
            address >> (32 - bits) == (a << 24 | b << 16) >> (32 - bits)
        }
        if isIn(127, 0, bits: 8) { return .thisMachine }
        // Alibaba's, Azure's and Oracle's services for the machine itself, which lie outside the link-local network.
        let ofTheMachine: [UInt32] = [0x6464_64C8, 0xA83F_8110, 0xC000_00C0]
        if isIn(0, 0, bits: 8) || isIn(169, 254, bits: 16) || isIn(224, 0, bits: 3) || ofTheMachine.contains(address) {
            return .link
        }
        let isOwn =
            isIn(10, 0, bits: 8) || isIn(100, 64, bits: 10) || isIn(172, 16, bits: 12) || isIn(192, 168, bits: 16)
            || isIn(198, 18, bits: 15)
        return isOwn ? .ownNetwork : .world
    }

    /// Source: IANA's registry of IPv6 special-purpose addresses. An IPv4 address inside an IPv6 one counts as itself.
    private static func place(ofIPv6 bytes: [UInt8]) -> NetworkPlace {
        let last4 = bytes[12...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let isZeroTo12 = bytes[..<12].allSatisfy { $0 == 0 }
        if isZeroTo12 { return last4 == 1 ? .thisMachine : .link }
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF { return place(ofIPv4: last4) }
        if bytes[..<12] == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] { return place(ofIPv4: last4) }  // NAT64
        if bytes[0] == 0x20, bytes[1] == 0x02 {  // 6to4
            return place(ofIPv4: bytes[2..<6].reduce(0) { $0 << 8 | UInt32($1) })
        }
        // Amazon's service for the machine itself.
        if bytes == [0xFD, 0, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54] { return .link }
        if bytes[0] == 0xFF || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) { return .link }
        let isOwn = bytes[0] & 0xFE == 0xFC || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0xC0)
        return isOwn ? .ownNetwork : .world
    }
}

extension IPAddress {
    /// - Parameter socketAddress: as the resolver found it; nil for what is no IP address.
    init?(_ socketAddress: UnsafeRawPointer) {
        let family = socketAddress.loadUnaligned(as: sa_family_t.self)
        switch Int32(family) {
        case AF_INET:
            let address = socketAddress.loadUnaligned(as: sockaddr_in.self).sin_addr
            self.init(literal: withUnsafeBytes(of: address) { $0.map(String.init).joined(separator: ".") })
        case AF_INET6:
            let address = socketAddress.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            self.init(literal: Self.text(ofIPv6: withUnsafeBytes(of: address) { Array($0) }))
        default: return nil
        }
    }

    /// As it is written.
    var text: String {
        bytes.count == 16 ? Self.text(ofIPv6: bytes) : bytes.map(String.init).joined(separator: ".")
    }

    private static func text(ofIPv6 bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // Fails for too little room only, and there is enough for any address.
        guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
