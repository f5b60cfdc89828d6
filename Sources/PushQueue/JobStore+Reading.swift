internal import OCI
internal import System

extension JobStore {
    public nonisolated func job(_ id: JobID) async throws(QueueError) -> Job? {
        try await read("read a job") { store in try store.storedJob(id) }
    }

    /// The blobs of a job in their order; empty for an unknown job.
    public nonisolated func blobs(of id: JobID) async throws(QueueError) -> [JobBlobState] {
        try await read("read a job's blobs") { store in
            try store.database.rows(
                """
                SELECT digest, size, media_type, role, is_sent, outcome, detail, bytes_sent + sent_before
                  FROM job JOIN image_blob USING (image)
                  LEFT JOIN job_blob_outcome AS outcome ON outcome.job = job.id AND outcome.place = image_blob.place
                 WHERE job.id = ? ORDER BY image_blob.place
                """, id, read: JobBlobState.init)
        }
    }

    /// The latest ``attemptsKept`` attempts, oldest first.
    public nonisolated func attempts(of id: JobID) async throws(QueueError) -> [Attempt] {
        try await read("read a job's attempts") { store in
            try store.database.rows(
                """
                SELECT number, started_at, ended_at, error_code, error_message, error_advice, bytes_sent
                  FROM attempt WHERE job = ? ORDER BY number
                """, id
            ) { row in
                Attempt(
                    job: id, number: row.int(0), startedAt: row.int64(1), endedAt: row.optionalInt64(2),
                    error: row.error(from: 3), bytesSent: row.int64(6))
            }
        }
    }

    /// The jobs that a filter lets through, newest first.
    public nonisolated func jobs(_ filter: JobFilter) async throws(QueueError) -> [Job] {
        try await read("list jobs") { store in
            let ids = try store.ids(filter)
            return try ids.prefix(max(0, filter.limit)).compactMap { try store.storedJob($0) }
        }
    }

    /// How many jobs are in each state; every state is there. Costs the same however many there are.
    public nonisolated func counts() async throws(QueueError) -> [JobState: Int] {
        try await read("count jobs") { store in
            let rows = try store.database.rows("SELECT name, n FROM tally") { ($0.text(0), $0.int(1)) }
            let counts = rows.compactMap { name, n in JobState(rawValue: name).map { ($0, n) } }
            return Dictionary(counts) { first, _ in first }
        }
    }

    /// Newest first, at most `filter.limit`.
    private func ids(_ filter: JobFilter) throws -> [JobID] {
        let before = filter.before ?? .max
        let states = filter.states ?? Set(JobState.allCases)
        if let ids = filter.ids {
            return try Set(ids).filter { $0 < before }.sorted(by: >).filter { id in
                let found = try database.row("SELECT state, registry, asked_uid FROM job WHERE id = ?", id) {
                    row throws(SQLiteError) in
                    (try row.state(0), row.text(1), row.optionalInt64(2))
                }
                guard let (state, registry, user) = found else { return false }
                return states.contains(state) && (filter.registry ?? registry) == registry
                    && (filter.user.map { Int64($0) } ?? user) == user
            }
        }
        let wanted = states.map(\.rawValue).sorted().joined(separator: ",")
        if let user = filter.user {
            return try database.rows(
                """
                SELECT id FROM job
                 WHERE asked_uid = ?1 AND id < ?2 AND instr(',' || ?3 || ',', ',' || state || ',') > 0
                   AND ifnull(?5, registry) = registry
                 ORDER BY id DESC LIMIT ?4
                """, Int64(user), before, wanted, filter.limit, filter.registry
            ) { $0.int64(0) }
        }
        if let registry = filter.registry {
            return try database.rows(
                """
                SELECT id FROM job WHERE registry = ?1 AND id < ?2 AND instr(',' || ?3 || ',', ',' || state || ',') > 0
                 ORDER BY id DESC LIMIT ?4
                """, registry, before, wanted, filter.limit
            ) { $0.int64(0) }
        }
        if filter.states == nil {
            return try database.rows(
                "SELECT id FROM job WHERE id < ? ORDER BY id DESC LIMIT ?", before, filter.limit
            ) { $0.int64(0) }
        }
        // The newest of each state from its part of the index: a list of the few that wait passes by all that ended.
        return try states.flatMap { state in
            try database.rows(
                "SELECT id FROM job WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?",
                state.rawValue, before, filter.limit
            ) { $0.int64(0) }
        }.sorted(by: >)
    }

