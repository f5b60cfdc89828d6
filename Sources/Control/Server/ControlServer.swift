internal import Synchronization

/// Serves the control interface on a Unix socket.
///
/// One thread of its own reads and writes all connections; calls run as tasks of the cooperative pool. A client that
/// `access` does not admit gets the error `PermissionDenied` and is disconnected.
public final class ControlServer: Sendable {
    private struct Ending {
        var hasEnded = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let listener: ListeningSocket
    private let mailbox: ServerMailbox
    private let ending = Mutex(Ending())

    /// Begins to serve: when it returns, clients can connect.
    ///
    /// - Throws: ``ListenError``.
    public init(
        socket: ControlSocket, access: ControlAccess, info: ServiceInfo, limits: ControlLimits = ControlLimits(),
        service: any ControlService
    ) throws(ListenError) {
        let listener = try ListeningSocket.open(socket)
        self.listener = listener
        let table = MethodTable(service: service, info: info)
        do {
            let mailbox = try ServerMailbox()
            self.mailbox = mailbox
            let epoll = try Epoll()
            // The thread must not keep the server alive: releasing a server that was not stopped stops it.
            try OwnThread.start("pushd.control") { [weak self] in
                ServerLoop(
                    listener: listener, access: access, limits: limits, table: table, mailbox: mailbox, epoll: epoll
                ).run()
                self?.noteEnd()
            }
        } catch {
            throw listener.error(.system(call: error.call, code: error.code))
        }
    }

    deinit { _ = mailbox.post(.stop) }

    /// Lets others open the socket than before; one that a service manager made keeps its permissions.
    ///
    /// - Throws: ``ListenError``.
    public func open(to audience: SocketAudience) throws(ListenError) { try listener.open(to: audience) }

    /// Returns after the task was cancelled and the server has stopped.
    public func run() async {
        let (cancelled, signal) = AsyncStream<Never>.makeStream()
        await withTaskCancellationHandler {
            for await _ in cancelled {}
        } onCancel: {
            signal.finish()
        }
        await stop()
    }

    /// Takes no more connections and calls, lets those that run end for the time that the limits give them, closes all
    /// connections and removes the socket's name.
    public func stop() async {
        _ = mailbox.post(.stop)
        await withCheckedContinuation { continuation in
            let hasEnded = ending.withLock { ending in
                if !ending.hasEnded { ending.waiting.append(continuation) }
                return ending.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func noteEnd() {
        let waiting = ending.withLock { ending in
            ending.hasEnded = true
            defer { ending.waiting = [] }
            return ending.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
