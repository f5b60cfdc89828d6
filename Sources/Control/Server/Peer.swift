internal import CLinux
internal import Glibc
public import System

extension Caller {
    /// The process at the other end of a connection, as it was when it connected. Its user's name is not asked for: that
    /// may block.
    ///
    /// Nil where the kernel does not tell.
    ///
    /// Source: unix(7), SO_PEERCRED and SO_PEERGROUPS.
    init?(peerOf descriptor: Int32) {
        var (pid, uid, gid) = (Int32(0), UInt32(0), UInt32(0))
        guard linux_peer(descriptor, &pid, &uid, &gid) == 0 else { return nil }
        let groups = Self.supplementaryGroups(of: descriptor)
        self.init(identity: UserIdentity(uid: uid, gid: gid, groups: groups), pid: pid)
    }

    /// The kernel knows them without asking the system's user database, which may block; none where it is too old to.
    private static func supplementaryGroups(of descriptor: Int32) -> [UInt32] {
        var groups = [UInt32](repeating: 0, count: 64)
        while true {
            var size = UInt32(groups.count * MemoryLayout<UInt32>.stride)
            let code = linux_peer_groups(descriptor, &groups, &size)
            let count = Int(size) / MemoryLayout<UInt32>.stride
            if code == 0 { return Array(groups.prefix(count)) }
            // The kernel's own bound is 65,536 groups (NGROUPS_MAX).
            guard errno == ERANGE, count > groups.count, count <= 65_536 else { return [] }
            groups = [UInt32](repeating: 0, count: count)
        }
    }
}

/// Who may control the daemon, and with how many connections. It is asked for each connection.
public struct ControlAccess: Sendable {
    public enum Admission: Sendable, Equatable {
        case refused
        /// With so many connections of one user at a time; some places are kept for others.
        case limited(connections: Int)
        case full
    }

    private let rule: @Sendable (Caller) -> Admission

    /// - Parameter rule: called on the server's thread, which it must not block.
    public init(rule: @escaping @Sendable (Caller) -> Admission) { self.rule = rule }

    /// Admits this process's user and root.
    public static var ownUser: ControlAccess {
        let user = geteuid()
        return ControlAccess { [user, 0].contains($0.identity.uid) ? .full : .refused }
    }

    public func admission(of caller: Caller) -> Admission { rule(caller) }
}
