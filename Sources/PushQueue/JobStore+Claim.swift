extension JobStore {
    /// Takes the job whose turn it is, or returns nil when none is due.
    ///
    /// Registries take turns: of those that have a due job, the one with the fewest running jobs is next, and among
    /// equals the one whose last claim is oldest. Within a registry the highest priority comes first, then the job
    /// that has been due longest. A job whose destination has a running job is not taken until that job has ended, nor
    /// one whose destination another has asked for earlier, as long as that job is queued or waits. The cost does not
    /// grow with the number of jobs.
    ///
    /// - Parameters:
    ///   - excludingRegistries: those that are paused or have no capacity left.
    ///   - busy: the number of jobs that run at each registry; absent: none.
    public nonisolated func claim(
        excludingRegistries: Set<String>, busy: [String: Int] = [:], now: Int64
    ) async throws(QueueError) -> Claim? {
        try await write("take a job") { store in
            try store.claim(excluding: excludingRegistries, busy: busy, now: now)
        }
    }

    /// When the next queued or waiting job is due that ``claim(excludingRegistries:now:)`` would take then; nil: none.
    ///
    /// A job that waits for another one of its destination does not count: that one's end is a change of state.
    public nonisolated func nextDue(excludingRegistries: Set<String>) async throws(QueueError) -> Int64? {
        try await read("look for the next job") { store in
            var earliest: Int64?
            for registry in try store.registriesByTurn() where !excludingRegistries.contains(registry) {
                try store.eachPriority(of: registry) { priority in
                    let due = try store.database.row(
                        """
                        SELECT due_at FROM job
                         WHERE registry = ?1 AND priority = ?2 AND due_at IS NOT NULL AND NOT EXISTS
                               (SELECT 1 FROM job AS other
                                 WHERE other.destination = job.destination AND other.state = 'running')
                           AND NOT EXISTS
                               (SELECT 1 FROM job AS other INDEXED BY job_next
                                 WHERE other.destination = job.destination AND other.id < job.id
                                   AND other.state IN ('queued', 'waiting', 'blocked') AND other.due_at IS NOT NULL)
                         ORDER BY due_at, id LIMIT 1
                        """, registry, priority
                    ) { $0.int64(0) }
                    if let due { earliest = min(earliest ?? due, due) }
                    return false
                }
            }
            return earliest
        }
    }

    /// How many jobs are queued or waiting for each registry that has any.
    public nonisolated func waitingJobs() async throws(QueueError) -> [String: Int] {
        try await read("count what waits for registries") { store in
            let counts = try store.database.rows("SELECT name, ready FROM registry WHERE ready > 0") { row in
                (row.text(0), row.int(1))
            }
            return Dictionary(uniqueKeysWithValues: counts)
        }
    }

    private func claim(excluding excluded: Set<String>, busy: [String: Int], now: Int64) throws -> Claim? {
        let byTurn = try registriesByTurn().enumerated().filter { !excluded.contains($0.element) }
            .sorted { (busy[$0.element] ?? 0, $0.offset) < (busy[$1.element] ?? 0, $1.offset) }
        for (_, registry) in byTurn {
            guard let id = try dueJob(of: registry, now: now) else { continue }
            lastTurn = max(now, lastTurn + 1)
            try database.run("UPDATE registry SET claimed = ?2 WHERE name = ?1", registry, lastTurn)
            return try take(id, now: now)
        }
        return nil
    }

    private func registriesByTurn() throws -> [String] {
        try database.rows("SELECT name FROM registry WHERE ready > 0 ORDER BY claimed, name") { $0.text(0) }
    }

    private func dueJob(of registry: String, now: Int64) throws -> JobID? {
        var found: JobID?
        try eachPriority(of: registry) { priority in
            found = try database.row(
                """
                SELECT id FROM job
                 WHERE registry = ?1 AND priority = ?2 AND due_at <= ?3 AND NOT EXISTS
                       (SELECT 1 FROM job AS other
                         WHERE other.destination = job.destination AND other.state = 'running')
                   AND NOT EXISTS
                       (SELECT 1 FROM job AS other INDEXED BY job_next
                         WHERE other.destination = job.destination AND other.id < job.id
                           AND other.state IN ('queued', 'waiting', 'blocked') AND other.due_at IS NOT NULL)
                 ORDER BY due_at, id LIMIT 1
                """, registry, priority, now
            ) { $0.int64(0) }
            return found != nil
        }
        return found
    }

    /// The priorities of a registry's queued and waiting jobs, highest first, until `body` returns true.
    ///
    /// One look into the index for each: jobs that are not due yet are never walked over.
    private func eachPriority(of registry: String, _ body: (Int64) throws -> Bool) throws {
        var below = Int64.max
        while let priority = try database.row(
            """
            SELECT priority FROM job WHERE registry = ?1 AND due_at IS NOT NULL AND priority < ?2
             ORDER BY priority DESC LIMIT 1
            """, registry, below, read: { $0.int64(0) })
        {
            if try body(priority) { return }
            below = priority
        }
    }

    private func take(_ id: JobID, now: Int64) throws -> Claim? {
        guard let old = try state(of: id) else { return nil }
        try move(id, from: old, on: .claim, now: now)
        try database.run(
            "UPDATE job SET claims = claims + 1, attempts = attempts + 1, started_at = ?2 WHERE id = ?1", id, now)
        guard let job = try storedJob(id) else { return nil }
        try database.run("INSERT INTO attempt (job, number, started_at) VALUES (?, ?, ?)", id, job.attempts, now)
        try database.run(
            "DELETE FROM attempt WHERE job = ? AND number <= ?", id, job.attempts - JobStore.attemptsKept)
        let claims = try database.row("SELECT claims FROM job WHERE id = ?", id) { $0.int(0) } ?? 0
        return Claim(job: job, attempt: claims)
    }
}
