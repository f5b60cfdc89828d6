internal import Glibc

/// One step on the way to a file of a store: what is opened, and how links are dealt with.
struct OpenStep: Sendable, Equatable {
    /// Absolute for the first step; a single name below the directory that was opened before.
    let path: String
    /// A directory is wanted, or else a file.
    let isDirectory: Bool
    /// Whether a link in the last part leads on; what it leads to is marked, and must be a regular file or a directory.
    let followsLink: Bool
    /// Whether a link in the last part is a fault.
    let refusesLink: Bool

    enum Outcome: Equatable {
        case opened(Int32, isLinked: Bool)
        case absent
        /// A link to something else than was wanted, or to nothing.
        case unproven
        case failed(Int32)
    }

    /// Takes the step with the rights of this process.
    ///
    /// - Parameter directory: where a name is looked for.
    func take(in directory: Int32 = AT_FDCWD) -> Outcome {
        // Not blocking: a named pipe would wait for a writer.
        let flags = O_RDONLY | O_CLOEXEC | (isDirectory ? O_DIRECTORY : O_NONBLOCK)
        guard followsLink else {
            return Self.outcome(of: openat(directory, path, flags | (refusesLink ? O_NOFOLLOW : 0)))
        }
        var entry = stat()
        guard fstatat(directory, path, &entry, AT_SYMLINK_NOFOLLOW) == 0 else {
            return errno == ENOENT ? .absent : .failed(errno)
        }
        guard entry.st_mode & S_IFMT == S_IFLNK else {
            return Self.outcome(of: openat(directory, path, flags | O_NOFOLLOW))
        }
        // A device behind a link is not even touched: `O_PATH` opens nothing.
        let target = openat(directory, path, Self.pathOnly | O_CLOEXEC)
        guard target >= 0 else { return .unproven }
        defer { close(target) }
        var status = stat()
        guard fstat(target, &status) == 0, status.st_mode & S_IFMT == (isDirectory ? S_IFDIR : S_IFREG) else {
            return .unproven
        }
        let opened = open("/proc/self/fd/\(target)", flags)
        return opened >= 0 ? .opened(opened, isLinked: true) : .unproven
    }

    private static func outcome(of call: @autoclosure () -> Int32) -> Outcome {
        let descriptor = Int32(retrying { Int(call()) })
        if descriptor >= 0 { return .opened(descriptor, isLinked: false) }
        return errno == ENOENT ? .absent : .failed(errno)
    }

    /// `O_PATH`, which Glibc's module leaves out. Source: fcntl.h of Linux, x86-64 and aarch64 alike.
    private static let pathOnly: Int32 = 0o10000000
}
