internal import CCurl
internal import Glibc

/// What the kernel knows of a connection: the only witness of bytes that move.
///
/// libcurl counts what the kernel takes from it, which says nothing of up to megabytes that still wait for a slow
/// link, and over TLS it counts whole buffers.
enum Wire {
    /// Bytes received from the peer since the connection began, TLS and headers included; nil where it is no TCP socket.
    static func received(from socket: Int32) -> Int64? { counters(of: socket)?.received }

    /// Bytes confirmed by the peer's system since the connection began; nil where it is no TCP socket.
    static func confirmed(by socket: Int32) -> Int64? { counters(of: socket)?.confirmed }

    /// Whether the peer's system has confirmed all that was sent.
    static func isConfirmed(_ socket: Int32) -> Bool { pushd_unconfirmed(socket) <= 0 }

    /// Whether there is something to read: bytes, an end or an error.
    static func isReadable(_ socket: Int32) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }

    /// Whether the peer has ended its side, or the connection is broken, with nothing left to read.
    static func isAtEnd(_ socket: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || count < 0 && errno != EAGAIN && errno != EINTR
    }

    static func localPort(of socket: Int32) -> Int? { address(of: socket, getsockname)?.port }

    /// The other end's address in numbers.
    static func peer(of socket: Int32) -> String? { address(of: socket, getpeername)?.host }

    private static func counters(of socket: Int32) -> (confirmed: Int64, received: Int64)? {
        // struct tcp_info of linux/tcp.h, stable and only growing: 8 bytes, 24 words of 32 bits, 2 of 64 bits, then
        // tcpi_bytes_acked and tcpi_bytes_received. glibc's own copy of it ends before them.
        var info = [UInt64](repeating: 0, count: 32)
        var size = socklen_t(info.count * 8)
        guard getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0, size >= 136 else { return nil }
        return (Int64(truncatingIfNeeded: info[15]), Int64(truncatingIfNeeded: info[16]))
    }

    private static func address(
        of socket: Int32, _ get: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (host: String, port: Int)? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard get(socket, address, &size) == 0 else { return nil }
                var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                var port = [CChar](repeating: 0, count: 16)
                let code = getnameinfo(
                    address, size, &host, socklen_t(host.count), &port, socklen_t(port.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
                guard code == 0, let number = Int(text(port)) else { return nil }
                return (String(text(host).prefix { $0 != "%" }), number)  // without the zone, as libcurl writes it
            }
        }
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
