/// How much one member may have pending, so that no one's pushes take the whole queue.
public struct MemberQuota: Sendable, Hashable {
    public var uid: UInt32
    /// Jobs that have not ended.
    public var jobs: Int
    /// Bytes of these jobs' blobs, each job's counted by itself.
    public var bytes: Int64

    public init(uid: UInt32, jobs: Int, bytes: Int64) {
        self.uid = uid
        self.jobs = jobs
        self.bytes = bytes
    }

    /// Which bound would be passed.
    public enum Excess: Sendable, Hashable {
        case jobs(uid: UInt32, limit: Int)
        case bytes(uid: UInt32, limit: Int64)
    }
}

extension JobStore {
    /// To be called at the end of a transaction that has added to what a member has pending: one look, however many jobs
    /// there are.
    func check(_ quota: MemberQuota?) throws {
        guard let quota else { return }
        let pending = try database.row("SELECT jobs, kib FROM member WHERE uid = ?", Int64(quota.uid)) {
            (jobs: $0.int64(0), kib: $0.int64(1))
        }
        guard let pending else { return }
        if pending.jobs > quota.jobs { throw QueueError.Cause.quota(.jobs(uid: quota.uid, limit: quota.jobs)) }
        let limit = quota.bytes / 1024 + (quota.bytes % 1024 == 0 ? 0 : 1)
        if pending.kib > limit { throw QueueError.Cause.quota(.bytes(uid: quota.uid, limit: quota.bytes)) }
    }
}
