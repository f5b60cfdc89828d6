internal import Control

/// The way to the daemon.
struct Daemon: Sendable {
    private let candidates: @Sendable () -> [String]

    /// - Parameter sockets: those to try, the first choice first: see ``socketCandidates(named:_:_:)``. Looked up at each
    ///   attempt: a daemon that has just started makes the directory that decides which socket is used.
    init(sockets: @autoclosure @escaping @Sendable () -> [String]) { candidates = sockets }

    /// - Parameter timeout: how long to wait while the daemon's queue of new connections is full.
    /// - Throws: ``ControlClientError`` of the last socket tried, ``Failure`` if there is none of several.
    func connect(timeout: Duration = .seconds(5)) async throws -> ControlClient {
        let sockets = candidates()
        for socket in sockets.dropLast() {
            do {
                return try await ControlClient.connect(path: socket, timeout: timeout)
            } catch let error as ControlClientError where error.cause == .noSocket {}
        }
        do {
            return try await ControlClient.connect(path: sockets.last ?? "", timeout: timeout)
        } catch let error as ControlClientError where error.cause == .noSocket && sockets.count > 1 {
            throw Failure(
                "no daemon answers: there is no socket at " + sockets.joined(separator: ", nor at "),
                advice: error.advice, status: error.exitStatus, code: error.code)
        }
    }

    /// Tries until the daemon is back, such as after an upgrade.
    ///
    /// - Throws: what ``connect(timeout:)`` threw last when the time is up; `CancellationError`.
    func connectAgain(within patience: Duration) async throws -> ControlClient {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                return try await connect(timeout: min(.seconds(5), max(deadline - .now, .zero)))
            } catch {
                try Task.checkCancellation()
                guard ContinuousClock.now < deadline else { throw error }
            }
            try await Task.sleep(for: min(.milliseconds(300), max(deadline - .now, .zero)))
        }
    }
}

/// Whether the daemon that was spoken to is away, or about to go, and may come back.
func isDaemonAway(_ error: any Error) -> Bool {
    switch error {
    case let error as ControlClientError: error.isLoss
    case let error as ControlError: error.kind == .stopping
    default: false
    }
}

extension ControlClientError {
    /// Whether the daemon went away, and may come back.
    var isLoss: Bool {
        switch cause {
        case .noSocket, .nobodyListens, .busy, .connectFailed, .connectionLost: true
        case .notPermitted, .pathInvalid, .protocolViolation, .replyTooLarge, .timedOut: false
        }
    }
}
