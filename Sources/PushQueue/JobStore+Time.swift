/// What becomes of waits and deadlines when time does not go on as it did: none of it makes anything due later.
extension JobStore {
    /// Lets no queued or waiting job be due later than after its own wait from now, as after a start: the clock may
    /// have been set meanwhile, and an earlier pushd may have stored any wait. Likewise for deadlines.
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

    /// The wall clock was set: deadlines go along, and waits are cut as after a start.
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

    /// The wait of a job is the time from its last change to when it is due; a change is not later than now.
    private func cut(now: Int64, longest: Int64) throws {
        try database.run(
            """
            UPDATE job SET due_at = ?1 + min(max(due_at - updated_at, 0), ?2), updated_at = min(updated_at, ?1)
             WHERE due_at IS NOT NULL AND due_at > ?1 + min(max(due_at - updated_at, 0), ?2)
            """, now, longest)
    }

    /// Makes all jobs due that wait for their next attempt: it has become worthwhile at once.
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

    /// Fails a waiting job whose time is over; its error stays what went wrong last.
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
