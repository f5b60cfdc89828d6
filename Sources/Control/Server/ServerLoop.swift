internal import CLinux
internal import Glibc
internal import System

/// The server's thread: accepts connections, reads calls, starts their tasks and writes their replies.
///
/// Nothing in it waits for a client or for a call: sockets do not block, and tasks run elsewhere and leave notes.
final class ServerLoop {
    private static let listenerToken: UInt64 = 0
    private static let mailboxToken: UInt64 = 1

    let limits: ControlLimits
    let mailbox: ServerMailbox
    let table: MethodTable
    private let listener: ListeningSocket
    private let access: ControlAccess
    private let epoll: Epoll

    var connections: [UInt64: Connection] = [:]
    var lastCall: UInt64 = 0
    private var lastConnection = ServerLoop.mailboxToken
    private var acceptAgain: ContinuousClock.Instant?
    /// Set while stopping: when the last call must have ended.
    private(set) var stopDeadline: ContinuousClock.Instant?

    init(
        listener: ListeningSocket, access: ControlAccess, limits: ControlLimits, table: MethodTable,
        mailbox: ServerMailbox, epoll: Epoll
    ) {
        self.listener = listener
        self.access = access
        self.limits = limits
        self.table = table
        self.mailbox = mailbox
        self.epoll = epoll
        epoll.add(listener.number, .input, token: Self.listenerToken)
        epoll.add(mailbox.wakeUp.number, .input, token: Self.mailboxToken)
    }

    /// Returns after a stop, when all connections are closed.
    func run() {
        while !(stopDeadline != nil && connections.isEmpty) {
            epoll.wait(milliseconds: timeout()) { token, ready in
                switch token {
                case Self.listenerToken: acceptAll()
                case Self.mailboxToken: readNotes()
                default: if let connection = connections[token] { serve(connection, ready) }
                }
            }
            guard expire(now: .now) else { break }
        }
        shutDown()
    }

    // MARK: What the kernel watches

    /// Tells the kernel what this connection waits for now.
    func updateWatch(_ connection: Connection) {
        guard let watched = connection.watched else { return }
        var wanted: Epoll.Interest = []
        if wantsInput(connection) { wanted.insert(.input) }
        if !connection.output.isEmpty { wanted.insert(.output) }
        guard wanted != watched else { return }
        connection.watched = wanted
        epoll.change(connection.socket.number, wanted, token: connection.id)
    }

    func stopWatching(_ connection: Connection) {
        guard connection.watched != nil else { return }
        connection.watched = nil
        epoll.remove(connection.socket.number)
    }

    // MARK: New connections

    private func acceptAll() {
        while stopDeadline == nil {
            let number = linux_accept(listener.number)
            if number >= 0 {
                admit(Descriptor(owning: number))
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN: return
            default:  // Out of descriptors or memory. The listener would wake the thread without end.
                epoll.remove(listener.number)
                acceptAgain = .now + .milliseconds(100)
                return
            }
        }
    }

    private func admit(_ socket: consuming Descriptor) {
        // A peer whose credentials the kernel does not give is refused.
        let known = Caller(peerOf: socket.number)
        let caller = known ?? Caller(identity: UserIdentity(uid: .max, gid: .max), pid: 0)
        let admission = known.map(access.admission) ?? .refused
        lastConnection += 1
        var isLimited = false
        if case .limited = admission { isLimited = true }
        let connection = Connection(
            id: lastConnection, of: caller, isLimited: isLimited, socket: socket, messageLimit: limits.messageBytes)
        if let error = refusal(of: connection, admission) { refuse(connection, error) }
        // Of refused ones only so many are told why: callers that are not admitted must not keep others out.
        guard !connection.isRefused || connections.values.count(where: \.isRefused) < 2 * limits.connections else {
            return
        }
        connections[connection.id] = connection
        connection.watched = .input
        epoll.add(connection.socket.number, .input, token: connection.id)
        flush(connection)
    }

    private func refusal(of connection: Connection, _ admission: ControlAccess.Admission) -> ControlError? {
        let regular = connections.values.filter { !$0.isRefused }
        var isFull = regular.count >= limits.connections
        switch admission {
        case .refused: return .notAdmitted
        case .limited(let limit):
            let uid = connection.caller.identity.uid
            guard regular.count(where: { $0.caller.identity.uid == uid }) < limit else {
                return .tooManyConnections(of: connection.caller, limit: limit)
            }
            let places = max(1, limits.connections - limits.keptConnections)
            isFull = isFull || regular.count(where: \.isLimited) >= places
        case .full: break
        }
        guard isFull else { return nil }
        return ControlError(
            .tooManyConnections, "the daemon serves \(regular.count) connections already",
            advice: "close some, or try again in a moment")
    }

    private func refuse(_ connection: Connection, _ error: ControlError) {
        connection.write(ReplyMessage.bytes(error))
        connection.phase = .refused(until: .now + limits.refusalGrace)
    }

    // MARK: Time

    /// Milliseconds until something is due; -1: nothing will be.
    private func timeout() -> Int32 {
        var due = [stopDeadline, acceptAgain].compactMap { $0 }
        for connection in connections.values { if let deadline = deadline(connection) { due.append(deadline) } }
        guard let first = due.min() else { return -1 }
        return milliseconds(until: first)
    }

    private func deadline(_ connection: Connection) -> ContinuousClock.Instant? {
        switch connection.phase {
        case .refused(let until): until
        case .open, .finishing: connection.output.isEmpty ? nil : connection.outputMoved + limits.stall
        case .abandoned: nil
        }
    }

    /// Does what is due. Returns false when a stop must wait no longer.
    private func expire(now: ContinuousClock.Instant) -> Bool {
        if let again = acceptAgain, again <= now, stopDeadline == nil {
            acceptAgain = nil
            epoll.add(listener.number, .input, token: Self.listenerToken)
        }
        for connection in connections.values where deadline(connection).map({ $0 <= now }) == true {
            if connection.isRefused { drop(connection) } else { abandon(connection) }
        }
        return stopDeadline.map { $0 > now } ?? true
    }

    // MARK: Stopping

    func beginStop() {
        guard stopDeadline == nil else { return }
        stopDeadline = .now + limits.stopGrace
        acceptAgain = nil
        epoll.remove(listener.number)
        listener.retire()
        for connection in Array(connections.values) {
            connection.held = nil
            if connection.phase == .open { connection.phase = .finishing }
            for call in connection.calls where call.isStream { call.task?.cancel() }
            flush(connection)
        }
    }

    private func shutDown() {
        for connection in Array(connections.values) {
            for call in connection.calls { call.task?.cancel() }
            drop(connection)
        }
        for case .part(_, _, _, let room) in mailbox.close() { room.resume(returning: false) }
    }
}
