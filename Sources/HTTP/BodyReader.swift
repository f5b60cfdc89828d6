internal import Glibc
internal import System

/// Hands out a request's body piece by piece, and again from its start if the request must be sent anew.
struct BodyReader: ~Copyable {
    private let body: HTTPBody
    let length: Int64
    /// Bytes handed out so far.
    private(set) var position: Int64 = 0

    /// Checks that a file holds what the request promises.
    ///
    /// - Throws: ``TransferFailure`` with `localRead` or `localFileChanged`.
    static func open(_ body: HTTPBody) throws(TransferFailure) -> BodyReader {
        guard case .file(let range) = body else { return BodyReader(body: body) }
        let file = range.file
        guard let size = file.size else { throw TransferFailure(cause: .localRead(path: file.path, errno: errno)) }
        guard size >= range.offset + range.length else {
            throw TransferFailure(cause: .localFileChanged(path: file.path))
        }
        posix_fadvise(file.descriptor, off_t(range.offset), off_t(range.length), POSIX_FADV_SEQUENTIAL)
        return BodyReader(body: body)
    }

    private init(body: HTTPBody) {
        self.body = body
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
                count = pread(range.file.descriptor, base, wanted, off_t(range.offset + position))
            } while count < 0 && errno == EINTR
            guard count >= 0 else { throw TransferFailure(cause: .localRead(path: range.file.path, errno: errno)) }
            guard count > 0 else { throw TransferFailure(cause: .localFileChanged(path: range.file.path)) }
        }
        position += Int64(count)
        return count
    }
}
