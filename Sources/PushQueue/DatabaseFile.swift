internal import Glibc

/// Prepares the database's file before SQLite opens it: a regular file that only its owner can read and write.
enum DatabaseFile {
    /// Creates the file with mode 0600, or checks the one that is there and takes others' permissions away.
    ///
    /// SQLite gives its `-wal` and `-shm` files the same mode.
    /// - Throws: the cause: a missing or unwritable directory, a link, no regular file, another user's file.
    static func prepare(_ path: String) throws(QueueError.Cause) {
        let created = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if created >= 0 {
            close(created)
            try syncDirectory(of: path)
            return
        }
        guard errno == EEXIST else { throw failure("create it", errno) }
        try check(path)
    }

    /// Linux's `O_PATH`, which the headers show only to programs with GNU extensions.
    private static let pathOnly: Int32 = 0o10_000_000

    private static func check(_ path: String) throws(QueueError.Cause) {
        // Only the path: closing any other descriptor would drop the locks that this process has on the file.
        let file = open(path, pathOnly | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw failure("open it", errno) }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0 else { throw failure("look at it", errno) }
        switch facts.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK: throw .unsafeFile(reason: "it is a symbolic link")
        default: throw .unsafeFile(reason: "it is no regular file")
        }
        guard facts.st_uid == geteuid() else {
            throw .unsafeFile(reason: "it belongs to user \(facts.st_uid), and pushd runs as \(geteuid())")
        }
        if facts.st_mode & 0o077 != 0, chmod("/proc/self/fd/\(file)", 0o600) != 0 {
            throw failure("take others' permissions away", errno)
        }
    }

    /// So that the new file's name survives a power failure.
    private static func syncDirectory(of path: String) throws(QueueError.Cause) {
        let parent = path.lastIndex(of: "/").map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open its directory", errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("sync its directory", errno) }
    }

    private static func failure(_ attempt: String, _ error: Int32) -> QueueError.Cause {
        switch error {
        case ENOSPC, EDQUOT: .diskFull
        case EIO: .inputOutput(reason: "\(attempt): \(String(cString: strerror(error)))")
        default: .notWritable(reason: "\(attempt): \(String(cString: strerror(error)))")
        }
    }
}

extension QueueError.Cause: Error {}
