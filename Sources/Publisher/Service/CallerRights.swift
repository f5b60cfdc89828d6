public import OCI
public import PushQueue
public import System

/// What a caller may do: the one place where it is decided.
///
/// An operator has the daemon's own rights. A member of the control group acts as himself: files are opened as he could
/// open them, he pushes with his own logins, and sees and changes his own jobs; what he may use of the daemon's is
/// ``allowed``.
public struct CallerRights: Sendable {
    public enum Role: Sendable {
        case `operator`, member
    }

    public let role: Role
    public let caller: Caller
    /// Where a member may use the daemon's logins, have repositories made, and push with `force` or a priority above 0.
    public let allowed: [DestinationPattern]
    /// What a member may have pending.
    public let quota: MemberQuota?

    private init(_ role: Role, _ caller: Caller, _ allowed: [DestinationPattern], _ quota: MemberQuota?) {
        self.role = role
        self.caller = caller
        self.allowed = allowed
        self.quota = quota
    }

    public static func `operator`(_ caller: Caller) -> CallerRights { CallerRights(.operator, caller, [], nil) }

    public static func member(
        _ caller: Caller, allowed: [DestinationPattern], quota: MemberQuota? = nil
    ) -> CallerRights { CallerRights(.member, caller, allowed, quota) }

    public var isOperator: Bool { role == .operator }

    /// As whom files are opened; nil: with the daemon's own rights.
    public var actsAs: UserIdentity? { isOperator ? nil : caller.identity }

    /// Whether the daemon's own may be used there: its logins, what makes repositories, `force`, priorities above 0.
    public func mayUseDaemons(at destination: ImageReference) -> Bool {
        isOperator || allowed.contains { $0.matches(destination) }
    }

    /// The same for all repositories of a registry.
    public func mayUseDaemons(registry: String) -> Bool {
        isOperator || allowed.contains { $0.covers(registry: registry) }
    }

    /// Whether the caller sees a job whole, and may cancel it.
    public func owns(_ job: Job) -> Bool { isOperator || job.askedBy?.identity.uid == caller.identity.uid }

    /// Whether all that its retry needs is the caller's: a job that acts with the daemon's rights is an operator's, also
    /// where its user is none any more.
    public func mayRetry(_ job: Job) -> Bool { isOperator || owns(job) && job.actsAs?.uid == caller.identity.uid }

    /// Whether an event tells all to the caller.
    public func owns(_ event: QueueEvent) -> Bool {
        isOperator || event.askedBy.map { $0.uid == caller.identity.uid } == true
    }

    /// The user whose jobs a change of all jobs is limited to; nil: no limit.
    var ownJobs: UInt32? { isOperator ? nil : caller.identity.uid }

    /// - Throws: ``PushRefusal/notAllowed(_:_:user:)``.
    func check(_ privilege: DaemonsOwn, at destination: ImageReference) throws(PushRefusal) {
        guard !mayUseDaemons(at: destination) else { return }
        throw .notAllowed(privilege, "\(destination.domain)/\(destination.path)", user: caller.shownName)
    }

    func checkLogin(registry: String) throws(PushRefusal) {
        guard !mayUseDaemons(registry: registry) else { return }
        throw .notAllowed(.login, registry, user: caller.shownName)
    }
}

/// What a member may use only where the configuration allows it.
public enum DaemonsOwn: Sendable, Equatable {
    case login, force, priority
}

extension Caller {
    /// How the configuration can name the user: by its name, or by the number where none is known.
    var shownName: String { name ?? "\(identity.uid)" }
}
