/// A connection to the daemon.
///
/// Calls may be made from several tasks at once; they are answered in the order in which they were sent. The connection
/// ends with the last reference to its client.
public final class ControlClient: Sendable {
    /// The socket's path.
    public let path: String

    init(path: String) { self.path = path }

    /// Opens a connection to the socket at `path`.
    ///
    /// - Parameter timeout: how long to wait while the daemon's queue of new connections is full.
    /// - Throws: ``ControlClientError``, `CancellationError`.
    public static func connect(path: String, timeout: Duration = .seconds(5)) async throws -> ControlClient {
        throw ControlClientError(path: path, cause: .noSocket)
    }

    /// Calls `method` and waits for its reply.
    ///
    /// - Parameter timeout: how long to wait for the reply; nil: without limit. The connection stays usable.
    /// - Throws: ``ControlError`` (the daemon's answer), ``ControlClientError``, `CancellationError`.
    public func call<M: Method>(
        _ method: M.Type, _ input: M.Input, timeout: Duration? = nil
    ) async throws -> M.Output {
        throw ControlClientError(path: path, cause: .noSocket)
    }

    /// Sends all calls without waiting in between, and returns their results in the same order.
    ///
    /// - Throws: ``ControlClientError``, `CancellationError`. What the daemon answers is in the results.
    public func callMany<M: Method>(
        _ method: M.Type, _ inputs: [M.Input], timeout: Duration? = nil
    ) async throws -> [Result<M.Output, ControlError>] {
        throw ControlClientError(path: path, cause: .noSocket)
    }

    /// Calls `method` with `more` and yields its replies, the last one included.
    ///
    /// The call goes out at once. A stream that is left before its end takes the connection with it, since nothing else
    /// would stop the daemon from sending. Throws what ``call(_:_:timeout:)`` throws.
    public func stream<M: StreamMethod>(
        _ method: M.Type, _ input: M.Input
    ) -> AsyncThrowingStream<M.Output, any Error> {
        AsyncThrowingStream { nil }
    }

    /// Ends the connection. Calls without an answer fail with `connectionLost`.
    public func close() {}
}
