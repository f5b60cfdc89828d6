internal import Glibc

/// The open connections of one multi handle. libcurl does not say which of them a running transfer uses; their
/// addresses do.
final class Sockets {
    private var open: Set<Int32> = []
    /// What the peer had confirmed when a connection was closed, until its number is used again.
    private var confirmedAtClose: [Int32: Int64] = [:]

    func opened(_ socket: Int32) {
        open.insert(socket)
        confirmedAtClose[socket] = nil
    }

    /// Closes it.
    func close(_ socket: Int32) -> Int32 {
        if open.remove(socket) != nil { confirmedAtClose[socket] = Wire.confirmed(by: socket) }
        return Glibc.close(socket)
    }

    /// - Parameters:
    ///   - localPort: of this end.
    ///   - peer: the other end's address in numbers, as `inet_ntop` writes it.
    func find(localPort: Int, peer: String) -> Int32? {
        open.first { Wire.localPort(of: $0) == localPort && Wire.peer(of: $0) == peer }
    }

    /// Bytes of the connection, from its beginning, that the peer's system has confirmed; nil if that is not known.
    func confirmed(_ socket: Int32) -> Int64? {
        open.contains(socket) ? Wire.confirmed(by: socket) : confirmedAtClose[socket]
    }
}
