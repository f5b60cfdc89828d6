internal import OCI
internal import System

extension JobStore {
    /// Stores jobs, all or none. They are on disk when this returns, in the order given.
    ///
    /// A destination has at most one running job, and of each party one that comes after it: each member is a party,
    /// and all that has the daemon's own rights is one. The party's pending job that does what is asked for, with the
    /// same kind of login, is returned instead of a new one: it takes the higher priority, the later deadline, the
    /// stricter verification, and `force`; a command also starts it again if it was blocked, since a person has just
    /// acted. Any other pending job of the party is superseded; where the new one has the daemon's rights, those of
    /// members too. A running one continues, and the new one waits for its end; a member's waits for what others have
    /// asked for before it as well.
    ///
    /// - Parameter quota: what the member that asks may have pending, these jobs included; nil: no bound.
    /// - Throws: ``QueueError``; ``QueueError/Cause/invalidJob(reason:)`` for a priority or size out of bounds,
    ///   ``QueueError/Cause/quota(_:)`` beyond the quota.
    public nonisolated func accept(
        _ jobs: [NewJob], quota: MemberQuota? = nil, now: Int64
    ) async throws(QueueError) -> [Accepted] {
        try await write("accept a push") { store in
            let accepted = try jobs.map { try store.accept($0, now: now) }
            if accepted.contains(where: \.isNew) { try store.check(quota) }
            return accepted
        }
    }

    /// The same, and remembers in the same transaction that a rule has dealt with the image: never lost, never twice.
    public nonisolated func accept(
        _ jobs: [NewJob], handled: Handled, now: Int64
    ) async throws(QueueError) -> [Accepted] {
        try await write("accept a push") { store in
            try store.mark(handled, now: now)
            return try jobs.map { try store.accept($0, now: now) }
        }
    }

    private func accept(_ new: NewJob, now: Int64) throws -> Accepted {
        try new.check()
        let destination = new.destination.description
        let occupants = try database.rows(
            """
            SELECT job.id, state, root, platforms, force, verify, expires_at, acts_uid, own_login
              FROM job JOIN image ON image.id = job.image
             WHERE destination = ?1 AND state IN ('queued', 'waiting', 'blocked')
            UNION ALL
            SELECT job.id, state, root, platforms, force, verify, expires_at, acts_uid, own_login
              FROM job JOIN image ON image.id = job.image
             WHERE destination = ?1 AND state = 'running'
            """, destination, read: Occupant.init)
        let party = new.actsAs.map { Int64($0.uid) }
        let (ours, others) = (occupants.filter { $0.party == party }, occupants.filter { $0.party != party })
        let next = ours.first { $0.state != .running }
        // What another has asked for later would have the last word, and this request is later still.
        if let same = next ?? ours.first, same.does(new), others.allSatisfy({ $0.id < same.id }) {
            try join(same, new, now: now)
            return Accepted(id: same.id, isNew: false)
        }
        var replaced = next.map { [$0] } ?? []
        if party == nil { replaced += others.filter { $0.state != .running } }
        for job in replaced { try move(job.id, from: job.state, on: .supersede, now: now) }
        let id = try insert(new, destination: destination, now: now)
        for job in replaced { try database.run("UPDATE job SET superseded_by = ?2 WHERE id = ?1", job.id, id) }
        return Accepted(id: id, isNew: true, superseded: replaced.map(\.id))
    }

    /// Lets a pending job do what a new request asks for as well.
    private func join(_ job: Occupant, _ new: NewJob, now: Int64) throws {
        let deadline = job.expiresAt.flatMap { old in new.expiresAt.map { max(old, $0) } }
        try database.run(
            """
            UPDATE job SET priority = max(priority, ?2), force = max(force, ?3), verify = ?4, expires_at = ?5
             WHERE id = ?1
            """,
            job.id, new.priority, new.force, max(job.verify, new.verify).rawValue, deadline)
        if job.state == .blocked, new.origin == .command {
            try move(job.id, from: .blocked, on: .unblock, now: now)
        }
    }

