internal import Glibc
internal import Synchronization

/// The name of a socket in the file system, held by one process at a time.
///
/// A lock beside it (`NAME.lock`) is kept as long as the name is: of two daemons that start at once and both find a
/// dead socket, only one may remove it. The lock file stays behind, since removing it would let two hold "the" lock.
final class OwnedName: Sendable {
    private struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    private let path: String
    private let lock: Descriptor
    private let bound = Mutex<Identity?>(nil)

    private init(path: String, lock: consuming Descriptor) {
        self.path = path
        self.lock = lock
    }

    deinit { remove() }

    /// Makes sure that `path` is free to bind, in a directory where no other user could remove it, nor put another one in
    /// its place.
    ///
    /// A missing directory is made; its parent must exist. A socket on which no process answers is removed.
    static func claim(_ path: String, _ address: SocketAddress, group: UInt32?) throws(ListenError) -> OwnedName {
        func failure(_ call: String) -> ListenError {
            ListenError(socket: path, cause: .system(call: call, code: errno))
        }
        try checkDirectory(of: path, group: group)
        let number = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw failure("open \(path).lock") }
        let lock = Descriptor(owning: number)
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? ListenError(socket: path, cause: .inUse) : failure("flock")
        }
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else { throw ListenError(socket: path, cause: .notASocket) }
            guard try isDead(path, address) else { throw ListenError(socket: path, cause: .inUse) }
            guard unlink(path) == 0 || errno == ENOENT else { throw failure("unlink") }
        } else if errno != ENOENT {
            throw failure("lstat")
        }
        return OwnedName(path: path, lock: lock)
    }

    /// The socket is bound: from now on the name is ours to remove.
    func noteBound() {
        let identity = identity()
        bound.withLock { $0 = identity }
    }

    /// Removes the name, unless another process has bound it since.
    func remove() {
        bound.withLock { bound in
            if bound != nil, identity() == bound { unlink(path) }
            bound = nil
        }
    }

    private func identity() -> Identity? {
        var status = stat()
        return lstat(path, &status) == 0 ? Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) : nil
    }

    private static func isDead(_ path: String, _ address: SocketAddress) throws(ListenError) -> Bool {
        guard let number = SocketAddress.makeSocket() else {
            throw ListenError(socket: path, cause: .system(call: "socket", code: errno))
        }
        let probe = Descriptor(owning: number)
        if address.apply(connect, to: probe.number) == 0 { return false }
        switch errno {
        case ECONNREFUSED, ENOENT: return true
        case EAGAIN: return false  // a process listens, and its queue of new connections is full
        case let code: throw ListenError(socket: path, cause: .system(call: "connect", code: code))
        }
    }

    private static func checkDirectory(of path: String, group: UInt32?) throws(ListenError) {
        let directory =
            switch path.lastIndex(of: "/") {
            case nil: "."
            case path.startIndex: "/"
            case let slash?: String(path[..<slash])
            }
        func failure(_ call: String) -> ListenError {
            ListenError(socket: path, cause: .system(call: "\(call) \(directory)", code: errno))
        }
        if mkdir(directory, 0o700) == 0 {
            if let group {
                guard chown(directory, uid_t.max, group) == 0, chmod(directory, 0o750) == 0 else {
                    throw failure("give to group \(group):")
                }
            }
        } else if errno != EEXIST {
            throw failure("mkdir")
        }
        try DirectoryTrust.check(directory, of: path)
    }
}
