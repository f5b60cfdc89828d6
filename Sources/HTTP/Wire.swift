internal import CCurl
internal import Glibc

/// What the kernel knows of a connection: the only witness of bytes that move.
///
/// libcurl counts what the kernel takes from it, which says nothing of up to megabytes that still wait for a slow
/// link, and over TLS it counts whole buffers.
enum Wire {
    /// Bytes confirmed by the peer plus bytes received from it, TLS and headers included; nil where it is no TCP socket.
    static func traffic(of socket: Int32) -> Int64? {
        // struct tcp_info of linux/tcp.h, stable and only growing: 8 bytes, 24 words of 32 bits, 2 of 64 bits, then
        // tcpi_bytes_acked and tcpi_bytes_received. glibc's own copy of it ends before them.
        var info = [UInt64](repeating: 0, count: 32)
        var size = socklen_t(info.count * 8)
        guard getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0, size >= 136 else { return nil }
        return Int64(truncatingIfNeeded: info[15] &+ info[16])
    }

    /// Whether the peer's system has confirmed all that was sent.
    static func isConfirmed(_ socket: Int32) -> Bool { pushd_unconfirmed(socket) <= 0 }
}
