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

    private struct State {
        var idle: [UserIdentity: [Int32]] = [:]
        var busy: [UserIdentity: Int] = [:]
        var idleCount: Int { idle.values.reduce(0) { $0 + $1.count } }
    }

    /// Seconds.
    private static let patience: Int32 = 30
    /// Of one user.
    private static let maximumBusy = 8
    /// Of all users.
    private static let maximumIdle = 16

    private let connect: @Sendable () throws(Failure) -> Int32
    private let state = Mutex(State())

    /// - Parameter connect: makes a connection to a server, which may be started by that.
    public init(connect: @escaping @Sendable () throws(Failure) -> Int32) { self.connect = connect }

    /// For a daemon that opens files for its own user alone.
    public static let none = UserFiles { () throws(Failure) in
        throw Failure(reason: "this daemon opens files as its own user alone", advice: "push as that user")
    }

    deinit { state.withLock { $0.idle.values.joined().forEach { close($0) } } }

    /// Takes a step as the user. Blocks.
    ///
    /// - Throws: ``ImageStoreError``: `notOpenedAsCaller`, `system`.
    func take(
        _ step: OpenStep, in directory: Int32?, as user: UserIdentity
    ) throws(ImageStoreError) -> OpenStep.Outcome {
        // The kernel takes no longer path, and a message holds none.
        guard step.path.utf8.count < 4096 else { return .failed(ENAMETOOLONG) }
        let connection = try borrow(for: user, path: step.path)
        let request = OpenerMessage.bytes(of: step, isBelow: directory != nil)
        guard Packets.send(request, directory, over: connection),
            let outcome = Self.receive(connection)
        else {
            let code = errno
            giveBack(connection, of: user, isGood: false)
            throw ImageStoreError.system("open", step.path, code == EAGAIN ? ETIMEDOUT : code == 0 ? EIO : code)
        }
        giveBack(connection, of: user, isGood: true)
        return outcome
    }

    private func borrow(for user: UserIdentity, path: String) throws(ImageStoreError) -> Int32 {
        let (known, isTooMany) = state.withLock { state -> (Int32?, Bool) in
            guard state.busy[user, default: 0] < Self.maximumBusy else { return (nil, true) }
            state.busy[user, default: 0] += 1
            return (state.idle[user]?.popLast(), false)
        }
        if isTooMany { throw .system("open", path, EBUSY) }
        if let known { return known }
        do {
            return try begin(as: user)
        } catch {
            state.withLock { Self.end(user, &$0) }
            throw ImageStoreError(.notOpenedAsCaller(reason: error.reason, advice: error.advice), subject: path)
        }
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

    private func giveBack(_ connection: Int32, of user: UserIdentity, isGood: Bool) {
        let isKept = state.withLock { state in
            Self.end(user, &state)
            guard isGood, state.idleCount < Self.maximumIdle else { return false }
            state.idle[user, default: []].append(connection)
            return true
        }
        if !isKept { close(connection) }
    }

    private static func end(_ user: UserIdentity, _ state: inout State) {
        let left = state.busy[user, default: 1] - 1
        state.busy[user] = left > 0 ? left : nil
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
