internal import Glibc

/// An open file of certificates, closed at the end of its owner's scope.
struct FileDescriptor: ~Copyable {
    let number: Int32

    init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Opens a regular file for reading.
    ///
    /// - Throws: ``TransferFailure`` with `localRead`; `EINVAL` stands for something else than a regular file.
    static func openForReading(_ path: String) throws(TransferFailure) -> FileDescriptor {
        // O_NONBLOCK: a FIFO in the file's place must not hold up all transfers.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw TransferFailure(cause: .localRead(path: path, errno: errno)) }
        let file = FileDescriptor(owning: number)
        guard try file.status(path).st_mode & S_IFMT == S_IFREG else {
            throw TransferFailure(cause: .localRead(path: path, errno: EINVAL))
        }
        return file
    }

    func status(_ path: String) throws(TransferFailure) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw TransferFailure(cause: .localRead(path: path, errno: errno)) }
        return status
    }
}