    func storedJob(_ id: JobID) throws -> Job? {
        try database.row(
            """
            SELECT job.id, name, source, root, media_type, size, destination, state, origin, priority, verify, force,
                   platforms, attempts, failures, created_at, updated_at, due_at, started_at, ended_at, expires_at,
                   error_code, error_message, error_advice, bytes_total, bytes_uploaded, bytes_mounted, bytes_existing,
                   superseded_by, verified, named_root, named_type, named_size, format, left_out,
                   tried, own_login, asked_uid, asked_gid, asked_groups, asked_pid, asked_name, acts_uid, acts_gid,
                   acts_groups
              FROM job JOIN image ON image.id = job.image WHERE job.id = ?
            """, id, read: Job.init)
    }
}

extension Job {
    /// From a row of ``JobStore/storedJob(_:)``.
    fileprivate init(_ row: Row) throws(SQLiteError) {
        id = row.int64(0)
        image = row.text(1)
        source = row.text(2)
        root = Descriptor(mediaType: MediaType(row.text(4)), digest: try row.digest(3), size: row.int64(5))
        do { destination = try ImageReference(parsing: row.text(6)) } catch { throw .unreadable("a destination") }
        state = try row.state(7)
        origin = try row.word(8)
        priority = row.int(9)
        verify = try row.word(10)
        force = row.bool(11)
        platforms = row.text(12).split(separator: ",").map(String.init)
        attempts = row.int(13)
        failures = row.int(14)
        createdAt = row.int64(15)
        updatedAt = row.int64(16)
        nextAttemptAt = row.optionalInt64(17)
        startedAt = row.optionalInt64(18)
        endedAt = row.optionalInt64(19)
        expiresAt = row.optionalInt64(20)
        error = row.error(from: 21)
        bytesTotal = row.int64(24)
        bytesUploaded = row.int64(25)
        bytesMounted = row.int64(26)
        bytesExisting = row.int64(27)
        supersededBy = row.optionalInt64(28)
        verified = row.optionalText(29)
        change = try row.change(from: 30)
        tried = row.int64(35)
        hasOwnLogin = row.bool(36)
        askedBy = row.identity(from: 37).map {
            Caller(identity: $0, pid: Int32(truncatingIfNeeded: row.int64(40)), name: row.optionalText(41))
        }
        actsAs = row.identity(from: 42)
    }
}

extension JobBlobState {
    fileprivate init(_ row: Row) throws(SQLiteError) {
        let isSent = row.bool(4)
        blob = JobBlob(
            digest: try row.digest(0), size: row.int64(1), mediaType: row.text(2), role: try row.word(3), isSent: isSent
        )
        outcome = row.optionalText(5) == nil ? (isSent ? .pending : .skipped) : try row.word(5)
        detail = row.optionalText(6)
        bytesSent = row.int64(7)
    }
}

extension Row {
    /// From five columns: digest, media type and size of the image that was named, format, what is left out.
    fileprivate func change(from column: Int32) throws(SQLiteError) -> ImageChange? {
        guard optionalText(column) != nil else { return nil }
        return ImageChange(
            named: Descriptor(
                mediaType: MediaType(text(column + 1)), digest: try digest(column), size: int64(column + 2)),
            format: optionalText(column + 3).flatMap(ImageFormat.init(rawValue:)),
            leftOut: optionalText(column + 4) ?? "")
    }

    /// From three columns: user, group, supplementary groups.
    fileprivate func identity(from column: Int32) -> UserIdentity? {
        guard let uid = optionalInt64(column) else { return nil }
        return UserIdentity(
            uid: UInt32(truncatingIfNeeded: uid), gid: UInt32(truncatingIfNeeded: int64(column + 1)),
            groups: text(column + 2).split(separator: ",").compactMap { UInt32($0) })
    }

    /// A job's or an attempt's error from three columns: code, message, advice.
    fileprivate func error(from column: Int32) -> JobError? {
        optionalText(column).map { JobError(code: $0, message: text(column + 1), advice: optionalText(column + 2)) }
    }
}

extension UserIdentity {
    /// The supplementary groups as they are stored.
    var groupList: String { groups.map(String.init).joined(separator: ",") }
}
