/// Why the daemon cannot listen on its control socket.
public struct ListenError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Cause: Sendable, Equatable {
        /// Another process answers there, or holds the lock beside it.
        case inUse
        /// Something else has the name, which is not removed.
        case notASocket
        case pathInvalid(limit: Int)
        /// Others could put their own socket there.
        ///
        /// `isForeign`: it belongs to another user, so that its mode is not this user's to change.
        case unsafeDirectory(directory: String, reason: String, isForeign: Bool)
        /// The inherited descriptor is no listening Unix stream socket.
        case notAListener
        case system(call: String, code: Int32)
    }

    /// The socket's path, or the inherited descriptor's number.
    public let socket: String
    public let cause: Cause

    public var description: String {
        let why =
            switch cause {
            case .inUse: "another daemon answers there"
            case .notASocket: "there is something that is no socket"
            case .pathInvalid(let limit): "a socket's path has 1 to \(limit) bytes"
            case .unsafeDirectory(let directory, let reason, _): "\(directory) \(reason)"
            case .notAListener: "it is not a listening Unix stream socket"
            case .system(let call, let code): "\(call): \(systemReason(code))"
            }
        return "cannot listen on \(socket): \(why)"
    }

    public var advice: String? {
        switch cause {
        case .inUse: "stop the other daemon, or give this one its own socket with --socket and its own --state-dir"
        case .notASocket: "remove it, or name another path with --socket"
        case .pathInvalid: "name a shorter path with --socket"
        case .unsafeDirectory(let directory, _, let isForeign):
            isForeign
                ? "name another path with --socket, or set XDG_RUNTIME_DIR"
                : "make it safe with: chmod go-w \(directory), or name another path with --socket"
        case .notAListener: "in the socket unit, use ListenStream= with a path"
        case .system: nil
        }
    }
}
