internal import Glibc
internal import Synchronization

/// The connection beneath a ``ControlClient``: sends calls and hands each reply to the task that waits for it.
///
/// Writing happens on the caller's thread as far as the socket takes the bytes at once; a thread of the connection's own
/// does the rest and all reading.
final class ClientConnection: Sendable {
    private struct State {
        var input: MessageReader
        var output = OutputQueue()
        var calls: ClientCalls
    }

    private let socket: Descriptor
    private let wakeUp: WakeUp
    private let state: Mutex<State>

    init(path: String, socket: consuming Descriptor, replyLimit: Int) throws(SystemError) {
        self.socket = socket
        state = Mutex(State(input: MessageReader(limit: replyLimit), calls: ClientCalls(path: path)))
        wakeUp = try WakeUp()
        try OwnThread.start("control-client") { [self] in run() }
    }

    /// Sends calls, each with its closing zero, and returns their numbers.
    func send(_ messages: [[UInt8]], isStream: Bool = false) throws -> [UInt64] {
        let (numbers, isLeft) = try state.withLock { state in
            if let failure = state.calls.failure { throw failure }
            let wasEmpty = state.output.isEmpty
            let numbers = messages.map { message in
                state.output.append(message)
                return state.calls.add(isStream: isStream)
            }
            // That the connection is broken is noticed by the thread, which first reads why.
            if wasEmpty { _ = state.output.write(to: socket.number) }
            return (numbers, wasEmpty && !state.output.isEmpty)
        }
        if isLeft { wakeUp.signal() }
        return numbers
    }

    /// Waits for a call's next reply. If the task is cancelled or it is too late, the reply is thrown away when it comes;
    /// a stream ends the connection instead.
    func reply(to call: UInt64, deadline: ContinuousClock.Instant? = nil) async throws -> ReplyMessage {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                var mustWake = deadline != nil
                deliver { state in
                    let wasFull = state.calls.isInboxFull
                    let delivery = state.calls.wait(for: call, continuation, deadline: deadline)
                    mustWake = mustWake || wasFull
                    // A cancellation that came earlier found no waiting continuation.
                    let isLate = delivery == nil && Task.isCancelled
                    return (delivery.map { [$0] } ?? [])
                        + (isLate ? state.calls.abandon(call, CancellationError()) : [])
                }
                if mustWake { wakeUp.signal() }
            }
        } onCancel: {
            leave(call)
        }
    }

    /// The caller has stopped waiting for the call's replies.
    func leave(_ call: UInt64) {
        deliver { $0.calls.abandon(call, CancellationError()) }
        wakeUp.signal()
    }

    func close() {
        deliver { $0.calls.fail(.connectionLost(reason: "it was closed at this end")) }
        wakeUp.signal()
    }

    private func deliver(_ change: (inout State) -> [ClientCalls.Delivery]) {
        let deliveries = state.withLock { change(&$0) }
        for delivery in deliveries { delivery.continuation.resume(with: delivery.result) }
    }

    // MARK: The thread

    private func run() {
        while let (events, timeout) = state.withLock({ interest($0) }) {
            var watched = [
                pollfd(fd: socket.number, events: events, revents: 0),
                pollfd(fd: wakeUp.number, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&watched, 2, timeout)
            if watched[1].revents != 0 { wakeUp.clear() }
            let ready = watched[0].revents
            deliver { move(ready, &$0) }
        }
        // The daemon sees the end of the connection now, not when the last reference is released.
        shutdown(socket.number, Int32(SHUT_RDWR))
    }

    /// What to wait for, and for how many milliseconds; nil: the connection has ended.
    private func interest(_ state: State) -> (events: Int16, timeout: Int32)? {
        guard state.calls.failure == nil else { return nil }
        var events = state.calls.isInboxFull ? 0 : Int16(POLLIN)
        if !state.output.isEmpty { events |= Int16(POLLOUT) }
        guard let first = state.calls.firstDeadline else { return (events, -1) }
        return (events, milliseconds(until: first))
    }

    private func move(_ ready: Int16, _ state: inout State) -> [ClientCalls.Delivery] {
        var deliveries: [ClientCalls.Delivery] = []
        if case .failed = state.output.write(to: socket.number) {
            state.output.removeAll()  // what the daemon sent before it closed the connection can still be read
        }
        // A hang-up is reported also where a full inbox keeps the thread from reading.
        if !state.calls.isInboxFull || ready & Int16(POLLHUP | POLLERR) != 0 { deliveries = read(&state) }
        return deliveries + state.calls.expire(now: .now)
    }

    private func read(_ state: inout State) -> [ClientCalls.Delivery] {
        var deliveries: [ClientCalls.Delivery] = []
        let arrival = state.input.read(from: socket.number)
        do {
            while let reply = try state.input.next(ReplyMessage.init(parsing:)) {
                deliveries += state.calls.take(reply)
            }
        } catch .tooLong(let limit) {
            deliveries += state.calls.fail(.replyTooLarge(limit: limit))
        } catch {
            deliveries += state.calls.fail(.protocolViolation(reason: "\(error)"))
        }
        switch arrival {
        case .bytes, .nothingYet: break
        case .end: deliveries += state.calls.fail(.connectionLost(reason: "it closed the connection"))
        case .failed(let code): deliveries += state.calls.fail(.connectionLost(reason: systemReason(code)))
        }
        return deliveries
    }
}

/// How long `poll` and its like may wait, rounded up.
func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let (seconds, attoseconds) = max(Duration.zero, deadline - ContinuousClock.now).components
    return Int32(clamping: seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
}
