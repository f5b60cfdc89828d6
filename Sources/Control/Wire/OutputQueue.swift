internal import Glibc

/// What is still to be written to a socket that does not block.
struct OutputQueue {
    enum Progress: Equatable {
        case drained
        /// The other end must read first.
        case blocked
        case failed(code: Int32)
    }

    /// Small messages share a block, so that one system call takes many of them along.
    private static let blockSize = 65_536

    private var blocks: [[UInt8]] = []
    private var writtenOfFirst = 0
    /// In bytes.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: [UInt8]) {
        count += bytes.count
        if let last = blocks.indices.last, blocks[last].count + bytes.count <= Self.blockSize {
            blocks[last].append(contentsOf: bytes)
        } else {
            blocks.append(bytes)
        }
    }

    mutating func removeAll() { self = OutputQueue() }

    /// Writes as much as the socket takes.
    mutating func write(to descriptor: Int32) -> Progress {
        var done = 0
        defer { blocks.removeFirst(done) }
        while done < blocks.count {
            let from = writtenOfFirst
            let sent: Int = blocks[done].withUnsafeBytes { block in
                let rest = UnsafeRawBufferPointer(rebasing: block[from...])
                return send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if sent < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? .blocked : .failed(code: errno)
            }
            count -= sent
            writtenOfFirst += sent
            if writtenOfFirst == blocks[done].count {
                writtenOfFirst = 0
                done += 1
            }
        }
        return .drained
    }
}
