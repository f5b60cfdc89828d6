/// What people, timers and the daemon's start do to jobs, whether or not a worker holds them.
extension JobStore {
    /// Cancels what is still pending.
    ///
    /// - Returns: the state that each job was in before; the caller stops the worker of one that was `running`. Jobs
    ///   that had ended are returned and left alone, unknown ones are absent.
    public nonisolated func cancel(_ ids: [JobID], now: Int64) async throws(QueueError) -> [JobID: JobState] {
        try await write("cancel jobs") { store in
            var found: [JobID: JobState] = [:]
            for id in ids where found[id] == nil {
                guard let state = try store.state(of: id) else { continue }
                found[id] = state
                guard state.after(.cancel) != nil else { continue }
                if state == .running {
                    let error = JobError(code: "canceled", message: "canceled while it was running")
                    try store.endAttempt(of: id, error: error, now: now)
                }
                try store.move(id, from: state, on: .cancel, now: now)
            }
            return found
        }
    }

    /// Queues jobs again that wait, are blocked, have failed or were cancelled; failures in a row count from 0 again.
    ///
    /// A job is left alone if a newer one for its destination is pending or has succeeded: its image would put the
    /// tag back to what it was. A deadline that has passed is dropped.
    ///
    /// - Parameters:
    ///   - ids: nil means all that have failed.
    ///   - hasNewLogin: whether they are given a login of their own with this.
    ///   - quota: what the member that asks may have pending afterwards; nil: no bound.
    /// - Returns: those that are queued now, newest first.
    public nonisolated func retry(
        _ ids: [JobID]?, hasNewLogin: Bool = false, quota: MemberQuota? = nil, now: Int64
    ) async throws(QueueError) -> [JobID] {
        try await write("retry jobs") { store in
            let wanted =
                try ids ?? store.database.rows("SELECT id FROM job WHERE state = 'failed'") { $0.int64(0) }
            let revived = try Set(wanted).sorted(by: >).filter { try store.retry($0, hasNewLogin, now: now) }
            try store.check(quota)
            return revived
        }
    }

    /// Queues the blocked jobs of a registry again, after a reload; but not those that only their user's login can help.
    public nonisolated func unblock(registry: String, now: Int64) async throws(QueueError) -> [JobID] {
        try await write("unblock jobs") { store in
            let ids = try store.database.rows(
                """
                SELECT id FROM job
                 WHERE registry = ? AND state = 'blocked' AND error_code IS NOT 'own-login-gone' ORDER BY id
                """, registry
            ) { $0.int64(0) }
            for id in ids { try store.move(id, from: .blocked, on: .unblock, now: now) }
            return ids
        }
    }

    /// Queues the blocked jobs of a registry again, after the daemon's own login there was stored: from now on that is
    /// theirs. A member's job that came with a login of its own stays as it is, because the daemon's is not for it.
    public nonisolated func useStoredLogin(registry: String, now: Int64) async throws(QueueError) -> [JobID] {
        try await write("unblock jobs") { store in
            let ids = try store.database.rows(
                """
                SELECT id FROM job
                 WHERE registry = ? AND state = 'blocked' AND (own_login = 0 OR acts_uid IS NULL) ORDER BY id
                """, registry
            ) { $0.int64(0) }
            for id in ids {
                try store.database.run("UPDATE job SET own_login = 0 WHERE id = ?", id)
                try store.move(id, from: .blocked, on: .unblock, now: now)
            }
            return ids
        }
    }

    /// Takes back the jobs that were running when the last daemon ended. Called once, before the first claim.
    ///
    /// - Returns: how many there were.
    public nonisolated func recover(now: Int64) async throws(QueueError) -> Int {
        try await write("take up the jobs of the last run") { store in
            let ids = try store.database.rows("SELECT id FROM job WHERE state = 'running' ORDER BY id") { $0.int64(0) }
            let error = JobError(code: "interrupted", message: "pushd ended during this attempt")
            for id in ids {
                try store.endAttempt(of: id, error: error, now: now)
                try store.leaveRunning(id, on: .recover, now: now)
            }
            return ids.count
        }
    }

    /// Why a registry is paused, and since when, in milliseconds since 1970.
    public struct Pause: Sendable {
        public let since: Int64
        public let reason: String

        public init(since: Int64, reason: String) {
            self.since = since
            self.reason = reason
        }
    }

    /// Fails the pending jobs whose time has passed, with the code `timeout`; the message keeps why they did not end.
    ///
    /// - Parameter pauses: the paused registries. The message of a job that waits for one of them names that pause.
    /// - Returns: all of them; the caller stops the workers of those that were running.
    public nonisolated func expire(now: Int64, pauses: [String: Pause] = [:]) async throws(QueueError) -> [JobID] {
        try await write("end jobs whose time has passed") { store in
            let due = try store.database.rows(
                """
                SELECT id, state, error_message, registry, updated_at FROM job
                 WHERE expires_at <= ? AND ended_at IS NULL ORDER BY expires_at
                """, now
            ) { row throws(SQLiteError) in
                (
                    id: row.int64(0), state: try row.state(1), last: row.optionalText(2), registry: row.text(3),
                    changedAt: row.int64(4)
                )
            }
            let error = JobError(
                code: "timeout", message: "the push did not end within its --timeout",
                advice: "push again with a longer --timeout, or without one")
            for (id, state, last, registry, changedAt) in due {
                if state == .running { try store.endAttempt(of: id, error: error, now: now) }
                // "timeout" does not say why the push did not end: without this, only the table `attempt` would.
                var why = last.map { "last: \($0)" }
                if state.isClaimable, let pause = pauses[registry], last == nil || changedAt < pause.since {
                    why = "\(registry) was paused: \(pause.reason)"
                }
                let whole = error.message + (why.map { "; \($0)" } ?? "")
                try store.setError(JobError(code: error.code, message: whole, advice: error.advice), of: id)
                try store.move(id, from: state, on: .expire, now: now)
            }
            return due.map(\.id)
        }
    }

    /// When the time of the next pending job passes; nil: no pending job has a limit.
    public nonisolated func nextExpiry() async throws(QueueError) -> Int64? {
        try await read("look for the next deadline") { store in
            try store.database.row(
                """
                SELECT expires_at FROM job WHERE expires_at IS NOT NULL AND ended_at IS NULL
                 ORDER BY expires_at LIMIT 1
                """
            ) { $0.int64(0) }
        }
    }

    private func retry(_ id: JobID, _ hasNewLogin: Bool, now: Int64) throws -> Bool {
        guard let state = try state(of: id), state.after(.retry) != nil else { return false }
        let destination = try database.row("SELECT destination FROM job WHERE id = ?", id) { $0.text(0) } ?? ""
        let isOutdated = try database.row(
            """
            SELECT 1 FROM job
             WHERE destination = ? AND id > ? AND state IN ('queued', 'running', 'waiting', 'blocked', 'succeeded')
             LIMIT 1
            """, destination, id
        ) { _ in true }
        if isOutdated == true { return false }
        for older in try rivals(of: id, newer: false) {
            try move(older.id, from: older.state, on: .supersede, newer: id, now: now)
        }
        try move(id, from: state, on: .retry, now: now)
        try database.run(
            """
            UPDATE job SET failures = 0, tried = 0, expires_at = iif(expires_at <= ?2, NULL, expires_at),
                           own_login = max(own_login, ?3)
             WHERE id = ?1
            """, id, now, hasNewLogin)
        return true
    }
}
