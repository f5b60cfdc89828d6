internal import Glibc

extension HTTPURL {
    /// Host and port of an address, checked.
    struct Authority {
        /// Lower-case; IPv6 in brackets.
        let host: String
        /// nil where none is named, or where nothing follows the colon, which RFC 3986 section 3.2.3 allows.
        let port: Int?

        init(parsing authority: Substring, text: String) throws(HTTPURLError) {
            // Before anything is split: "user:1@host" must not be read as host "user".
            guard !authority.utf8.contains(UInt8(ascii: "@")) else {
                throw HTTPURLError(text: text, reason: .userInformation)
            }
            let host: Substring
            let rest: Substring
            if authority.hasPrefix("["), let end = authority.utf8.firstIndex(of: UInt8(ascii: "]")) {
                host = authority[...end]
                rest = authority[authority.index(after: end)...]
            } else {
                host = authority.prefix { $0 != ":" }
                rest = authority[host.endIndex...]
            }
            guard !host.isEmpty else { throw HTTPURLError(text: text, reason: .hostMissing) }
            guard Self.isAddressV6(host) || Self.isName(host) else { throw HTTPURLError(text: text, reason: .badHost) }
            guard rest.isEmpty || rest.hasPrefix(":"), let port = Self.port(rest.dropFirst()) else {
                throw HTTPURLError(text: text, reason: .badPort)
            }
            self.host = host.lowercased()
            self.port = port == 0 ? nil : port
        }

        /// 1...65535; 0 for empty; nil where it is no port. Leading zeros are taken, signs are not.
        private static func port(_ digits: Substring) -> Int? {
            if digits.isEmpty { return 0 }
            guard digits.utf8.count <= 8, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let port = Int(digits), (1...65535).contains(port)
            else { return nil }
            return port
        }

        /// Letters, digits, `-`, `_` and single dots: DNS names, IPv4 addresses, names of containers.
        private static func isName(_ host: Substring) -> Bool {
            let allowed = host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            return allowed && host.utf8.count <= 255 && !host.hasPrefix(".") && !host.contains("..")
        }

        /// In brackets; without a zone, which means nothing to another machine.
        private static func isAddressV6(_ host: Substring) -> Bool {
            guard host.hasPrefix("["), host.hasSuffix("]"), host.utf8.count <= 64 else { return false }
            var address = in6_addr()
            return inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address) == 1
        }
    }
}
