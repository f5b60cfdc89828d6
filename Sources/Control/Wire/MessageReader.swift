internal import Glibc

/// Cuts what arrives on a socket into messages, each ended by a zero byte.
///
/// Source: varlink.org, "Method Call": JSON never has a zero byte inside.
struct MessageReader {
    enum Arrival: Equatable {
        case bytes, nothingYet, end
        case failed(code: Int32)
    }

    private static let readSize = 65_536

    /// The longest message in bytes, without its zero.
    let limit: Int
    private var buffer: [UInt8] = []
    /// Where the first message that was not yet taken begins.
    private var start = 0
    /// Up to where no zero byte was found.
    private var searched = 0

    init(limit: Int) { self.limit = limit }

    /// True between two messages.
    var isEmpty: Bool { start == buffer.count }

    /// Reads once, at most 64 KiB.
    mutating func read(from descriptor: Int32) -> Arrival {
        let count = withUnsafeTemporaryAllocation(byteCount: Self.readSize, alignment: 1) { space in
            var count = Glibc.read(descriptor, space.baseAddress, space.count)
            while count < 0 && errno == EINTR { count = Glibc.read(descriptor, space.baseAddress, space.count) }
            if count > 0 { append(UnsafeRawBufferPointer(rebasing: space[..<count])) }
            return count
        }
        if count > 0 { return .bytes }
        if count == 0 { return .end }
        return errno == EAGAIN ? .nothingYet : .failed(code: errno)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 4 * Self.readSize)
            (start, searched) = (0, 0)
        } else if start > Self.readSize && start > buffer.count / 2 {
            buffer.removeFirst(start)
            (start, searched) = (0, searched - start)
        }
        buffer.append(contentsOf: bytes)
    }

    /// Takes the next whole message and gives it to `body`, without its zero; returns nil until one has arrived.
    ///
    /// - Throws: what `body` throws, and ``MessageFault/tooLong(limit:)`` as soon as a message is known to be too long.
    mutating func next<Result>(
        _ body: (UnsafeRawBufferPointer) throws(MessageFault) -> Result
    ) throws(MessageFault) -> Result? {
        guard let end = endOfMessage() else {
            searched = buffer.count
            guard buffer.count - start <= limit else { throw .tooLong(limit: limit) }
            return nil
        }
        guard end - start <= limit else { throw .tooLong(limit: limit) }
        let message = start..<end
        start = end + 1
        searched = start
        return try buffer.withUnsafeBufferPointer { bytes throws(MessageFault) in
            try body(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[message])))
        }
    }

    private func endOfMessage() -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, searched < bytes.count,
                let found = memchr(base + searched, 0, bytes.count - searched)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
