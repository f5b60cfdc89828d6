internal import OCI

/// The one way in which a job changes its state.
extension JobStore {
    /// Moves a job along the table of ``JobState/after(_:)``.
    ///
    /// - Parameters:
    ///   - due: when the job is due next, if it is then queued or waiting; nil means at once.
    ///   - newer: the job that takes its place, for `supersede`.
    /// - Throws: SQLite's error; ``QueueError/Cause/invalidJob(reason:)`` where the table has no such move.
    func move(
        _ id: JobID, from old: JobState, on event: JobEvent, due: Int64? = nil, newer: JobID? = nil, now: Int64
    ) throws {
        guard let state = old.after(event) else {
            throw QueueError.Cause.invalidJob(reason: "job \(id) is \(old), and \(event) does not apply to it")
        }
        let moved = try database.run(
            """
            UPDATE job SET state = ?3, updated_at = ?4, due_at = ?5, ended_at = ?6, superseded_by = ?7
             WHERE id = ?1 AND state = ?2
            """,
            id, old.rawValue, state.rawValue, now, state.isClaimable ? due ?? now : nil, state.isEnded ? now : nil,
            newer)
        guard moved == 1 else { throw SQLiteError.unreadable("the state of job \(id)") }
        changed.append(JobChange(job: id, state: state, old: old))
        try insertEvent(of: id, state, now: now)
    }

    func state(of id: JobID) throws -> JobState? {
        try database.row("SELECT state FROM job WHERE id = ?", id) { row throws(SQLiteError) in try row.state(0) }
    }

    /// The other jobs of a job's destination that have not begun, as far as either may take the other's place: those of
    /// its own party and, where one of the two has the daemon's rights, those over which it has them.
    ///
    /// By the index of those that have not begun: a destination may have had any number of jobs.
    ///
    /// - Parameter newer: those that may take the job's place; else those whose place it may take.
    func rivals(of id: JobID, newer: Bool) throws -> [(id: JobID, state: JobState)] {
        let rows = try database.rows(
            """
            SELECT other.id, other.state
              FROM job CROSS JOIN job AS other INDEXED BY job_next
                ON other.destination = job.destination AND other.id <> job.id
             WHERE job.id = ?1 AND other.state IN ('queued', 'waiting', 'blocked')
               AND (other.acts_uid IS job.acts_uid OR iif(?2, other.acts_uid, job.acts_uid) IS NULL)
               AND (NOT ?2 OR other.id > job.id)
            """, id, newer
        ) { row throws(SQLiteError) in (row.int64(0), try row.state(1)) }
        // Newest first: a few, which are sooner sorted here.
        return rows.map { (id: $0.0, state: $0.1) }.sorted { $0.id > $1.id }
    }

    /// Moves a running job to where it waits again, or lets the newer job of its destination take its place.
    func leaveRunning(_ id: JobID, on event: JobEvent, due: Int64? = nil, now: Int64) throws {
        if let newer = try rivals(of: id, newer: true).first {
            try move(id, from: .running, on: .supersede, newer: newer.id, now: now)
        } else {
            try move(id, from: .running, on: event, due: due, now: now)
        }
    }

    func setError(_ error: JobError?, of id: JobID) throws {
        try database.run(
            "UPDATE job SET error_code = ?2, error_message = ?3, error_advice = ?4 WHERE id = ?1",
            id, error?.code, error?.shortMessage, error?.advice)
    }

    /// Closes the latest attempt at a job.
    func endAttempt(of id: JobID, error: JobError?, now: Int64) throws {
        try database.run(
            """
            UPDATE attempt SET ended_at = ?2, error_code = ?3, error_message = ?4, error_advice = ?5
             WHERE job = ?1 AND number = (SELECT attempts FROM job WHERE id = ?1) AND ended_at IS NULL
            """,
            id, now, error?.code, error?.shortMessage, error?.advice)
    }

    /// The fence: throws unless the worker still has the job.
    func hold(_ claim: Claim) throws {
        let isHeld = try database.row(
            "SELECT 1 FROM job WHERE id = ? AND state = 'running' AND claims = ?", claim.job.id, claim.attempt
        ) { _ in true }
        guard isHeld == true else {
            throw QueueError.Cause.staleClaim(job: claim.job.id, attempt: claim.attempt)
        }
    }
}

extension JobError {
    /// What is stored: a registry's reasons can be long, and a row is read for every line of a list.
    fileprivate var shortMessage: String { message.utf8.count <= 4096 ? message : String(message.prefix(1024)) + "…" }
}

extension Row {
    func state(_ column: Int32) throws(SQLiteError) -> JobState { try word(column) }

    /// A value of one of our enumerations.
    func word<Word: RawRepresentable<String>>(_ column: Int32) throws(SQLiteError) -> Word {
        guard let word = Word(rawValue: text(column)) else { throw .unreadable("a \(Word.self)") }
        return word
    }

    func digest(_ column: Int32) throws(SQLiteError) -> Digest {
        do { return try Digest(parsing: text(column)) } catch { throw .unreadable("a digest") }
    }
}
