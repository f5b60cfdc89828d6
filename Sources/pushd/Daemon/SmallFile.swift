import Glibc

/// A file that is read whole, and only if it is small.
enum SmallFile {
    case contents([UInt8])
    case absent
    case unreadable(String)

    static func read(_ path: String, atMost limit: Int) -> SmallFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            return errno == ENOENT ? .absent : .unreadable(String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .unreadable("it is not a regular file")
        }
        guard status.st_size <= limit else { return .unreadable("it has more than \(limit) bytes") }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + length, $0.count - length)
            }
            if count < 0 { return .unreadable(String(cString: strerror(errno))) }
            if count == 0 { break }
            length += count
        }
        guard length <= limit else { return .unreadable("it has more than \(limit) bytes") }
        return .contents(Array(bytes[..<length]))
    }
}
