/// Which calls were sent, what was answered, and who waits: the decisions of a ``ClientConnection``, without its socket.
///
/// Replies belong to calls by their order. No continuation is resumed here: each is returned as a ``Delivery``, and the
/// caller resumes it outside its lock.
struct ClientCalls {
    typealias Continuation = CheckedContinuation<ReplyMessage, any Error>

    struct Delivery: Sendable {
        let continuation: Continuation
        let result: Result<ReplyMessage, any Error>
    }

    private struct Call {
        let isStream: Bool
        var inbox: [ReplyMessage] = []
        /// The last reply has come.
        var isAnswered = false
        /// The caller has stopped waiting: further replies to this call are discarded.
        var isAbandoned = false
    }

    private struct Waiter {
        let continuation: Continuation
        let deadline: ContinuousClock.Instant?
    }

    /// A stream whose reader is behind by so many replies is not read from the socket any further.
    static let inboxLimit = 256

    private let path: String
    private var calls: [UInt64: Call] = [:]
    private var waiters: [UInt64: Waiter] = [:]
    private var lastSent: UInt64 = 0
    /// The call that the next reply is for.
    private var answering: UInt64 = 1
    /// The error that the daemon sent before it closed the connection.
    private var parting: ControlError?
    /// Why the connection can't be used any more.
    private(set) var failure: (any Error)?

    init(path: String) { self.path = path }

    var isInboxFull: Bool { (calls[answering]?.inbox.count ?? 0) >= Self.inboxLimit }

    var firstDeadline: ContinuousClock.Instant? { waiters.values.compactMap(\.deadline).min() }

    /// Numbers one more call, from 1.
    mutating func add(isStream: Bool) -> UInt64 {
        lastSent += 1
        calls[lastSent] = Call(isStream: isStream)
        return lastSent
    }

    /// Answers `continuation` with the call's next reply, now or when it comes.
    mutating func wait(
        for call: UInt64, _ continuation: Continuation, deadline: ContinuousClock.Instant?
    ) -> Delivery? {
        if var entry = calls[call], !entry.inbox.isEmpty {
            let reply = entry.inbox.removeFirst()
            calls[call] = entry.inbox.isEmpty && entry.isAnswered ? nil : entry
            return Delivery(continuation: continuation, result: .success(reply))
        }
        if let failure { return Delivery(continuation: continuation, result: .failure(failure)) }
        waiters[call] = Waiter(continuation: continuation, deadline: deadline)
        return nil
    }

    /// A reply has come.
    mutating func take(_ reply: ReplyMessage) -> [Delivery] {
        guard failure == nil else { return [] }
        let error = reply.error.map { ControlError(name: $0, parameters: reply.parameters) }
        if let error, error.endsConnection { parting = error }
        let number = answering
        guard var call = calls[number] else {
            // A refused client gets the error before it has made a call.
            if let error { return fail(error) }
            return fail(.protocolViolation(reason: "it sent a reply to no call"))
        }
        if reply.continues {
            guard call.isStream else {
                return fail(.protocolViolation(reason: "it sent several replies where one was asked for"))
            }
        } else {
            answering += 1
            call.isAnswered = true
        }
        let waiter = waiters.removeValue(forKey: number)
        if waiter == nil && !call.isAbandoned { call.inbox.append(reply) }
        calls[number] = call.isAnswered && call.inbox.isEmpty ? nil : call
        return waiter.map { [Delivery(continuation: $0.continuation, result: .success(reply))] } ?? []
    }

    /// The caller has stopped waiting for the call. If the call is a stream, the whole connection fails.
    mutating func abandon(_ number: UInt64, _ error: any Error) -> [Delivery] {
        let waiter = waiters.removeValue(forKey: number)
        let deliveries = waiter.map { [Delivery(continuation: $0.continuation, result: .failure(error))] } ?? []
        guard var call = calls[number] else { return deliveries }
        guard !call.isAnswered else {
            calls[number] = nil
            return deliveries
        }
        if call.isStream { return deliveries + fail(.connectionLost(reason: "a stream was left before its end")) }
        call.isAbandoned = true
        calls[number] = call
        return deliveries
    }

    /// Ends the waiting of those whose time is over.
    mutating func expire(now: ContinuousClock.Instant) -> [Delivery] {
        let late = waiters.filter { $0.value.deadline.map { $0 <= now } == true }.keys
        return late.flatMap { abandon($0, ControlClientError(path: path, cause: .timedOut)) }
    }

    mutating func fail(_ cause: ControlClientError.Cause) -> [Delivery] {
        fail(parting ?? ControlClientError(path: path, cause: cause))
    }

    private mutating func fail(_ error: any Error) -> [Delivery] {
        guard failure == nil else { return [] }
        failure = error
        let left = waiters.values
        waiters = [:]
        return left.map { Delivery(continuation: $0.continuation, result: .failure(error)) }
    }
}

extension ControlError {
    /// Whether the daemon hangs up after it.
    fileprivate var endsConnection: Bool {
        switch kind {
        case .permissionDenied, .tooManyConnections, .messageRejected: true
        default: false
        }
    }
}
