internal import Glibc

/// Why a client got no answer from the daemon. What the daemon itself answers with is a ``ControlError``.
public struct ControlClientError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Cause: Sendable, Equatable {
        /// There is no socket at the path.
        case noSocket
        /// There is a socket, and no process listens on it.
        case nobodyListens
        /// The socket's file mode does not admit this user.
        case notPermitted
        /// The daemon takes no connection at present: its queue of new ones is full.
        case busy
        /// The path is empty or longer than a socket's address can be.
        case pathInvalid(limit: Int)
        case connectFailed(reason: String)
        /// The daemon ended the connection before it had answered.
        case connectionLost(reason: String)
        /// What came is no Varlink reply, or not this method's.
        case protocolViolation(reason: String)
        case replyTooLarge(limit: Int)
        case timedOut
    }

    /// The socket's path.
    public let path: String
    public let cause: Cause

    public init(path: String, cause: Cause) {
        self.path = path
        self.cause = cause
    }

    public var description: String {
        let socket = path.isEmpty ? "the given connection" : path
        return switch cause {
        case .noSocket: "no daemon answers: there is no socket \(socket)"
        case .nobodyListens: "no daemon answers: no process listens at \(socket)"
        case .notPermitted: "this user may not open \(socket)"
        case .busy: "the daemon at \(socket) accepts no connection: too many are waiting"
        case .pathInvalid(let limit): "a socket's path has 1 to \(limit) bytes: \(socket)"
        case .connectFailed(let reason): "cannot connect to \(socket): \(reason)"
        case .connectionLost(let reason): "the daemon at \(socket) ended the connection: \(reason)"
        case .protocolViolation(let reason): "what answers at \(socket) does not speak pushd's language: \(reason)"
        case .replyTooLarge(let limit): "the daemon at \(socket) sent a reply of more than \(limit) bytes"
        case .timedOut: "the daemon at \(socket) did not answer in time"
        }
    }

    /// A short word for programs; `docs/errors.md` lists them.
    public var code: String {
        switch cause {
        case .noSocket, .nobodyListens: "no-daemon"
        case .notPermitted: "permission-denied"
        case .busy: "daemon-busy"
        case .pathInvalid: "socket-invalid"
        case .connectFailed: "connect-failed"
        case .connectionLost: "connection-lost"
        case .protocolViolation: "not-pushd"
        case .replyTooLarge: "reply-too-large"
        case .timedOut: "daemon-timed-out"
        }
    }

    public var advice: String? { advice(hasSystemd: access("/run/systemd/system", F_OK) == 0) }

    /// - Parameter hasSystemd: whether systemd runs this machine; containers and build servers often have none.
    ///
    /// Source: sd_booted(3).
    func advice(hasSystemd: Bool) -> String? {
        switch cause {
        case .noSocket, .nobodyListens:
            // `env`, because in bash a plain `pushd` is a builtin.
            "start it with: "
                + (hasSystemd
                    ? "systemctl start pushd (system service) or systemctl --user start pushd"
                    : "env pushd --store oci:DIR &")
                + "; if it uses another socket, name that with --socket or PUSHD_SOCKET"
        case .notPermitted:
            "run as the daemon's user or as root, or let an administrator add this user to the group of the socket"
        case .busy: "try again in a moment"
        case .pathInvalid: "name a shorter path with --socket or PUSHD_SOCKET"
        case .protocolViolation:
            "check that --socket or PUSHD_SOCKET names pushd's socket, and that both are of one version"
        case .connectionLost:
            hasSystemd
                ? "see the daemon's log with: journalctl -u pushd"
                : "see what the daemon has written to its standard error"
        case .connectFailed, .replyTooLarge, .timedOut: nil
        }
    }

    /// What pushctl ends with.
    public var exitStatus: Int32 {
        switch cause {
        case .timedOut: ExitStatus.timedOut
        case .pathInvalid: ExitStatus.usage
        case .replyTooLarge: ExitStatus.failed
        case .noSocket, .nobodyListens, .notPermitted, .busy, .connectFailed, .connectionLost, .protocolViolation:
            ExitStatus.noDaemon
        }
    }
}
