/// As whom a process acts: its user, its group and its supplementary groups.
///
/// By these numbers the kernel decides which files it may open. A job of a member keeps them, because its image is
/// opened again later, when the process that asked for it has long ended.
public struct UserIdentity: Sendable, Hashable, Codable {
    public var uid: UInt32
    public var gid: UInt32
    /// The supplementary groups, sorted.
    public var groups: [UInt32]

    /// - Parameter groups: in any order, also with repetitions.
    public init(uid: UInt32, gid: UInt32, groups: some Sequence<UInt32> = []) {
        self.uid = uid
        self.gid = gid
        self.groups = Set(groups).sorted()
    }

    /// Whether it is the group of the process, or one of its supplementary groups.
    public func isMember(of group: UInt32) -> Bool { gid == group || groups.contains(group) }
}

/// The process that made a call, and whose it was when it connected.
public struct Caller: Sendable, Hashable, Codable {
    public var identity: UserIdentity
    public var pid: Int32
    /// The user's name; nil where the system knows none, or was not asked.
    public var name: String?

    public init(identity: UserIdentity, pid: Int32, name: String? = nil) {
        self.identity = identity
        self.pid = pid
        self.name = name
    }
}
