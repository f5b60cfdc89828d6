internal import Glibc

/// Hands out a request's body piece by piece, and again from its start if the request must be sent anew.
struct BodyReader: ~Copyable {
    private let body: HTTPBody
    private let file: FileDescriptor
    let length: Int64
    /// Bytes handed out so far.
    private(set) var position: Int64 = 0

    /// Opens the file, if it is one, and checks that it holds what the request promises.
    ///
    /// - Throws: ``TransferFailure`` with `localRead` or `localFileChanged`.
    static func open(_ body: HTTPBody) throws(TransferFailure) -> BodyReader {
        guard case .file(let range) = body else { return BodyReader(body: body, file: FileDescriptor.none()) }
        let file = try FileDescriptor.openForReading(range.path)
        guard try file.status(range.path).st_size >= range.offset + range.length else {
            throw TransferFailure(cause: .localFileChanged(path: range.path))
        }
        posix_fadvise(file.number, off_t(range.offset), off_t(range.length), POSIX_FADV_SEQUENTIAL)
        return BodyReader(body: body, file: file)
    }

    private init(body: HTTPBody, file: consuming FileDescriptor) {
        self.body = body
        self.file = file
        length = body.length
    }

    mutating func rewind(to position: Int64) -> Bool {
        guard (0...length).contains(position) else { return false }
        self.position = position
        return true
    }

    /// Fills `buffer` as far as the body goes.
    ///
    /// - Returns: the number of bytes, 0 only at the end.
    /// - Throws: ``TransferFailure`` with `localRead`, or `localFileChanged` where the file ends too early.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransferFailure) -> Int {
        let wanted = Int(min(Int64(buffer.count), length - position))
        guard wanted > 0 else { return 0 }
        var count = wanted
        switch body {
        case .none: return 0
        case .bytes(let bytes):
            let start = Int(position)
            buffer.copyBytes(from: bytes[start..<start + wanted])
        case .file(let range):
            guard let base = buffer.baseAddress else { return 0 }
            repeat {
                count = pread(file.number, base, wanted, off_t(range.offset + position))
            } while count < 0 && errno == EINTR
            guard count >= 0 else { throw TransferFailure(cause: .localRead(path: range.path, errno: errno)) }
            guard count > 0 else { throw TransferFailure(cause: .localFileChanged(path: range.path)) }
        }
        position += Int64(count)
        return count
    }
}
