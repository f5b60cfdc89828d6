internal import System

/// One client's connection, as the server's thread keeps it.
final class Connection {
    enum Phase: Equatable {
        case open
        /// No more calls are taken; it ends when those that run are answered and all is written.
        case finishing
        /// It ends when the client has read why and left, or at the deadline.
        case refused(until: ContinuousClock.Instant)
        /// The client is gone. Only calls that want no reply still run.
        case abandoned
    }

    /// A call that was begun and is not yet answered.
    struct Call {
        let number: UInt64
        let method: String
        let isStream: Bool
        let wantsReply: Bool
        var task: Task<Void, Never>?
        /// Its last reply, while an earlier call is not answered yet; empty where it wants none.
        var reply: [UInt8]?
    }

    let id: UInt64
    let caller: Caller
    /// Whether it counts against the quota of its user.
    let isLimited: Bool
    let socket: Descriptor
    var phase = Phase.open
    var input: MessageReader
    var output = OutputQueue()
    /// Oldest first; replies go out in this order.
    var calls: [Call] = []
    /// A call that was read and must wait for those before it.
    var held: CallMessage?
    /// Streams that wait for room.
    var waiting: [CheckedContinuation<Bool, Never>] = []
    /// When bytes last went out, or began to wait.
    var outputMoved = ContinuousClock.now
    /// The client has said that nothing more comes.
    var inputEnded = false
    /// The client may be writing still when the last answer goes out.
    var mustLinger = false
    /// What the kernel was asked to watch for; nil where it does not watch.
    var watched: Epoll.Interest?

    init(id: UInt64, of caller: Caller, isLimited: Bool, socket: consuming Descriptor, messageLimit: Int) {
        self.id = id
        self.caller = caller
        self.isLimited = isLimited
        self.socket = socket
        input = MessageReader(limit: messageLimit)
    }

    var isRefused: Bool { if case .refused = phase { true } else { false } }

    var takesCalls: Bool { phase == .open || phase == .abandoned }

    /// Whether nothing is left to do for the client.
    var isOver: Bool {
        switch phase {
        case .open: inputEnded && calls.isEmpty && held == nil && output.isEmpty
        case .finishing: calls.isEmpty && output.isEmpty
        case .refused: inputEnded && output.isEmpty
        case .abandoned: calls.isEmpty && held == nil
        }
    }

    /// Queues bytes for the client, unless the client is gone.
    func write(_ bytes: [UInt8]) {
        guard phase != .abandoned else { return }
        if output.isEmpty { outputMoved = .now }
        output.append(bytes)
    }

    /// Whether a call may begin while the earlier ones still run.
    func allows(overlapping: Bool, method: String) -> Bool {
        calls.isEmpty || overlapping && calls.allSatisfy { $0.method == method || $0.reply != nil }
    }

    /// Removes the answered calls at the front and queues their replies.
    func settle() {
        let answered = calls.prefix { $0.reply != nil }
        guard !answered.isEmpty else { return }
        for call in answered {
            if let reply = call.reply, !reply.isEmpty { write(reply) }
        }
        calls.removeFirst(answered.count)
    }

    func resumeWaiting(_ isWanted: Bool) {
        let rooms = waiting
        waiting = []
        for room in rooms { room.resume(returning: isWanted) }
    }
}
