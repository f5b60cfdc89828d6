internal import Glibc

/// Whether no other user can put something else in the place of a directory: neither of its last part nor of one above.
///
/// Each directory on the way, and each link, must belong to root or to this process's user; and no other may write to a
/// directory, unless it is sticky, as `/tmp` is: there users can't rename what is another's.
enum DirectoryTrust {
    /// Links followed at most, as the kernel does: path_resolution(7).
    private static let mostLinks = 40

    /// - Parameter socket: for errors.
    /// - Throws: ``ListenError`` with the directory, or the link, at fault.
    static func check(_ directory: String, of socket: String) throws(ListenError) {
        func failure(_ call: String, _ path: String) -> ListenError {
            ListenError(socket: socket, cause: .system(call: "\(call) \(path)", code: errno))
        }
        func refusal(_ path: String, _ reason: String, isForeign: Bool = false) -> ListenError {
            ListenError(
                socket: socket, cause: .unsafeDirectory(directory: path, reason: reason, isForeign: isForeign))
        }
        var rest = parts(of: directory)
        if !directory.hasPrefix("/") {
            guard let here = getcwd(nil, 0) else { throw failure("getcwd", ".") }
            defer { free(here) }
            rest = parts(of: String(cString: here)) + rest
        }
        var seen = "/"
        var links = 0
        try checkDirectory(seen, failure, refusal)
        while !rest.isEmpty {
            let part = rest.removeFirst()
            if part == "." { continue }
            if part == ".." {
                seen = seen.lastIndex(of: "/").map { $0 == seen.startIndex ? "/" : String(seen[..<$0]) } ?? "/"
                continue
            }
            let path = (seen == "/" ? "" : seen) + "/" + part
            var status = stat()
            guard lstat(path, &status) == 0 else { throw failure("lstat", path) }
            guard status.st_mode & S_IFMT == S_IFLNK else {
                try checkDirectory(path, failure, refusal)
                seen = path
                continue
            }
            guard isTrusted(status) else { throw refusal(path, "is another user's link", isForeign: true) }
            links += 1
            guard links <= mostLinks, let target = target(of: path) else { throw failure("readlink", path) }
            if target.hasPrefix("/") { seen = "/" }
            rest = parts(of: target) + rest
        }
    }

    private static func checkDirectory(
        _ path: String, _ failure: (String, String) -> ListenError, _ refusal: (String, String, Bool) -> ListenError
    ) throws(ListenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw failure("lstat", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw refusal(path, "is not a directory", false) }
        guard isTrusted(status) else { throw refusal(path, "belongs to another user", true) }
        guard status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0 else {
            throw refusal(path, "can be written by others", false)
        }
    }

    private static func isTrusted(_ status: stat) -> Bool { status.st_uid == 0 || status.st_uid == geteuid() }

    private static func parts(of path: String) -> [String] { path.split(separator: "/").map(String.init) }

    private static func target(of path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        // Not empty, so it has an address.
        let count = bytes.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
        guard count > 0, count < bytes.count else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
