/// Sends requests over pooled HTTP/1.1 connections, many at a time, from one thread of its own.
///
/// It does not follow redirects and repeats nothing, with one exception: a request on a pooled connection that breaks
/// before any byte of an answer is sent again on a fresh one; if it has a body, only when it is said to be repeatable or
/// the peer's system has taken no byte of it, as a registry might store them twice. Where a pooled connection broke so,
/// the bodies of the next minutes have connections of their own. Each request says whether it goes through a proxy; what the
/// process's environment says of proxies counts only as far as the configuration hands it over.
public final class HTTPClient: Sendable {
    public struct Configuration: Sendable {
        /// Requests to one origin beyond this number wait for their turn, in order.
        public var maxConnectionsPerHost: Int
        /// Pooled connections unused for so long are not used again; the whole pool closes after so long without requests.
        public var idleTime: Duration
        public var userAgent: String
        /// How often the kernel probes an idle peer.
        public var tcpKeepAlive: Duration
        /// For requests that leave the choice of a proxy to the environment.
        public var proxies: ProxyRules
        /// Trusted for all servers, besides what a request's own options name.
        public var authorities: AuthorityPlaces

        public init(
            maxConnectionsPerHost: Int = 32, idleTime: Duration = .seconds(60), userAgent: String = "pushd",
            tcpKeepAlive: Duration = .seconds(30), proxies: ProxyRules = ProxyRules(),
            authorities: AuthorityPlaces = AuthorityPlaces()
        ) {
            self.maxConnectionsPerHost = maxConnectionsPerHost
            self.idleTime = idleTime
            self.userAgent = userAgent
            self.tcpKeepAlive = tcpKeepAlive
            self.proxies = proxies
            self.authorities = authorities
        }
    }

    private let inbox = Inbox()
    /// Whose authorities are trusted.
    public let authorities: AuthorityPlaces

    public init(configuration: Configuration = .init()) {
        authorities = configuration.authorities
        ClientThread.start(inbox, configuration)
    }

    // The thread ends by itself; requests keep their client, so that none is left.
    deinit { inbox.close() }

    /// Sends `request` and collects the answer, bounded by its limits.
    ///
    /// A final answer that comes while the body is still being sent ends the request with that answer.
    /// Cancellation ends it within milliseconds and closes its connection.
    ///
    /// - Throws: ``HTTPError``; `CancellationError` when the task is cancelled or the client shut down.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await call(request, sink: nil)
    }

    /// Sends `request` and hands the body of a 2xx answer to `sink`, piece by piece; other bodies are collected.
    ///
    /// - Parameter sink: called on the client's thread, where all transfers wait meanwhile. The bytes are gone when it
    ///   returns. A download that fails has called it for what came before.
    /// - Returns: the answer; its body is empty if the status is 2xx.
    /// - Throws: as ``send(_:)``.
    public func download(
        _ request: HTTPRequest, into sink: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) async throws -> HTTPResponse {
        try await call(request, sink: sink)
    }

    /// Ends all requests with `CancellationError`, closes all connections and returns when the thread has ended.
    public func shutdown() async {
        await withCheckedContinuation { inbox.close(waiter: $0) }
    }

    private func call(
        _ request: HTTPRequest, sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?
    ) async throws -> HTTPResponse {
        let id = inbox.nextID()
        let mark = Inbox.CancellationMark()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let call = Inbox.Call(
                    id: id, request: request, sink: sink, isCancelled: mark, continuation: continuation)
                if !inbox.post(.start(call)) { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            mark.set()  // first: the call may come after the command
            _ = inbox.post(.cancel(id: id))
        }
    }
}
