internal import Glibc

/// The default place of the control socket: one rule, so that daemon and command line use the same socket.
///
/// Root's daemon is the system's. A user's own daemon listens in the first of these directories that belongs to the
/// user: `$XDG_RUNTIME_DIR`; `/run/user/UID`, which a session may have without the variable; and `/tmp/pushd-UID`, for
/// build servers and containers. A directory that another user owns is never used, even if the environment names it:
/// that user could answer in place of the daemon.
public struct SocketPlaces: Sendable {
    /// The system's daemon.
    public static let system = "/run/pushd/pushd.sock"

    /// What is at a path, without following a link in its last part.
    public enum Directory: Sendable, Equatable {
        case absent
        /// The user's, and no other user can write to it.
        case own
        /// Something else, or another user's.
        case foreign
    }

    private let user: UInt32
    private let runtime: String?
    private let look: @Sendable (String) -> Directory

    /// - Parameters:
    ///   - user: the effective one of this process.
    ///   - look: the file system, which tests replace.
    public init(
        user: UInt32, environment: [String: String], look: (@Sendable (String) -> Directory)? = nil
    ) {
        self.user = user
        runtime = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        self.look = look ?? { Self.look($0, user: user) }
    }

    /// The directory that stands in where the system gives a user none.
    public var substitute: String { "/tmp/pushd-\(user)" }

    /// Where a daemon of this user listens.
    ///
    /// The directory of ``substitute`` may be missing: it is made for its owner only, see ``makeDirectory(of:)``.
    public var own: String {
        if user == 0 { return Self.system }
        let directory = directories.first { look($0) == .own }
        return directory.map(Self.socket) ?? substitute + "/pushd.sock"
    }

    /// Where a user's command line looks, the first choice first: the user's own daemon, then the system's.
    public var candidates: [String] {
        if user == 0 { return [Self.system] }
        let own = directories.filter { look($0) == .own }.map(Self.socket)
        let last = look(substitute) == .own ? [substitute + "/pushd.sock"] : []
        return own + last + [Self.system]
    }

    private var directories: [String] {
        let session = "/run/user/\(user)"
        return [runtime, runtime == session ? nil : session].compactMap { $0 }
    }

    private static func socket(in directory: String) -> String { directory + "/pushd/pushd.sock" }

    /// Makes the directory of ``substitute``, where `socket` is in it.
    ///
    /// - Throws: ``ListenError`` where another user has it, or others may write to it.
    public func makeDirectory(of socket: String) throws(ListenError) {
        guard socket.hasPrefix(substitute + "/") else { return }
        if mkdir(substitute, 0o700) != 0, errno != EEXIST {
            throw ListenError(socket: socket, cause: .system(call: "mkdir \(substitute)", code: errno))
        }
        guard look(substitute) == .own else {
            let isForeign = Self.owner(of: substitute) != user
            throw ListenError(
                socket: socket,
                cause: .unsafeDirectory(
                    directory: substitute,
                    reason: isForeign ? "is another user's" : "is no directory, or others may write to it",
                    isForeign: isForeign))
        }
    }

    private static func owner(of path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_uid : nil
    }

    private static func look(_ path: String, user: UInt32) -> Directory {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT ? .absent : .foreign }
        let isOwn = status.st_mode & S_IFMT == S_IFDIR && status.st_uid == user && status.st_mode & 0o022 == 0
        return isOwn ? .own : .foreign
    }
}
