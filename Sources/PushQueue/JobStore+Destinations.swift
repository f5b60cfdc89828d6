public import OCI

/// A push that has put an image where it was to go.
public struct Publication: Sendable, Hashable {
    public let destination: String
    public let job: JobID
    /// When it had succeeded, milliseconds since 1970.
    public let at: Int64
}

/// What is known of one destination, or of one image's destinations.
extension JobStore {
    /// The jobs for a destination that have not ended: at most one that runs, and of each party one that comes after it.
    public nonisolated func pendingJobs(for destination: ImageReference) async throws(QueueError) -> [Job] {
        try await read("look for the jobs of a destination") { store in
            let ids = try store.database.rows(
                """
                SELECT id FROM job WHERE destination = ?1 AND state = 'running'
                UNION ALL
                SELECT id FROM job WHERE destination = ?1 AND state IN ('queued', 'waiting', 'blocked')
                """, destination.description
            ) { $0.int64(0) }
            return try ids.compactMap { try store.storedJob($0) }
        }
    }

    /// The image that the latest push that succeeded has put at a destination; nil where none is in the history.
    public nonisolated func lastPublished(to destination: ImageReference) async throws(QueueError) -> Digest? {
        try await read("look for the last push to a destination") { store in
            try store.database.row(
                """
                SELECT image.root FROM job JOIN image ON image.id = job.image
                 WHERE destination = ? AND state = 'succeeded' ORDER BY job.id DESC LIMIT 1
                """, destination.description
            ) { row throws(SQLiteError) in try row.digest(0) }
        }
    }

    /// Where an image was published to, also in another format or in part; newest first, as far back as the history
    /// reaches, at most 100.
    ///
    /// - Parameter user: who asked for the pushes; nil: anyone.
    public nonisolated func publications(
        of root: Digest, askedBy user: UInt32? = nil
    ) async throws(QueueError) -> [Publication] {
        try await read("look for an image's publications") { store in
            try store.database.rows(
                """
                SELECT destination, job.id, ended_at FROM image JOIN job ON job.image = image.id
                 WHERE image.root = ?1 AND state = 'succeeded' AND (?2 IS NULL OR asked_uid = ?2)
                UNION
                SELECT destination, id, ended_at FROM job
                 WHERE named_root = ?1 AND state = 'succeeded' AND (?2 IS NULL OR asked_uid = ?2)
                 ORDER BY 2 DESC LIMIT 100
                """, root.description, user.map { Int64($0) }
            ) { Publication(destination: $0.text(0), job: $0.int64(1), at: $0.int64(2)) }
        }
    }

    /// The interrupted uploads of a blob to any repository of a registry.
    ///
    /// - Parameter since: milliseconds since 1970; registries forget older ones.
    public nonisolated func uploads(
        registry: String, digest: Digest, since: Int64
    ) async throws(QueueError) -> [StoredUpload] {
        try await read("look for a blob's uploads") { store in
            try store.database.rows(
                """
                SELECT registry, repository, digest, location, held, style, updated_at FROM upload
                 WHERE registry = ? AND digest = ? AND updated_at >= ?
                """, registry, digest.description, since, read: StoredUpload.init)
        }
    }
}
