internal import Synchronization

/// What a test server keeps of one request. No secret is in it.
public struct RecordedRequest: Sendable {
    public let method: String
    /// Path and query, bytes as sent.
    public let target: String
    /// In the order of arrival; of `Authorization` only the scheme is kept, as in `Bearer …`.
    public let headers: [(name: String, value: String)]
    /// Numbers the server's connections from 1.
    public let connection: Int
    /// When the head was complete.
    public let at: ContinuousClock.Instant
    /// The body's bytes that the server read and used, so far.
    public internal(set) var bodyBytes: Int64 = 0
    /// Body bytes that came in after an early answer or a cut and were thrown away.
    public internal(set) var discardedBytes: Int64 = 0
    /// The final status that was sent; nil while there is none, or if the connection was closed without one.
    public internal(set) var status: Int?
    /// When the server was done with it; nil before.
    public internal(set) var endedAt: ContinuousClock.Instant?

    /// The first value under `name`, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Method and target, for a failing test's message.
    public var line: String { "\(method) \(target)" }

    init(_ head: RequestHead, connection: Int) {
        method = head.method
        target = head.target
        headers = head.headers.map { name, value in
            guard name.lowercased() == "authorization" else { return (name, value) }
            return (name, "\(value.prefix { $0 != " " }) …")
        }
        self.connection = connection
        at = .now
    }
}

/// The requests of one server, in the order in which their heads were complete.
final class RequestLog: Sendable {
    struct State {
        var requests: [RecordedRequest] = []
        var problems: [String] = []
        var inFlight = 0
        var peakInFlight = 0
        var accepted = 0
        var greetingsInTLS = 0
        var openConnections = 0
        var peakConnections = 0
    }

    let state = Mutex(State())
    let signal = TestSignal()

    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        defer { signal.raise() }
        return state.withLock { body(&$0) }
    }

    /// - Returns: the request's place in the log.
    func begin(_ head: RequestHead, connection: Int) -> Int {
        change { state in
            state.requests.append(RecordedRequest(head, connection: connection))
            state.inFlight += 1
            state.peakInFlight = max(state.peakInFlight, state.inFlight)
            return state.requests.count - 1
        }
    }

    func update(_ index: Int, _ body: (inout RecordedRequest) -> Void) {
        change { body(&$0.requests[index]) }
    }

    func end(_ index: Int) {
        change { state in
            state.requests[index].endedAt = .now
            state.inFlight -= 1
        }
    }
}
