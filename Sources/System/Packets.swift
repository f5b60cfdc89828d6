internal import CLinux
internal import Glibc

/// Messages over a Unix socket that keeps them apart, each with a descriptor or without: unix(7), SOCK_SEQPACKET.
public enum Packets {
    /// A connection to the socket of a path.
    ///
    /// - Returns: a descriptor; nil where there is none, for the reason in `errno`.
    public static func connect(at path: String) -> Int32? {
        let connection = linux_connect_packets_at(path)
        return connection >= 0 ? connection : nil
    }

    /// What is received on the connection fails with `EAGAIN` after so many seconds.
    public static func limitWaiting(_ connection: Int32, seconds: Int32) {
        _ = linux_limit_waiting(connection, seconds)
    }

    /// - Parameter descriptor: goes with it; nil: none.
    /// - Returns: false where it can't be sent, for the reason in `errno`.
    public static func send(_ bytes: [UInt8], _ descriptor: Int32? = nil, over connection: Int32) -> Bool {
        linux_send_file(connection, bytes, bytes.count, descriptor ?? -1) == 0
    }

    /// - Parameter limit: bytes; a longer message is an error.
    /// - Returns: the descriptor is the caller's; nil at the end, or for the reason in `errno`.
    public static func receive(from connection: Int32, limit: Int) -> (bytes: [UInt8], descriptor: Int32?)? {
        var bytes = [UInt8](repeating: 0, count: limit)
        var descriptor: Int32 = -1
        errno = 0
        let count = linux_receive_file(connection, &bytes, bytes.count, &descriptor)
        return count > 0 ? (Array(bytes.prefix(count)), descriptor >= 0 ? descriptor : nil) : nil
    }

    /// The user at the other end; nil where the kernel does not tell.
    public static func user(of connection: Int32) -> UInt32? {
        var (pid, uid, gid) = (Int32(0), UInt32(0), UInt32(0))
        return linux_peer(connection, &pid, &uid, &gid) == 0 ? uid : nil
    }

    /// Takes a connection.
    public static func accept(_ listener: Int32) -> Int32? {
        let connection = linux_accept(listener)
        guard connection >= 0 else { return nil }
        _ = fcntl(connection, F_SETFL, fcntl(connection, F_GETFL) & ~O_NONBLOCK)
        return connection
    }
}

/// The name that the kernel has chosen for a listening socket.
public struct PacketName: Sendable {
    private let bytes: [UInt8]

    /// Makes a listening socket, which is the caller's.
    ///
    /// - Returns: nil where there is none, for the reason in `errno`.
    public static func listen() -> (listener: Int32, name: PacketName)? {
        var name = [UInt8](repeating: 0, count: 128)
        var size = UInt32(name.count)
        let listener = linux_listen_unnamed(&name, &size)
        return listener >= 0 ? (listener, PacketName(bytes: Array(name.prefix(Int(size))))) : nil
    }

    /// - Returns: a descriptor; nil where there is none, for the reason in `errno`.
    public func connect() -> Int32? {
        let connection = linux_connect_packets(bytes, UInt32(bytes.count))
        return connection >= 0 ? connection : nil
    }
}

extension UserIdentity {
    /// This process becomes the user for good. There must be no second thread.
    ///
    /// - Returns: 0, or why not.
    public func become() -> Int32 { linux_become(uid, gid, groups, groups.count) == 0 ? 0 : errno }
}

public enum ChildProcess {
    /// fork(2): 0 in the new process. There must be no second thread.
    public static func fork() -> Int32 { linux_fork() }

    /// The kernel ends this process with the one that started it.
    public static func endWithParent() { linux_end_with_parent() }
}
