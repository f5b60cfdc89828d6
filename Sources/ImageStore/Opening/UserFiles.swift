internal import Dispatch
internal import Glibc
internal import Synchronization
public import System

/// Opens files as other users do, by the ``FileServer``.
///
/// Calls block until the file system answers, at most ``patience`` seconds: a user's dead mount costs that user's own
/// connections alone.
public final class UserFiles: Sendable {
    /// Why no connection to the server can be had.
    public struct Failure: Error, Sendable {
        public let reason: String
        public let advice: String

        public init(reason: String, advice: String) {
            self.reason = reason
            self.advice = advice
        }
    }

    /// Seconds.
    private static let patience: Int32 = 30
    /// Of all users.
    private static let maximumIdle = 16

    private let connect: @Sendable () throws(Failure) -> Int32
    private let turns = UserTurns(limit: 8, patience: .seconds(Int(patience)))
    /// Connections that are not in use. The server ends those that are not used for a while.
    private let idle = Mutex<[UserIdentity: [Int32]]>([:])

    /// - Parameter connect: makes a connection to a server, which may be started by that.
    public init(connect: @escaping @Sendable () throws(Failure) -> Int32) { self.connect = connect }

    /// For a daemon that opens files for its own user alone.
    public static let none = UserFiles { () throws(Failure) in
        throw Failure(reason: "this daemon opens files as its own user alone", advice: "push as that user")
    }

    deinit { idle.withLock { $0.values.joined().forEach { close($0) } } }

    /// Takes a step as the user. Blocks.
    ///
    /// - Throws: ``ImageStoreError``: `notOpenedAsCaller`, `system`.
    func take(
        _ step: OpenStep, in directory: Int32?, as user: UserIdentity
    ) throws(ImageStoreError) -> OpenStep.Outcome {
        // The kernel takes no longer path, and a message holds none.
        guard step.path.utf8.count < 4096 else { return .failed(ENAMETOOLONG) }
        guard turns.take(for: user) else { throw .system("open", step.path, ETIMEDOUT) }
        defer { turns.giveBack(for: user) }
        // An idle connection may have ended: opening is asked for once more, on a new one.
        if let known = idle.withLock({ $0[user]?.popLast() }) {
            switch exchange(step, directory, over: known) {
            case .success(let outcome):
                keep(known, of: user)
                return outcome
            case .failure(.silence): throw .system("open", step.path, ETIMEDOUT)
            case .failure(.ended): break
            }
        }
        let connection: Int32
        do { connection = try begin(as: user) } catch {
            throw ImageStoreError(.notOpenedAsCaller(reason: error.reason, advice: error.advice), subject: step.path)
        }
        switch exchange(step, directory, over: connection) {
        case .success(let outcome):
            keep(connection, of: user)
            return outcome
        case .failure(let loss): throw .system("open", step.path, loss == .silence ? ETIMEDOUT : EPIPE)
        }
    }

    private enum Loss: Error {
        /// The file system does not answer.
        case silence
        case ended
    }

    /// One question and its answer. After a failure the connection is closed.
    private func exchange(
        _ step: OpenStep, _ directory: Int32?, over connection: Int32
    ) -> Result<OpenStep.Outcome, Loss> {
        guard Packets.send(OpenerMessage.bytes(of: step, isBelow: directory != nil), directory, over: connection),
            let outcome = Self.receive(connection)
        else {
            let isSilent = errno == EAGAIN
            close(connection)
            return .failure(isSilent ? .silence : .ended)
        }
        return .success(outcome)
    }

    private func begin(as user: UserIdentity) throws(Failure) -> Int32 {
        guard user.groups.count <= OpenerMessage.maximumGroups else {
            throw Failure(
                reason: "user \(user.uid) is in \(user.groups.count) groups",
                advice: "push as a user of at most \(OpenerMessage.maximumGroups) groups")
        }
        let connection = try connect()
        Packets.limitWaiting(connection, seconds: Self.patience)
        guard Packets.send(OpenerMessage.bytes(of: user), over: connection), Self.receive(connection) == .absent else {
            close(connection)
            throw Failure(
                reason: "the process that opens files can't become user \(user.uid)",
                advice: "see the journal of pushd-files.service")
        }
        return connection
    }

    private func keep(_ connection: Int32, of user: UserIdentity) {
        let isKept = idle.withLock { idle in
            guard idle.values.reduce(0, { $0 + $1.count }) < Self.maximumIdle else { return false }
            idle[user, default: []].append(connection)
            return true
        }
        if !isKept { close(connection) }
    }

    private static func receive(_ connection: Int32) -> OpenStep.Outcome? {
        guard let (bytes, descriptor) = Packets.receive(from: connection, limit: 16) else { return nil }
        guard let outcome = OpenerMessage.outcome(from: bytes, descriptor ?? -1) else {
            if let descriptor { close(descriptor) }
            return nil
        }
        return outcome
    }
}

/// With whose rights the files of a store are opened.
public enum StoreRights: Sendable {
    /// The daemon's own: stores of the configuration, and what operators name.
    case daemon
    case user(UserIdentity, UserFiles)

    /// - Parameter identity: nil: the daemon's own rights.
    public init(of identity: UserIdentity?, by files: UserFiles) {
        self = if let identity { .user(identity, files) } else { .daemon }
    }

    /// Whether its content has to be hashed before anything is believed of it.
    var isOfUser: Bool { if case .user = self { true } else { false } }

    /// Blocks.
    func take(_ step: OpenStep, in directory: Int32?) throws(ImageStoreError) -> OpenStep.Outcome {
        switch self {
        case .daemon: step.take(in: directory ?? AT_FDCWD)
        case .user(let identity, let files): try files.take(step, in: directory, as: identity)
        }
    }
}
