public import OCI

extension JobStore {
    /// Deletes history: ended jobs that are too old, and the oldest of those that are too many.
    ///
    /// What is known of the registries stays. Called again until it returns less than `batch`.
    ///
    /// - Parameters:
    ///   - olderThan: milliseconds since a job ended.
    ///   - keep: how many ended jobs may stay.
    ///   - batch: the most that are deleted by this call, which others have to wait for.
    /// - Returns: how many were deleted.
    public nonisolated func prune(
        now: Int64, olderThan: Int64, keep: Int, batch: Int
    ) async throws(QueueError) -> Int {
        try await write("prune the history") { store in
            let ended = try store.database.row(
                "SELECT sum(n) FROM tally WHERE name IN ('succeeded', 'failed', 'canceled', 'superseded')"
            ) { $0.int(0) }
            let tooMany = min(batch, max(0, (ended ?? 0) - max(0, keep)))
            var images = try store.deleteOldest(tooMany, endedBefore: .max)
            images += try store.deleteOldest(batch - tooMany, endedBefore: now - olderThan)
            for image in Set(images) {
                try store.database.run(
                    "DELETE FROM image WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM job WHERE image = ?1)", image)
            }
            try store.database.run("DELETE FROM registry WHERE ready = 0 AND claimed < ?", now - olderThan)
            return images.count
        }
    }

    /// - Returns: the images of the deleted jobs.
    private func deleteOldest(_ count: Int, endedBefore: Int64) throws -> [Int64] {
        guard count > 0 else { return [] }
        return try database.rows(
            """
            DELETE FROM job WHERE id IN
                (SELECT id FROM job WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at, id LIMIT ?2)
            RETURNING image
            """, endedBefore, count
        ) { $0.int64(0) }
    }

    /// Which of these digests pending jobs still need.
    public nonisolated func neededDigests(among digests: [Digest]) async throws(QueueError) -> Set<Digest> {
        try await read("look up which blobs are needed") { store in
            let needed = try digests.filter { digest in
                try store.database.row(
                    "SELECT 1 FROM image_blob WHERE digest = ? AND wanted = 1 LIMIT 1", digest.description
                ) { _ in true } == true
            }
            return Set(needed)
        }
    }

    /// All digests that pending jobs need: what a spool may not free.
    public nonisolated func allNeededDigests() async throws(QueueError) -> Set<Digest> {
        try await read("look up which blobs are needed") { store in
            let digests = try store.database.rows(
                "SELECT DISTINCT digest FROM image_blob WHERE wanted = 1"
            ) { row throws(SQLiteError) in try row.digest(0) }
            return Set(digests)
        }
    }
}
