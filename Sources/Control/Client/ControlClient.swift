internal import Glibc

/// A connection to the daemon.
///
/// Calls may be made from several tasks at once; they are answered in the order in which they were sent. The connection
/// ends with the last reference to its client and to its streams.
public final class ControlClient: Sendable {
    /// The longest reply in bytes.
    static let replyLimit = 64 << 20
    /// So many calls are encoded before the first of them goes out.
    private static let batch = 256

    /// The socket's path.
    public let path: String
    private let connection: ClientConnection

    private init(path: String, connection: ClientConnection) {
        self.path = path
        self.connection = connection
    }

    deinit { connection.close() }

    /// Opens a connection to the socket at `path`.
    ///
    /// - Parameter timeout: how long to wait while the daemon's queue of new connections is full.
    /// - Throws: ``ControlClientError``, `CancellationError`.
    public static func connect(path: String, timeout: Duration = .seconds(5)) async throws -> ControlClient {
        try await connect(path: path, timeout: timeout, replyLimit: replyLimit)
    }

    static func connect(path: String, timeout: Duration, replyLimit: Int) async throws -> ControlClient {
        func failure(_ cause: ControlClientError.Cause) -> ControlClientError {
            ControlClientError(path: path, cause: cause)
        }
        guard let address = SocketAddress(path: path) else {
            throw failure(.pathInvalid(limit: SocketAddress.longestPath))
        }
        guard let number = SocketAddress.makeSocket() else {
            throw failure(.connectFailed(reason: systemReason(errno)))
        }
        let socket = Descriptor(owning: number)
        let deadline = ContinuousClock.now + timeout
        // Connecting to a Unix socket succeeds or fails at once; there is nothing to be polled for.
        while address.apply(Glibc.connect, to: socket.number) != 0 {
            switch errno {
            case EINTR: continue
            case EAGAIN:
                guard ContinuousClock.now < deadline else { throw failure(.busy) }
                try await Task.sleep(for: .milliseconds(5))
            case ENOENT: throw failure(.noSocket)
            case ECONNREFUSED: throw failure(.nobodyListens)
            case EACCES, EPERM: throw failure(.notPermitted)
            case let code: throw failure(.connectFailed(reason: systemReason(code)))
            }
        }
        do {
            let connection = try ClientConnection(path: path, socket: socket, replyLimit: replyLimit)
            return ControlClient(path: path, connection: connection)
        } catch {
            throw failure(.connectFailed(reason: "\(error)"))
        }
    }

    /// Calls `method` and waits for its reply.
    ///
    /// - Parameter timeout: how long to wait for the reply; nil: without limit. The connection stays usable.
    /// - Throws: ``ControlError`` (the daemon's answer), ``ControlClientError``, `CancellationError`.
    public func call<M: Method>(
        _ method: M.Type, _ input: M.Input, timeout: Duration? = nil
    ) async throws -> M.Output {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        let calls = try connection.send([CallMessage.bytes(method, input)])
        return try output(of: method, await connection.reply(to: calls[0], deadline: deadline)).get()
    }

    /// Sends all calls without waiting in between, and returns their results in the same order.
    ///
    /// - Parameter timeout: how long to wait for all replies together.
    /// - Throws: ``ControlClientError``, `CancellationError`. What the daemon answers to a call is in its result.
    public func callMany<M: Method>(
        _ method: M.Type, _ inputs: [M.Input], timeout: Duration? = nil
    ) async throws -> [Result<M.Output, ControlError>] {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        var calls: [UInt64] = []
        calls.reserveCapacity(inputs.count)
        for start in stride(from: 0, to: inputs.count, by: Self.batch) {
            let batch = inputs[start..<min(start + Self.batch, inputs.count)]
            calls += try connection.send(batch.map { try CallMessage.bytes(method, $0) })
        }
        var results: [Result<M.Output, ControlError>] = []
        results.reserveCapacity(calls.count)
        do {
            for call in calls {
                results.append(try output(of: method, await connection.reply(to: call, deadline: deadline)))
            }
        } catch {
            for call in calls[results.count...] { connection.leave(call) }
            throw error
        }
        return results
    }

    /// Calls `method` with `more` and yields its replies, the last one included.
    ///
    /// The call goes out at once. A stream that is left before its end takes the connection with it, since nothing else
    /// would stop the daemon from sending. Throws what ``call(_:_:timeout:)`` throws.
    public func stream<M: StreamMethod>(
        _ method: M.Type, _ input: M.Input
    ) -> AsyncThrowingStream<M.Output, any Error> {
        do {
            let calls = try connection.send([CallMessage.bytes(method, input, more: true)], isStream: true)
            let replies = ReplyStream(client: self, connection: connection, call: calls[0])
            return AsyncThrowingStream {
                guard let reply = try await replies.next() else { return nil }
                return try self.output(of: method, reply).get()
            }
        } catch {
            return AsyncThrowingStream { throw error }
        }
    }

    /// Ends the connection. Calls without an answer fail with `connectionLost`.
    public func close() { connection.close() }

    /// - Throws: ``ControlClientError`` where the reply is not the method's.
    private func output<M: Method>(
        of method: M.Type, _ reply: ReplyMessage
    ) throws(ControlClientError) -> Result<M.Output, ControlError> {
        if let error = reply.error { return .failure(ControlError(name: error, parameters: reply.parameters)) }
        do {
            return .success(try WireCoding.decode(M.Output.self, from: reply.parameters))
        } catch {
            let key = (error as? DecodingError)?.outermostKey ?? "parameters"
            let reason = "its reply to \(M.name) has no valid '\(key)'"
            throw ControlClientError(path: path, cause: .protocolViolation(reason: reason))
        }
    }
}
