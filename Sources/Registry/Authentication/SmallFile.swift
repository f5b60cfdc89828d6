internal import Glibc

/// The bytes of a file of at most 1 MiB; nil where none is, and, if asked so, where a directory on the way is closed to
/// this user.
///
/// - Throws: ``CredentialFileProblem`` for what is no regular file (a pipe would block), too large or out of reach.
func readSmallFile(_ path: String, passingOverHidden: Bool = false) throws(CredentialFileProblem) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
        let code = errno
        if code == ENOENT || code == ENOTDIR { return nil }
        var status = stat()
        if code == EACCES, passingOverHidden, stat(path, &status) != 0 { return nil }
        throw CredentialFileProblem(errno: code)
    }
    defer { close(descriptor) }
    return try readSmallFile(descriptor)
}

/// The same of a file that is open, from its beginning.
func readSmallFile(_ descriptor: Int32) throws(CredentialFileProblem) -> [UInt8] {
    let limit = 1 << 20
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw CredentialFileProblem(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw CredentialFileProblem(reason: "it is not a regular file") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while bytes.count <= limit {
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count == 0 { return bytes }
        if count > 0 {
            bytes += buffer[..<count]
        } else if errno != EINTR {
            throw CredentialFileProblem(errno: errno)
        }
    }
    throw CredentialFileProblem(reason: "it is larger than 1 MiB")
}

extension CredentialFileProblem {
    fileprivate init(errno code: Int32) { self.init(reason: String(cString: strerror(code))) }
}
