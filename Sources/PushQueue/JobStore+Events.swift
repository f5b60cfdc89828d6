/// The outbox: numbered events, in the order of their commits.
extension JobStore {
    /// Stores an event; on disk when this returns.
    public nonisolated func record(_ event: NewEvent, now: Int64) async throws(QueueError) {
        try await write(Self.recording) { store in try store.insert(event, now: now) }
    }

    /// Stores an event without waiting for the disk, in the order of the calls.
    ///
    /// - Parameter failed: called with the error if the event can't be stored.
    public nonisolated func note(_ event: NewEvent, now: Int64, failed: @escaping @Sendable (QueueError) -> Void) {
        let write = PendingWrite(
            perform: { store in
                try store.insert(event, now: now)
                return {}
            },
            fail: { [path] in failed(QueueError($0, attempt: Self.recording, path: path)) })
        enqueue(write)
    }

    private static let recording = "record an event"

    /// Events with higher numbers than `id`, oldest first.
    public nonisolated func events(after id: Int64, limit: Int) async throws(QueueError) -> [QueueEvent] {
        try await read("read events") { store in
            try store.database.rows(
                """
                SELECT id, at, kind, job, state, image, destination, registry, code, message, asked_uid, asked_pid,
                       asked_name
                  FROM event WHERE id > ? ORDER BY id LIMIT ?
                """, id, limit, read: QueueEvent.init)
        }
    }

    /// The number of the oldest stored event, and the highest number that was ever assigned.
    ///
    /// - Returns: `first` is `latest` + 1 where no event is stored.
    public nonisolated func eventNumbers() async throws(QueueError) -> (first: Int64, latest: Int64) {
        try await read("read the numbers of events") { store in try store.eventNumbers() }
    }

    /// The number of the latest event before a time; nil where every stored event is later.
    ///
    /// Searches backwards from the newest event: the cost grows with the number of events after `time`.
    public nonisolated func lastEvent(before time: Int64) async throws(QueueError) -> Int64? {
        var (first, high) = try await eventNumbers()
        // In ranges of 10,000 numbers, so that other queries get their turn in between.
        while high >= first {
            let low = max(first, high - 9_999)
            let range = (low, high)
            let found = try await read("look for events") { store in
                try store.database.row(
                    "SELECT id FROM event WHERE id >= ?1 AND id <= ?2 AND at < ?3 ORDER BY id DESC LIMIT 1",
                    range.0, range.1, time
                ) { $0.int64(0) }
            }
            if let found { return found }
            high = low - 1
        }
        return nil
    }

    /// The registries whose latest event of this kind says that they are in trouble, as far as events are kept.
    public nonisolated func registriesInTrouble() async throws(QueueError) -> [String] {
        try await read("look for registries in trouble") { store in
            let latest = try store.database.rows(
                """
                SELECT registry, kind, max(id) FROM event
                 WHERE kind IN ('registry-trouble', 'registry-recovered') GROUP BY registry
                """
            ) { row in (registry: row.optionalText(0), kind: row.text(1)) }
            return latest.filter { $0.kind == EventKind.registryTrouble.rawValue }.compactMap(\.registry)
        }
    }

    /// An element after each commit that stored events; ends with the store, or when ``endEvents()`` is called.
    public nonisolated func eventBell() -> AsyncStream<Void> { bell.listen() }

    /// Ends every ``eventBell()``, since the daemon stops.
    public nonisolated func endEvents() { bell.finish() }

    /// Deletes the oldest events: those beyond the age, up to the first that is younger, and those beyond the number to
    /// keep.
    ///
    /// Called again until it returns less than `batch`.
    ///
    /// - Parameters:
    ///   - olderThan: milliseconds.
    ///   - keep: how many may stay.
    ///   - batch: the most that this call deletes, in one transaction that other writes wait for.
    /// - Returns: how many were deleted.
    public nonisolated func pruneEvents(
        now: Int64, olderThan: Int64, keep: Int, batch: Int
    ) async throws(QueueError) -> Int {
        try await write("prune the events") { store in
            let (first, latest) = try store.eventNumbers()
            let end = min(first + Int64(batch), latest + 1)
            guard first < end else { return 0 }
            let young = try store.database.row(
                "SELECT id FROM event WHERE id < ?1 AND at >= ?2 ORDER BY id LIMIT 1", end, now - olderThan
            ) { $0.int64(0) }
            let limit = max(young ?? end, min(end, latest + 1 - Int64(max(0, keep))))
            return try store.database.run("DELETE FROM event WHERE id < ?", limit)
        }
    }

    private func eventNumbers() throws -> (first: Int64, latest: Int64) {
        let latest = try database.row("SELECT seq FROM sqlite_sequence WHERE name = 'event'") { $0.int64(0) } ?? 0
        let first = try database.row("SELECT id FROM event WHERE id > 0 ORDER BY id LIMIT 1") { $0.int64(0) }
        return (first ?? latest + 1, latest)
    }

    private func insert(_ event: NewEvent, now: Int64) throws {
        try database.run(
            """
            INSERT INTO event (at, kind, image, registry, code, message, asked_uid, asked_pid, asked_name)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            now, event.kind.rawValue, event.image, event.registry, event.code, event.message,
            event.askedBy.map { Int64($0.uid) }, event.askedBy.map { Int64($0.pid) }, event.askedBy?.name)
        hasEvents = true
    }

    /// Stores the event of a job's new state. Only `waiting`, `blocked` and `failed` carry the error's text.
    func insertEvent(of job: JobID, _ state: JobState, now: Int64) throws {
        let isError = state == .waiting || state == .blocked || state == .failed
        try database.run(
            """
            INSERT INTO event (at, kind, job, state, image, destination, code, message, asked_uid, asked_pid, asked_name)
            SELECT ?3, 'job', id, ?2, name, destination, iif(?4, error_code, NULL),
                   iif(?4, substr(error_message, 1, ?5), NULL), asked_uid, asked_pid, asked_name
              FROM job WHERE id = ?1
            """, job, state.rawValue, now, isError, QueueEvent.messageLimit)
        hasEvents = true
    }
}

extension QueueEvent {
    fileprivate init(_ row: Row) throws(SQLiteError) {
        id = row.int64(0)
        at = row.int64(1)
        kind = try row.word(2)
        job = row.optionalInt64(3)
        state = row.optionalText(4) == nil ? nil : try row.word(4)
        image = row.optionalText(5)
        destination = row.optionalText(6)
        registry = row.optionalText(7)
        code = row.optionalText(8)
        message = row.optionalText(9)
        askedBy = row.optionalInt64(10).map {
            Asker(
                uid: UInt32(truncatingIfNeeded: $0), pid: Int32(truncatingIfNeeded: row.int64(11)),
                name: row.optionalText(12))
        }
    }
}
