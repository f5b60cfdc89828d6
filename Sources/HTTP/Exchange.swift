/// One request on its way and what has come back: what libcurl's callbacks work on. Lives on the client's thread.
final class Exchange {
    let request: HTTPRequest
    var answer: AnswerCollector
    var watchdog: Watchdog
    /// Why a callback ended the transfer: libcurl itself only says that one did.
    var failure: TransferFailure?

    private var body: BodyReader
    /// Bytes of the body that went out, as last added to the request's progress.
    private(set) var bytesSent: Int64 = 0

    private let sockets: Sockets
    /// The connection in use, from the request's first byte on; nil also where it could not be found.
    private var socket: Int32?
    /// Whether its first byte was about to go.
    private var hasBegun = false
    /// Whether a pooled connection ended under the request, and libcurl took another one for it.
    private(set) var hasLostConnection = false
    /// What the peer had confirmed of the request then.
    private var confirmedOfLost: Int64?
    /// What the peer had confirmed of earlier requests on it.
    private var confirmedBefore: Int64 = 0
    /// When libcurl continues with the body, which it holds back: at once where it has to read what came first.
    private(set) var pausedUntil: Watchdog.Instant?
    /// The piece whose turn has been waited for, in bytes.
    private var granted: Int?
    /// Whether the peer had ended its side when the body was held back last.
    private var hasSeenEnd = false
    /// Whether the peer has ended its side before it answered, and the rest of the body was not sent.
    private(set) var isCutOff = false
    /// Whether a proxy connects to the server: the peer is not the server then.
    private let isProxied: Bool
    /// Where the server is; nil behind a proxy.
    private(set) var place: NetworkPlace?
    /// An address of the server that was not connected to: it is out of the request's reach.
    private(set) var avoided: IPAddress?

    enum Piece {
        case bytes(Int)
        case later, never
    }

    /// - Throws: ``TransferFailure`` where the body's file cannot be used.
    init(
        _ request: HTTPRequest, sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?, sockets: Sockets,
        isProxied: Bool, now: Watchdog.Instant
    ) throws(TransferFailure) {
        self.request = request
        self.isProxied = isProxied
        self.sockets = sockets
        answer = AnswerCollector(
            limits: request.limits, hasBody: request.method != .head, codedBodies: request.codedBodies, sink: sink)
        watchdog = Watchdog(limits: request.limits, now: now)
        body = try BodyReader.open(request.body)
    }

    /// Whether a success came before the body was sent, whole: the rest of the body has no purpose any more.
    /// (On other answers libcurl stops sending by itself.)
    var isAnsweredEarly: Bool { answer.isSuccess && answer.isKnownComplete && bytesSent < body.length }

    /// A new connection is being made, perhaps in place of a pooled one that was dead.
    func connecting(on socket: Int32) {
        noteLoss()  // first: the new connection may have the number of the old one
        sockets.opened(socket)
        self.socket = nil
        watchdog.enter(.connecting, now: .now)
    }

    /// Whether an address of the server is in the request's reach.
    ///
    /// - Parameter address: nil for what is none.
    func mayConnect(to address: IPAddress?) -> Bool {
        guard let reach = request.reach, !isProxied else { return true }
        guard let address else { return false }
        if NetworkPlace(address) <= reach { return true }
        avoided = address
        return false
    }

    /// Connection, proxy and TLS are ready, and the request's first byte is about to go.
    ///
    /// - Returns: whether it may go.
    func connected(localPort: Int, peer: String) -> Bool {
        let address = IPAddress(literal: peer)
        // A pooled connection may have been made for a request that reaches further.
        guard mayConnect(to: address) else {
            failure = TransferFailure(cause: .outOfReach(address: peer))
            return false
        }
        if !isProxied { place = address.map(NetworkPlace.init) }
        noteLoss()
        hasBegun = true
        socket = sockets.find(localPort: localPort, peer: peer)
        confirmedBefore = socket.flatMap { sockets.confirmed($0) } ?? 0
        watchdog.enter(body.length > 0 ? .sending : .awaitingAnswer, now: .now)
        return true
    }

    private func noteLoss() {
        guard hasBegun, socket != nil else { return }
        confirmedOfLost = confirmed
        hasLostConnection = true
    }

    /// Whether the peer's system has surely taken no byte of the request: the connection was dead before.
    var isUnconfirmed: Bool { confirmed == 0 }

    /// Whether it may be that no program has read any of the request: the peer's system has taken no more of it than
    /// one takes in without being asked.
    var mayBeUnread: Bool { confirmed.map { $0 <= Self.unreadAtMost } ?? false }

    /// In bytes. Linux begins with a window of 64 KiB and widens it only for a program that reads; others don't begin
    /// with much more.
    private static let unreadAtMost: Int64 = 128 << 10

