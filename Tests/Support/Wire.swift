internal import Glibc

/// One accepted connection: a socket and what was received but not used yet. It belongs to one thread.
final class Wire {
    /// Why nothing more comes from or goes to this connection.
    enum Failure: Error {
        /// The peer closed or broke the connection, or the server is stopping.
        case closed
        case headTooLarge
        /// The peer begins with TLS.
        case greetedInTLS
    }

    static let maximumHead = 64 << 10

    let descriptor: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private var start = 0
    private var end = 0

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { buffer.deallocate() }

    /// The bytes up to the next empty line, which is taken away too.
    ///
    /// - Returns: nil if the peer closed the connection between two requests.
    func readHead() throws(Failure) -> [UInt8]? {
        var head: [UInt8] = []
        while true {
            if start == end {
                guard try receive(atMost: buffer.count) > 0 else {
                    if head.isEmpty { return nil }
                    throw .closed
                }
                if head.isEmpty, buffer[start] == 0x16 { throw .greetedInTLS }
            }
            // Line by line: byte by byte would cost a debug build half a millisecond.
            while start < end {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                guard let base = rest.baseAddress else { break }  // never: it is not empty
                let count = memchr(base, 10, rest.count).map { UnsafeRawPointer($0) - base + 1 } ?? rest.count
                head.append(contentsOf: rest[..<count])
                start += count
                if head.count > Self.maximumHead { throw .headTooLarge }
                if head.suffix(4) == [13, 10, 13, 10] { return head.dropLast(4) }
            }
        }
    }

    /// The next 1...`limit` bytes, valid until the next call.
    func next(atMost limit: Int64) throws(Failure) -> UnsafeRawBufferPointer {
        if start == end {
            guard try receive(atMost: Int(min(limit, Int64(buffer.count)))) > 0 else { throw .closed }
        }
        let count = Int(min(limit, Int64(end - start)))
        defer { start += count }
        return UnsafeRawBufferPointer(rebasing: buffer[start..<start + count])
    }

    private func receive(atMost limit: Int) throws(Failure) -> Int {
        while true {
            let count = recv(descriptor, buffer.baseAddress, limit, 0)
            if count >= 0 {
                (start, end) = (0, count)
                return count
            }
            guard errno == EINTR else { throw .closed }
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.send(descriptor, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL))
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw .closed
            }
        }
    }

    func send(_ bytes: [UInt8]) throws(Failure) {
        do {
            try bytes.withUnsafeBytes { try send($0) }
        } catch {
            throw .closed
        }
    }

    /// Waits until `gate` opens or the time is over.
    ///
    /// - Throws: ``Failure/closed`` as soon as the peer has gone or the server stops.
    func wait(for gate: TestGate?, atMost limit: Duration? = nil) throws(Failure) {
        let hangUp = Int16(0x2000)  // POLLRDHUP, which Swift's Glibc does not show
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            var polled = [pollfd(fd: descriptor, events: hangUp, revents: 0)]
            if let gate { polled.append(pollfd(fd: gate.descriptor, events: Int16(POLLIN), revents: 0)) }
            let left = deadline.map { max(.zero, $0 - .now) }
            let milliseconds = left.map { Int32(min($0 / .milliseconds(1) + 0.999, 1e9)) } ?? -1
            let count = poll(&polled, nfds_t(polled.count), milliseconds)
            if count < 0, errno == EINTR { continue }
            if polled.count == 2, polled[1].revents != 0 { return }
            guard polled[0].revents == 0 else { throw .closed }
            if count == 0, let deadline, ContinuousClock.now >= deadline { return }
        }
    }

    /// Says that nothing more comes, then takes in what the peer still sends, for a while.
    ///
    /// Closing with unread bytes would send a reset, which can overtake an answer that is on its way.
    /// - Returns: bytes thrown away.
    func finish(patience: Duration = .seconds(2), limit: Int64 = 64 << 20) -> Int64 {
        shutdown(descriptor, Int32(SHUT_WR))
        var total = Int64(end - start)
        (start, end) = (0, 0)
        let deadline = ContinuousClock.now + patience
        while total < limit {
            let left = deadline - .now
            guard left > .zero else { break }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, Int32(left / .milliseconds(1)) + 1) > 0 else { break }
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { break }
            total += Int64(count)
        }
        return total
    }

    /// Makes the coming close a reset.
    func arrangeReset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}
