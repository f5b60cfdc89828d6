import Glibc

/// The daemon's own directory, held by one daemon at a time.
struct StateDirectory: Sendable {
    let path: String
    private let lock: Int32

    var database: String { path + "/queue.db" }
    var spool: String { path + "/spool" }

    /// Makes the directory if need be, for its owner only, and locks it.
    ///
    /// - Throws: ``StartError`` where it cannot be made or written, or another daemon holds it.
    static func open(_ path: String) throws(StartError) -> StateDirectory {
        try Directories.make(path, mode: 0o700)
        let file = path + "/lock"
        let lock = Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        var status = stat()
        guard lock >= 0, fstat(lock, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            let code = lock < 0 ? errno : EISDIR
            if lock >= 0 { close(lock) }
            guard ![ELOOP, EISDIR, ENXIO].contains(code) else {
                throw StartError("\(file) is a link or no plain file, and is not used", advice: "remove it")
            }
            let isForeign = code == EACCES && stat(file, &status) == 0 && status.st_uid != geteuid()
            throw StartError(
                "cannot write to \(path): \(String(cString: strerror(code)))",
                advice: isForeign
                    ? "pushd ran as another user before: see THE USER OF THE DAEMON in pushd(8)"
                    : "give the daemon's user write access, or name another place with --state-dir")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(lock)
            close(lock)
            throw StartError(
                "another pushd\(holder) already works on \(path)",
                advice: "stop it first, or give this one a directory of its own with --state-dir")
        }
        let pid = Array("\(getpid())\n".utf8)
        if ftruncate(lock, 0) == 0 { _ = pwrite(lock, pid, pid.count, 0) }
        return StateDirectory(path: path, lock: lock)
    }

    /// Lets another daemon have it. The kernel does the same when the process ends, however it ends.
    func release() { close(lock) }

    private static func holder(_ lock: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(lock, &bytes, bytes.count, 0)
        guard count > 0, let pid = Int32(String(decoding: bytes[..<count].filter { $0 > 0x20 }, as: UTF8.self)) else {
            return ""
        }
        return " (process \(pid))"
    }
}

/// The directory of the control socket, where no service manager makes it.
enum RuntimeDirectory {
    /// - Throws: ``StartError``.
    static func make(for socket: String) throws(StartError) {
        let parts = socket.split(separator: "/").dropLast()
        try Directories.make("/" + parts.joined(separator: "/"), mode: 0o755)
    }
}

private enum Directories {
    /// Makes what is missing of a path.
    static func make(_ path: String, mode: mode_t) throws(StartError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, mode) == 0 { continue }
            let code = errno
            var status = stat()
            guard stat(made, &status) == 0 else {
                throw StartError(
                    "cannot make \(made): \(String(cString: strerror(code)))",
                    advice: "make it for the daemon's user, or name another place")
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw StartError("\(made) is not a directory", advice: "remove it, or name another place")
            }
        }
    }
}

/// Why the daemon did not start.
struct StartError: Error, CustomStringConvertible {
    let reason: String
    let advice: String?

    init(_ reason: String, advice: String? = nil) {
        self.reason = reason
        self.advice = advice
    }

    var description: String { reason }
}
