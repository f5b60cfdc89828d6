public import OCI

/// Uploads that registries hold open, what was learned about registries, and what the publishing rules have done.
extension JobStore {
    /// Stores the session, in place of the one that was stored for the same blob.
    public nonisolated func saveUpload(_ upload: StoredUpload) async throws(QueueError) {
        try await write("store an upload's session") { store in
            try store.database.run(
                "INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, ?, ?, ?)",
                upload.registry, upload.repository, upload.digest.description, upload.location, upload.offset,
                upload.style, upload.updatedAt)
        }
    }

    public nonisolated func upload(
        registry: String, repository: String, digest: Digest
    ) async throws(QueueError) -> StoredUpload? {
        try await read("look up an upload's session") { store in
            try store.database.row(
                """
                SELECT registry, repository, digest, location, held, style, updated_at FROM upload
                 WHERE registry = ? AND repository = ? AND digest = ?
                """, registry, repository, digest.description, read: StoredUpload.init)
        }
    }

    public nonisolated func removeUpload(
        registry: String, repository: String, digest: Digest
    ) async throws(QueueError) {
        try await write("remove an upload's session") { store in
            try store.database.run(
                "DELETE FROM upload WHERE registry = ? AND repository = ? AND digest = ?",
                registry, repository, digest.description)
        }
    }

    /// Sessions that nothing happened to since `olderThan`, a time; oldest first.
    public nonisolated func staleUploads(
        olderThan: Int64, limit: Int = 100
    ) async throws(QueueError) -> [StoredUpload] {
        try await read("look for old uploads") { store in
            try store.database.rows(
                """
                SELECT registry, repository, digest, location, held, style, updated_at FROM upload
                 WHERE updated_at < ? ORDER BY updated_at LIMIT ?
                """, olderThan, limit, read: StoredUpload.init)
        }
    }

    public nonisolated func fact(registry: String, name: String) async throws(QueueError) -> LearnedFact? {
        try await read("look up what was learned about a registry") { store in
            try store.database.row(
                "SELECT name, value, seen_at FROM registry_fact WHERE registry = ? AND name = ?", registry, name,
                read: LearnedFact.init)
        }
    }

    public nonisolated func setFact(
        registry: String, name: String, value: String, now: Int64
    ) async throws(QueueError) {
        try await write("remember what was learned about a registry") { store in
            try store.database.run(
                "INSERT OR REPLACE INTO registry_fact VALUES (?, ?, ?, ?)", registry, name, value, now)
        }
    }

    public nonisolated func removeFact(registry: String, name: String) async throws(QueueError) {
        try await write("forget what was learned about a registry") { store in
            try store.database.run("DELETE FROM registry_fact WHERE registry = ? AND name = ?", registry, name)
        }
    }

    /// All facts about a registry, by name.
    public nonisolated func facts(registry: String) async throws(QueueError) -> [LearnedFact] {
        try await read("look up what was learned about a registry") { store in
            try store.database.rows(
                "SELECT name, value, seen_at FROM registry_fact WHERE registry = ? ORDER BY name", registry,
                read: LearnedFact.init)
        }
    }

    /// Deletes the facts, mount refusals and known blobs of a registry.
    public nonisolated func forgetRegistry(_ registry: String) async throws(QueueError) {
        let what = "forget what was learned about a registry"
        try await write(what) { store in
            try store.database.run("DELETE FROM registry_fact WHERE registry = ?", registry)
            try store.database.run("DELETE FROM mount_refusal WHERE registry = ?", registry)
        }
        // 2,000 rows a transaction, so that other writes get their turn in between.
        while try await write(
            what,
            { store in
                try store.database.run(
                    """
                    DELETE FROM holding WHERE (repository, digest) IN
                        (SELECT repository, digest FROM holding JOIN repository ON repository.id = holding.repository
                          WHERE registry = ? LIMIT 2000)
                    """, registry)
            }) > 0
        {}
    }

    /// The repositories that the registry would mount nothing from, by name.
    public nonisolated func mountRefusals(
        registry: String, since: Int64, limit: Int = 100
    ) async throws(QueueError) -> [LearnedFact] {
        try await read("look up refused mounts") { store in
            try store.database.rows(
                """
                SELECT source, '', refused_at FROM mount_refusal WHERE registry = ? AND refused_at >= ?
                 ORDER BY source LIMIT ?
                """, registry, since, limit, read: LearnedFact.init)
        }
    }

    /// The registries that jobs were for or that something is known about, by name.
    public nonisolated func registries() async throws(QueueError) -> [String] {
        try await read("list the registries") { store in
            try store.database.rows(
                // Facts are kept of stores too, which are named by their paths.
                """
                SELECT name FROM registry UNION SELECT registry FROM registry_fact WHERE instr(registry, '/') = 0
                 ORDER BY 1 LIMIT 1000
                """
            ) { row in row.text(0) }
        }
    }

    /// The repository of the last job for the registry that succeeded; of any job where none has.
    public nonisolated func lastRepository(at registry: String) async throws(QueueError) -> String? {
        try await read("look for a repository") { store in
            let destination = try store.database.row(
                """
                SELECT destination FROM
                    (SELECT destination, state, id FROM job WHERE registry = ? ORDER BY id DESC LIMIT 100)
                 ORDER BY state = 'succeeded' DESC, id DESC LIMIT 1
                """, registry
            ) { row in row.text(0) }
            return destination.flatMap { try? ImageReference(parsing: $0).path }
        }
    }

    /// The digest that the rules have dealt with under this name, if any.
    public nonisolated func handled(store name: String, name image: String) async throws(QueueError) -> Digest? {
        try await read("look up what was published") { store in
            try store.database.row(
                "SELECT digest FROM handled WHERE store = ? AND name = ?", name, image
            ) { row throws(SQLiteError) in try row.digest(0) }
        }
    }

    /// All names of a store that the rules have dealt with.
    public nonisolated func handled(store name: String) async throws(QueueError) -> [String: Digest] {
        try await read("look up what was published") { store in
            let pairs = try store.database.rows(
                "SELECT name, digest FROM handled WHERE store = ?", name
            ) { row throws(SQLiteError) in (row.text(0), try row.digest(1)) }
            return Dictionary(pairs) { first, _ in first }
        }
    }

    public nonisolated func setHandled(_ handled: Handled, now: Int64) async throws(QueueError) {
        try await write("remember what was published") { store in try store.mark(handled, now: now) }
    }

    /// The name is gone from the store: the same digest under it would be published again.
    public nonisolated func forgetHandled(store name: String, name image: String) async throws(QueueError) {
        try await write("forget what was published") { store in
            try store.database.run("DELETE FROM handled WHERE store = ? AND name = ?", name, image)
        }
    }

    func mark(_ handled: Handled, now: Int64) throws {
        try database.run(
            "INSERT OR REPLACE INTO handled VALUES (?, ?, ?, ?)",
            handled.store, handled.name, handled.digest.description, now)
    }
}

extension StoredUpload {
    init(_ row: Row) throws(SQLiteError) {
        self.init(
            registry: row.text(0), repository: row.text(1), digest: try row.digest(2), location: row.text(3),
            offset: row.int64(4), style: row.text(5), updatedAt: row.int64(6))
    }
}

extension LearnedFact {
    fileprivate init(_ row: Row) throws(SQLiteError) {
        self.init(name: row.text(0), value: row.text(1), at: row.int64(2))
    }
}
