internal import Glibc

/// The address of a Unix socket in the file system.
struct SocketAddress {
    /// The longest path in bytes: the address holds a terminating zero too. Source: unix(7), "Address format".
    static let longestPath = 107

    private var address = sockaddr_un()

    /// Nil if `path` is empty, too long or has a zero byte.
    init?(path: String) {
        let bytes = Array(path.utf8)
        guard (1...Self.longestPath).contains(bytes.count), !bytes.contains(0) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    /// Calls `connect` or `bind`.
    func apply(_ call: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, to descriptor: Int32) -> Int32 {
        withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// A new stream socket, not blocking, closed in child processes; nil where the system refuses one (`errno`).
    static func makeSocket() -> Int32? {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        return descriptor < 0 ? nil : descriptor
    }
}
