internal import Synchronization

/// The replies to one call, taken one by one. Letting it go before the last has come ends the connection.
final class ReplyStream: Sendable {
    private let client: ControlClient
    private let connection: ClientConnection
    private let call: UInt64
    private let isOver = Mutex(false)

    /// - Parameter client: kept alive as long as the stream is read.
    init(client: ControlClient, connection: ClientConnection, call: UInt64) {
        self.client = client
        self.connection = connection
        self.call = call
    }

    deinit {
        if !isOver.withLock({ $0 }) { connection.leave(call) }
    }

    /// Nil after the last reply.
    func next() async throws -> ReplyMessage? {
        guard !isOver.withLock({ $0 }) else { return nil }
        let reply = try await connection.reply(to: call)
        if !reply.continues { isOver.withLock { $0 = true } }
        return reply
    }
}