    /// Bytes of the request that the peer's system has confirmed while nothing came back; nil where that is not known.
    private var confirmed: Int64? {
        guard !answer.hasBegun else { return nil }
        guard let socket else { return confirmedOfLost }
        return sockets.confirmed(socket).map { $0 - confirmedBefore }
    }

    /// The next piece of the body.
    ///
    /// What came is read first: a server that answers early often closes with the body unread, and its system then
    /// fails our next write, on which libcurl drops the connection with the answer in it. At an end without an answer
    /// libcurl stops reading and continues to send, to a peer that may no longer read.
    func nextPiece(into buffer: UnsafeMutableRawBufferPointer) -> Piece {
        report(sent: body.position)  // libcurl asks when all that it had is gone
        if isAnsweredEarly { return .never }
        let now = Watchdog.Instant.now
        let turn = self.turn(of: buffer.count, now: now)
        if turn.time > now {
            pausedUntil = turn.time
            return .later
        }
        let buffer = UnsafeMutableRawBufferPointer(rebasing: buffer[..<turn.count])
        do throws(TransferFailure) {
            let position = body.position
            let count = try body.read(into: buffer)
            // Looked at last, as reading the file takes its time.
            if !answer.isHeadComplete, let socket, Wire.isReadable(socket) {
                _ = body.rewind(to: position)
                let isEnd = Wire.isAtEnd(socket)
                // The second time: until then libcurl may have had something left that it had not looked at.
                isCutOff = isEnd && hasSeenEnd
                if isCutOff { return .never }
                hasSeenEnd = isEnd
                pausedUntil = now
                return .later
            }
            granted = nil
            return .bytes(count)
        } catch {
            failure = error
            return .never
        }
    }

    /// How many bytes may go next, and when.
    private func turn(of count: Int, now: Watchdog.Instant) -> (count: Int, time: Watchdog.Instant) {
        if let granted { return (min(granted, count), now) }
        let left = Int(clamping: body.length - body.position)
        guard left > 0, !request.bandwidth.isEmpty else { return (count, now) }
        let piece = request.bandwidth.reduce(min(count, left)) { $1.pieceSize(atMost: $0) }
        let time = request.bandwidth.reduce(now) { max($0, $1.reserve(piece, now: now)) }
        granted = piece
        return (piece, time)
    }

    /// Its transfer goes on.
    func unpause(now: Watchdog.Instant) {
        excuseWait(now: now)
        pausedUntil = nil
    }

    /// Where nothing moves because nothing is to move, the wait does not count, unless the peer owes a confirmation.
    private func excuseWait(now: Watchdog.Instant) {
        if pausedUntil != nil, socket.map({ Wire.isConfirmed($0) }) ?? true { watchdog.waited(until: now) }
    }

    var hasBody: Bool { body.length > 0 }

    /// Whether it may be sent once more although the server may have got it.
    var isRepeatable: Bool { body.length == 0 || request.isRepeatable }

    /// Starts the body anew on a second connection, unless the first may have brought some of it and a registry could
    /// then store it twice. The caller finds out what arrived.
    func rewind(to position: Int64) -> Bool {
        guard body.position == 0 || isRepeatable || isUnconfirmed, body.rewind(to: position) else { return false }
        report(sent: position)
        return true
    }

    /// All that was sent was sent in vain.
    func takeBackProgress() { report(sent: 0) }

    /// What libcurl took is counted as sent.
    func reportAllHandedOut() { report(sent: body.position) }

    /// - Parameter count: libcurl's own count, which may still be that of an earlier connection.
    func report(sent count: Int64) {
        let count = min(count, body.position)
        request.progress?.add(count - bytesSent)
        bytesSent = count
    }

    /// Notes what moved, and when the last byte of the body has reached the peer's system.
    func lookAtWire(_ easy: borrowing EasyHandle, now: Watchdog.Instant) {
        let isSending = watchdog.phase == .sending
        // Of a body that is sent, what the peer writes meanwhile is no movement.
        let wire = socket.flatMap { isSending ? Wire.confirmed(by: $0) : Wire.received(from: $0) }
        // libcurl's count stands in where the kernel's can't be read: together they would count each byte twice.
        watchdog.observe(traffic: wire ?? (isSending ? easy.uploaded : easy.downloaded), now: now)
        excuseWait(now: now)
        if watchdog.phase == .sending, bytesSent == body.length, socket.map({ Wire.isConfirmed($0) }) ?? true {
            watchdog.enter(.awaitingAnswer, now: now)
        }
    }

    /// - Returns: whether the transfer goes on.
    func take(line: UnsafeRawBufferPointer) -> Bool {
        do throws(TransferFailure) {
            try answer.takeLine(line)
            if answer.isHeadComplete {
                watchdog.enter(.receiving(isDocument: !answer.isStreamed), now: .now)
            }
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
