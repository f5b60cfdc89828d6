/// How waits and deadlines follow a clock that was set. A wait is only ever shortened.
extension JobStore {
    /// Called at the daemon's start: makes every queued or waiting job due no later than now + its own wait, because
    /// the clock may have been set while pushd did not run. Deadlines of jobs created after now move likewise.
    ///
    /// - Parameter longest: the longest wait, in milliseconds.
    public nonisolated func cutWaits(now: Int64, longest: Int64) async throws(QueueError) {
        try await write("look at what is due") { store in
            try store.cut(now: now, longest: longest)
            try store.database.run(
                """
                UPDATE job SET expires_at = ?1 + expires_at - created_at, created_at = ?1
                 WHERE expires_at IS NOT NULL AND ended_at IS NULL AND created_at > ?1
                """, now)
        }
    }

    /// Follows a wall clock that was set: moves deadlines by the same step, and cuts waits as at the start.
    ///
    /// - Parameters:
    ///   - step: by how many milliseconds; negative for backwards.
    ///   - longest: the longest wait, in milliseconds.
    public nonisolated func clockWasSet(by step: Int64, now: Int64, longest: Int64) async throws(QueueError) {
        try await write("follow the clock") { store in
            try store.database.run(
                """
                UPDATE job SET expires_at = expires_at + ?1, created_at = created_at + ?1
                 WHERE expires_at IS NOT NULL AND ended_at IS NULL
                """, step)
            try store.cut(now: now, longest: longest)
        }
    }

    /// A job's wait is `due_at` - `updated_at`; an `updated_at` in the future becomes now.
    private func cut(now: Int64, longest: Int64) throws {
        try database.run(
            """
            UPDATE job SET due_at = ?1 + min(max(due_at - updated_at, 0), ?2), updated_at = min(updated_at, ?1)
             WHERE due_at IS NOT NULL AND due_at > ?1 + min(max(due_at - updated_at, 0), ?2)
            """, now, longest)
    }

    /// Makes all queued and waiting jobs due now: a person or a login has removed the reason to wait.
    ///
    /// - Parameter registry: nil: at all registries.
    public nonisolated func endWaits(at registry: String?, now: Int64) async throws(QueueError) {
        try await write("end waits") { store in
            let names =
                try registry.map { [$0] }
                ?? store.database.rows("SELECT name FROM registry WHERE ready > 0") { $0.text(0) }
            for name in names {
                try store.database.run(
                    "UPDATE job SET due_at = ?2 WHERE registry = ?1 AND due_at IS NOT NULL AND due_at > ?2", name, now)
            }
        }
    }

    /// Fails a waiting job that has reached `giveUpAfter`; its error stays that of its last attempt.
    ///
    /// - Returns: whether it was waiting.
    public nonisolated func giveUp(_ id: JobID, now: Int64) async throws(QueueError) -> Bool {
        try await write("give a push up") { store in
            guard try store.state(of: id) == .waiting else { return false }
            try store.move(id, from: .waiting, on: .expire, now: now)
            return true
        }
    }
}
