internal import Synchronization

/// What the tasks that run calls tell the server's thread.
enum ServerNote: Sendable {
    /// The call's only or last reply; empty where it wants none.
    case finished(connection: UInt64, call: UInt64, reply: [UInt8])
    /// One of several replies. The continuation gets true when there is room for the next, false if the client is gone.
    case part(connection: UInt64, call: UInt64, reply: [UInt8], room: CheckedContinuation<Bool, Never>)
    case stop
}

/// Notes on their way to the server's thread.
final class ServerMailbox: Sendable {
    private struct State {
        var notes: [ServerNote] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    let wakeUp: WakeUp

    init() throws(SystemError) { wakeUp = try WakeUp() }

    /// Returns false once the server has stopped: the note goes nowhere.
    func post(_ note: ServerNote) -> Bool {
        let (isTaken, wasEmpty) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.notes.append(note)
            return (true, state.notes.count == 1)
        }
        if wasEmpty { wakeUp.signal() }
        return isTaken
    }

    func takeAll() -> [ServerNote] {
        state.withLock { state in
            let notes = state.notes
            state.notes = []
            return notes
        }
    }

    /// Returns the notes that were not taken.
    func close() -> [ServerNote] {
        state.withLock { $0.isClosed = true }
        return takeAll()
    }
}

/// Where a call's replies go.
struct ReplyPort: Sendable {
    let mailbox: ServerMailbox
    let connection: UInt64
    let call: UInt64
    let wantsReply: Bool
    let replyLimit: Int

    /// Sends one of several replies, and returns when there is room for the next.
    ///
    /// Returns false when the client is gone, or reads too slowly to be kept.
    func send(_ reply: [UInt8]) async -> Bool {
        await withCheckedContinuation { room in
            let note = ServerNote.part(connection: connection, call: call, reply: bounded(reply), room: room)
            if !mailbox.post(note) { room.resume(returning: false) }
        }
    }

    func finish(_ reply: [UInt8]) {
        _ = mailbox.post(.finished(connection: connection, call: call, reply: wantsReply ? bounded(reply) : []))
    }

    private func bounded(_ reply: [UInt8]) -> [UInt8] {
        guard reply.count > replyLimit else { return reply }
        return ReplyMessage.bytes(
            ControlError(
                .failed, "the answer is longer than \(replyLimit) bytes", advice: "ask for fewer jobs at once"))
    }
}
