internal import Control
internal import Glibc

/// The file that `--digest-file` names: it appears whole, or not at all.
struct DigestFile {
    /// As it was written on the command line.
    let path: String

    /// Finds out, before anything is pushed, whether the file could be written.
    ///
    /// - Throws: ``Failure``.
    func check() throws(Failure) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else { throw failure(EISDIR) }
            if !Self.isReplaced(status) {
                guard access(path, W_OK) == 0 else { throw failure(errno) }
                return
            }
        }
        guard access(Self.directory(of: target), W_OK | X_OK) == 0 else { throw failure(errno) }
    }

    /// Replaces the file. A device or a pipe is written to, as it is.
    ///
    /// - Throws: ``Failure``; the file is as it was then.
    func write(_ lines: [String]) throws(Failure) {
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        var status = stat()
        if stat(path, &status) == 0, !Self.isReplaced(status) {
            let file = open(path, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { throw failure(errno) }
            defer { close(file) }
            return try write(bytes, to: file)
        }
        let target = target
        let temporary = Self.directory(of: target) + "/.pushctl-\(getpid())-\(UInt32.random(in: 0 ... .max)).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw failure(errno) }
        defer { close(file) }
        do throws(Failure) {
            try write(bytes, to: file)
            guard fsync(file) == 0, rename(temporary, target) == 0 else { throw failure(errno) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// What a link stands for is replaced, not the link.
    private var target: String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func isReplaced(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func write(_ bytes: [UInt8], to file: Int32) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure(errno) }
            written += max(count, 0)
        }
    }

    private func failure(_ code: Int32) -> Failure {
        Failure(
            "cannot write the digests to \(path): \(String(cString: strerror(code)))",
            advice: "name a file with --digest-file that may be written here", status: ExitStatus.failed)
    }
}
