internal import CLinux
internal import Glibc

/// The process at the other end of a connection, as it was when it connected.
///
/// Source: unix(7), SO_PEERCRED and SO_PEERGROUPS.
public struct Peer: Sendable, Hashable {
    public var pid: Int32
    public var uid: UInt32
    /// The group it ran as and its supplementary groups.
    public var groups: Set<UInt32>

    public init(pid: Int32, uid: UInt32, groups: Set<UInt32>) {
        self.pid = pid
        self.uid = uid
        self.groups = groups
    }

    /// Nil where the kernel does not tell.
    init?(of descriptor: Int32) {
        var (pid, uid, gid) = (Int32(0), UInt32(0), UInt32(0))
        guard linux_peer(descriptor, &pid, &uid, &gid) == 0 else { return nil }
        self.init(pid: pid, uid: uid, groups: Set(Self.supplementaryGroups(of: descriptor) + [gid]))
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

/// Who may control the daemon: its own user, root, and the members of one group.
public struct ControlAccess: Sendable {
    private let rule: @Sendable (Peer) -> Bool

    /// Admits this process's user too.
    ///
    /// - Parameter group: the group's id; nil: no group.
    public init(group: UInt32?) {
        let user = geteuid()
        rule = { peer in
            peer.uid == user || peer.uid == 0 || group.map(peer.groups.contains) == true
        }
    }

    /// For tests, which cannot change who they are.
    init(rule: @escaping @Sendable (Peer) -> Bool) { self.rule = rule }

    public func admits(_ peer: Peer) -> Bool { rule(peer) }
}
