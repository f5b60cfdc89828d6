/// One request on its way and what has come back: what libcurl's callbacks work on. Lives on the client's thread.
final class Exchange {
    let request: HTTPRequest
    var answer: AnswerCollector
    var watchdog: Watchdog
    /// Why a callback ended the transfer: libcurl itself only says that one did.
    var failure: TransferFailure?

    private var body: BodyReader
    /// Bytes of the body that went out, as last told to the request's progress.
    private(set) var bytesSent: Int64 = 0

    /// - Throws: ``TransferFailure`` where the body's file cannot be used.
    init(
        _ request: HTTPRequest, sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?, now: Watchdog.Instant
    ) throws(TransferFailure) {
        self.request = request
        answer = AnswerCollector(limits: request.limits, hasBody: request.method != .head, sink: sink)
        watchdog = Watchdog(limits: request.limits, now: now)
        body = try BodyReader.open(request.body)
    }

    /// Whether a success came before the body was sent, whole: the rest of the body has no purpose any more.
    /// (On other answers libcurl stops sending by itself.)
    var isAnsweredEarly: Bool { answer.isSuccess && answer.isKnownComplete && bytesSent < body.length }

    /// A new connection is being made, perhaps in place of a pooled one that was dead.
    func connecting() { watchdog.enter(.connecting, now: .now) }

    /// Connection, proxy and TLS are ready, and the request's first byte is about to go.
    func connected() { watchdog.enter(body.length > 0 ? .sending : .awaitingAnswer, now: .now) }

    /// The next piece of the body; nil to end the transfer.
    func nextPiece(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        report(sent: body.position)  // libcurl asks when all that it had is gone
        if isAnsweredEarly { return nil }
        do throws(TransferFailure) {
            return try body.read(into: buffer)
        } catch {
            failure = error
            return nil
        }
    }

    /// Starts the body anew, for a second connection.
    func rewind(to position: Int64) -> Bool {
        guard body.rewind(to: position) else { return false }
        report(sent: position)
        return true
    }

    /// - Parameter count: libcurl's own count, which may still be that of an earlier connection.
    func report(sent count: Int64) {
        let count = min(count, body.position)
        request.progress?.add(count - bytesSent)
        bytesSent = count
    }

    /// Notes what moved, and when the last byte of the body has reached the peer's system.
    func lookAtWire(_ easy: borrowing EasyHandle, now: Watchdog.Instant) {
        let socket = easy.socket
        let traffic = socket.flatMap { Wire.traffic(of: $0) } ?? 0
        watchdog.observe(traffic: traffic &+ easy.uploaded &+ easy.downloaded, now: now)
        if watchdog.phase == .sending, bytesSent == body.length, socket.map({ Wire.isConfirmed($0) }) ?? true {
            watchdog.enter(.awaitingAnswer, now: now)
        }
    }

    /// - Returns: whether the transfer goes on.
    func take(line: UnsafeRawBufferPointer) -> Bool {
        do throws(TransferFailure) {
            try answer.takeLine(line)
            if answer.isHeadComplete { watchdog.enter(.receiving, now: .now) }
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// - Returns: whether the transfer goes on.
    func take(piece: UnsafeRawBufferPointer) -> Bool {
        do throws(TransferFailure) {
            try answer.takeBody(piece)
            return true
        } catch {
            failure = error
            return false
        }
    }
}
