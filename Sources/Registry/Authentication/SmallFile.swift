internal import Glibc

/// What tells whether a file is still the one that was read, in the state it was read in.
struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let sizeInBytes: Int64
    private let modified: [Int]
    private let changed: [Int]

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        sizeInBytes = Int64(status.st_size)
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }

    /// Nil where nothing is, and, if asked so, where a directory on the way is closed to this user.
    init?(ofPath path: String, passingOverHidden: Bool) throws(CredentialFileProblem) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR || (errno == EACCES && passingOverHidden) { return nil }
            throw CredentialFileProblem(errno: errno)
        }
        self.init(status)
    }
}

/// The bytes of a file of at most 1 MiB and its identity as it was opened; nil where none is.
///
/// - Throws: ``CredentialFileProblem`` for what is no regular file (a pipe would block), too large or out of reach.
func readSmallFile(_ path: String) throws(CredentialFileProblem) -> (FileIdentity, [UInt8])? {
    let limit = 1 << 20
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw CredentialFileProblem(errno: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw CredentialFileProblem(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw CredentialFileProblem(reason: "it is not a regular file") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while bytes.count <= limit {
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count == 0 { return (FileIdentity(status), bytes) }
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
