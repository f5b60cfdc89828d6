import Control
import Glibc
import Publisher
import PushQueue
import System

/// Who is an operator and who a member, by the kernel's numbers: what the configuration says, its names looked up.
///
/// Root and the daemon's own user are always operators, so a user's own daemon has no members.
struct ControlRoles: Sendable, Equatable {
    /// A user or a group, by its number.
    enum Principal: Sendable, Hashable {
        case user(UInt32), group(UInt32)

        func includes(_ identity: UserIdentity) -> Bool {
            switch self {
            case .user(let uid): identity.uid == uid
            case .group(let gid): identity.isMember(of: gid)
            }
        }
    }

    struct Allowance: Sendable, Equatable {
        let to: [DestinationPattern]
        let who: Principal
    }

    /// The user that the daemon runs as.
    var own = geteuid()
    var operators: Set<Principal> = []
    /// The group whose members may use the control socket.
    var members: UInt32?
    var allow: [Allowance] = []
    var quotas = ControlSettings.Quotas()

    /// - Returns: nil for one who may nothing.
    func rights(of caller: Caller) -> CallerRights? {
        let identity = caller.identity
        if isOperator(identity) { return .operator(caller) }
        guard isMember(identity) else { return nil }
        return .member(
            caller, allowed: allow.filter { $0.who.includes(identity) }.flatMap(\.to),
            quota: MemberQuota(uid: identity.uid, jobs: quotas.jobs, bytes: quotas.bytes))
    }

    func admission(of caller: Caller) -> ControlAccess.Admission {
        if isOperator(caller.identity) { return .full }
        return isMember(caller.identity) ? .limited(connections: quotas.connections) : .refused
    }

    private func isOperator(_ identity: UserIdentity) -> Bool {
        identity.uid == 0 || identity.uid == own || operators.contains { $0.includes(identity) }
    }

    private func isMember(_ identity: UserIdentity) -> Bool { members.map(identity.isMember) ?? false }

    /// Who must be able to open the socket: an operator need not be in the group.
    var audience: SocketAudience { operators.isEmpty ? members.map { .group($0) } ?? .owner : .everybody }
}

extension ControlRoles {
    /// Looks up the names of the configuration. Blocks.
    ///
    /// - Throws: ``ConfigurationError`` for a name that the system does not know.
    init(_ settings: ControlSettings, file: String) throws(ConfigurationError) {
        func number(_ name: ControlSettings.Principal, _ path: String) throws(ConfigurationError) -> Principal {
            let found: Principal? =
                switch name {
                case .user(let name): UserDatabase.id(of: name).map { .user($0) }
                case .group(let name): SystemGroup.id(of: name).map { .group($0) }
                }
            if let found { return found }
            throw ConfigurationError(
                file: file, path: path, reason: "there is no \(name)", advice: "make it, or name one that exists")
        }
        if let group = settings.group, case .group(let id) = try number(.group(group), "control.group") { members = id }
        for name in settings.operators { operators.insert(try number(name, "control.operators")) }
        for entry in settings.allow {
            allow.append(Allowance(to: entry.to, who: try number(entry.who, "control.allow")))
        }
        quotas = settings.quotas
    }
}
