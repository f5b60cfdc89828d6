internal import Glibc

/// An IP address that stands where a name could, as its bytes: 4, or 16. An IPv4 address inside an IPv6 one counts as
/// itself.
struct IPAddress: Hashable, Sendable {
    let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameter host: of a URL, IPv6 in brackets; `127.1` and `0x7f.1` are addresses too, as the resolver has it.
    init?(host: some StringProtocol) {
        if host.hasPrefix("["), host.hasSuffix("]") {
            self.init(v6: String(host.dropFirst().dropLast()))
        } else {
            var address = in_addr()
            guard inet_aton(String(host), &address) == 1 else { return nil }
            self.init(bytes: withUnsafeBytes(of: address) { Array($0) })
        }
    }

    /// - Parameter text: in the usual form, IPv6 with or without brackets.
    init?(literal text: some StringProtocol) {
        if text.contains(":") {
            let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
            self.init(v6: String(isBracketed ? String(text.dropFirst().dropLast()) : String(text)))
        } else {
            var address = in_addr()
            guard inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
            self.init(bytes: withUnsafeBytes(of: address) { Array($0) })
        }
    }

    private init?(v6 text: String) {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        let all = withUnsafeBytes(of: address) { Array($0) }
        let isMapped = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
        self.init(bytes: isMapped ? Array(all[12...]) : all)
    }

    /// 127.0.0.0/8 and ::1.
    var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// Whether the first `bits` bits are those of `network`.
    func isIn(_ network: IPAddress, bits: Int) -> Bool {
        guard bytes.count == network.bytes.count, (0...bytes.count * 8).contains(bits) else { return false }
        let whole = bits / 8
        guard bytes[..<whole] == network.bytes[..<whole] else { return false }
        let rest = bits % 8
        return rest == 0 || (bytes[whole] ^ network.bytes[whole]) >> UInt8(8 - rest) == 0
    }
}

extension HTTPURL {
    /// Whether it leads to this machine, however the address is spelled: no proxy is asked then.
    var isOnThisMachine: Bool {
        let name = host.hasSuffix(".") ? host.dropLast() : host[...]
        return name == "localhost" || name.hasSuffix(".localhost") || IPAddress(host: host)?.isLoopback == true
    }
}