    private func insert(_ new: NewJob, destination: String, now: Int64) throws -> JobID {
        try database.run(
            """
            INSERT INTO job (image, name, source, registry, destination, platforms, state, origin, priority, verify,
                             force, created_at, updated_at, due_at, expires_at, named_root, named_type, named_size,
                             format, left_out, asked_uid, asked_gid, asked_groups, asked_pid, asked_name, acts_uid,
                             acts_gid, acts_groups, own_login)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?8, ?9, ?10, ?11, ?11, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                    ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)
            """,
            try image(of: new), new.image, new.source, new.destination.domain, destination,
            new.platforms.joined(separator: ","), new.origin.rawValue, new.priority, new.verify.rawValue, new.force,
            now, new.expiresAt, new.change?.named.digest.description, new.change?.named.mediaType.rawValue,
            new.change?.named.size, new.change?.format?.rawValue, new.change?.leftOut,
            new.askedBy.map { Int64($0.identity.uid) }, new.askedBy.map { Int64($0.identity.gid) },
            new.askedBy?.identity.groupList, new.askedBy.map { Int64($0.pid) }, new.askedBy?.name,
            new.actsAs.map { Int64($0.uid) }, new.actsAs.map { Int64($0.gid) }, new.actsAs?.groupList,
            new.hasOwnLogin)
        let id = database.lastInsertedID
        changed.append(JobChange(job: id, state: .queued, old: nil))
        try insertEvent(of: id, .queued, now: now)
        return id
    }

    /// The row of the image, which all jobs for it share; stored when it is new.
    private func image(of new: NewJob) throws -> Int64 {
        let content = new.content.description
        let known = try database.row(
            "SELECT id FROM image WHERE root = ? AND content = ?", new.root.digest.description, content
        ) { $0.int64(0) }
        if let known { return known }
        let blobs = new.distinctBlobs
        try database.run(
            "INSERT INTO image (root, content, media_type, size, bytes_total) VALUES (?, ?, ?, ?, ?)",
            new.root.digest.description, content, new.root.mediaType.rawValue, new.root.size,
            blobs.filter { $0.isSent && $0.role != .manifest }.map(\.size).saturatingSum)
        let image = database.lastInsertedID
        for (place, blob) in blobs.enumerated() {
            try database.run(
                "INSERT INTO image_blob VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                image, place, blob.digest.description, blob.size, blob.mediaType, blob.role.rawValue, blob.isSent)
        }
        return image
    }
}

/// A pending job, as far as it matters for a newcomer with the same destination.
private struct Occupant {
    let id: JobID
    let state: JobState
    let root: String
    let platforms: String
    let force: Bool
    let verify: VerifyLevel
    let expiresAt: Int64?
    /// The member whose it is; nil: it has the daemon's rights.
    let party: Int64?
    let hasOwnLogin: Bool

    init(_ row: Row) throws(SQLiteError) {
        id = row.int64(0)
        state = try row.state(1)
        root = row.text(2)
        platforms = row.text(3)
        force = row.bool(4)
        verify = try row.word(5)
        expiresAt = row.optionalInt64(6)
        party = row.optionalInt64(7)
        hasOwnLogin = row.bool(8)
    }

    /// Whether it does what is asked for, or can be made to.
    func does(_ new: NewJob) -> Bool {
        guard root == new.root.digest.description, platforms == new.platforms.joined(separator: ","),
            hasOwnLogin == new.hasOwnLogin
        else { return false }
        // A running job's worker has read these already: what is stricter needs a job of its own.
        return state != .running || (force || !new.force) && verify >= new.verify
    }
}

extension NewJob {
    /// The most that the sizes of an image's blobs may add up to: a pebibyte.
    private static let largestTotal: Int64 = 1 << 50

    fileprivate func check() throws(QueueError.Cause) {
        guard Self.priorities.contains(priority) else {
            throw .invalidJob(reason: "the priority \(priority) is not in \(Self.priorities)")
        }
        guard destination.tag != nil || destination.digest != nil else {
            throw .invalidJob(reason: "the destination \(destination) has neither a tag nor a digest")
        }
        var total: Int64 = 0
        for size in [root.size] + blobs.map(\.size) {
            guard (0...Self.largestTotal).contains(size), total + size <= Self.largestTotal else {
                throw .invalidJob(reason: "the image's sizes are impossible")
            }
            total += size
        }
    }

    fileprivate var distinctBlobs: [JobBlob] {
        var seen: Set<Digest> = []
        return blobs.filter { seen.insert($0.digest).inserted }
    }

    /// What two jobs for the same image have in common: the root's descriptor and the list of blobs.
    ///
    /// The root's digest alone settles the bytes, but not what a descriptor calls them nor which of them are sent.
    fileprivate var content: Digest {
        var text = "\(root.size) \(root.mediaType.rawValue.utf8.count) \(root.mediaType.rawValue)\n"
        for blob in blobs {
            text += "\(blob.digest) \(blob.size) \(blob.role.rawValue) \(blob.isSent ? 1 : 0) "
            text += "\(blob.mediaType.utf8.count) \(blob.mediaType)\n"
        }
        return Digest(of: Array(text.utf8))
    }
}
