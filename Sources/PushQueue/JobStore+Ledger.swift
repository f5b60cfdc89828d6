public import OCI
internal import System

/// Who brought a blob into a repository: a member's job mounts it from there only where it was the same member, or a rule.
public enum BlobBringer: Sendable, Hashable {
    case rule
    case operators
    case member(uid: UInt32)

    /// As the table has it.
    fileprivate var column: Int64? {
        switch self {
        case .rule: -1
        case .operators: nil
        case .member(let uid): Int64(uid)
        }
    }
}

extension Job {
    /// For whom its blobs count.
    public var bringer: BlobBringer {
        if let actsAs { return .member(uid: actsAs.uid) }
        return origin == .rule ? .rule : .operators
    }
}

/// The ledger: which blobs registries were seen to have, and in which repository.
///
/// It saves requests and never decides that something is there for good: it is trusted for a time, and corrected.
extension JobStore {
    /// An entry is written again only when its time is this much behind, in milliseconds: confirming is no news.
    static let confirmationStep: Int64 = 60_000

    /// The registry was seen to have the blob in this repository.
    public nonisolated func remember(
        _ digest: Digest, registry: String, repository: String, by bringer: BlobBringer = .operators, now: Int64
    ) async throws(QueueError) {
        try await remember([digest], registry: registry, repository: repository, by: bringer, now: now)
    }

    public nonisolated func remember(
        _ digests: [Digest], registry: String, repository: String, by bringer: BlobBringer = .operators, now: Int64
    ) async throws(QueueError) {
        guard !digests.isEmpty else { return }
        try await write("remember what a registry has") { store in
            let place = try store.repository(registry, repository)
            for digest in digests {
                try store.database.run(
                    """
                    INSERT INTO holding (repository, digest, confirmed_at, brought_by) VALUES (?1, ?2, ?3, ?5)
                    ON CONFLICT (repository, digest) DO UPDATE
                    SET confirmed_at = max(confirmed_at, ?3), brought_by = iif(?5 = -1, -1, brought_by)
                    WHERE confirmed_at <= ?3 - ?4 OR (?5 = -1 AND brought_by IS NOT -1)
                    """, place, digest.description, now, Self.confirmationStep, bringer.column)
            }
        }
    }

    /// The registry contradicted the ledger. `digest` nil: everything in the repository is forgotten.
    public nonisolated func forget(
        _ digest: Digest?, registry: String, repository: String
    ) async throws(QueueError) {
        try await write("forget what a registry has") { store in
            if let digest {
                try store.database.run(
                    """
                    DELETE FROM holding WHERE digest = ?3
                       AND repository = (SELECT id FROM repository WHERE registry = ?1 AND name = ?2)
                    """, registry, repository, digest.description)
            } else {
                try store.database.run("DELETE FROM repository WHERE registry = ? AND name = ?", registry, repository)
            }
        }
    }

    /// Whether the blob was confirmed in this repository at `since` or later.
    public nonisolated func knows(
        _ digest: Digest, registry: String, repository: String, since: Int64
    ) async throws(QueueError) -> Bool {
        try await !known(among: [digest], registry: registry, repository: repository, since: since).isEmpty
    }

    /// The same for many blobs.
    public nonisolated func known(
        among digests: [Digest], registry: String, repository: String, since: Int64
    ) async throws(QueueError) -> Set<Digest> {
        try await read("look up what a registry has") { store in
            let known = try digests.filter { digest in
                try store.database.row(
                    """
                    SELECT 1 FROM repository JOIN holding ON holding.repository = repository.id
                     WHERE registry = ?1 AND name = ?2 AND digest = ?3 AND confirmed_at >= ?4
                    """, registry, repository, digest.description, since
                ) { _ in true } == true
            }
            return Set(known)
        }
    }

    /// The repositories of a registry that were seen to have the blob at `since` or later, latest first: what it can
    /// be mounted from for `bringer`.
    public nonisolated func repositories(
        holding digest: Digest, registry: String, for bringer: BlobBringer = .operators, since: Int64, limit: Int
    ) async throws(QueueError) -> [String] {
        var member: Int64?
        if case .member(let uid) = bringer { member = Int64(uid) }
        return try await read("look up where a registry has a blob") { [member] store in
            try store.database.rows(
                """
                SELECT name FROM holding CROSS JOIN repository ON repository.id = holding.repository
                 WHERE digest = ?1 AND confirmed_at >= ?3 AND registry = ?2
                   AND (?5 IS NULL OR brought_by IN (-1, ?5))
                 ORDER BY confirmed_at DESC LIMIT ?4
                """, digest.description, registry, since, limit, member
            ) { $0.text(0) }
        }
    }

    /// Deletes what was confirmed too long ago, and the oldest of what is too much; mount refusals age likewise.
    ///
    /// Called again until it returns less than `batch`.
    ///
    /// - Parameters:
    ///   - olderThan: milliseconds.
    ///   - keep: how many entries may stay.
    ///   - batch: the most that are deleted by this call.
    /// - Returns: how many entries were deleted.
    public nonisolated func pruneLedger(
        now: Int64, olderThan: Int64, keep: Int, batch: Int
    ) async throws(QueueError) -> Int {
        try await write("prune what is known of registries") { store in
            let held = try store.database.row("SELECT n FROM tally WHERE name = 'holding'") { $0.int(0) } ?? 0
            let tooMany = min(batch, max(0, held - max(0, keep)))
            var places = try store.deleteOldestHoldings(tooMany, confirmedBefore: .max)
            places += try store.deleteOldestHoldings(batch - tooMany, confirmedBefore: now - olderThan)
            for place in Set(places) {
                try store.database.run(
                    "DELETE FROM repository WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM holding WHERE repository = ?1)",
                    place)
            }
            try store.database.run(
                """
                DELETE FROM mount_refusal WHERE (registry, source) IN
                    (SELECT registry, source FROM mount_refusal WHERE refused_at < ?1 ORDER BY refused_at LIMIT ?2)
                """, now - olderThan, batch)
            return places.count
        }
    }

    /// The registry would not mount blobs from this repository.
    public nonisolated func rememberMountRefused(
        registry: String, source: String, now: Int64
    ) async throws(QueueError) {
        try await write("remember a refused mount") { store in
            try store.database.run(
                """
                INSERT INTO mount_refusal VALUES (?1, ?2, ?3)
                ON CONFLICT (registry, source) DO UPDATE SET refused_at = max(refused_at, ?3)
                """, registry, source, now)
        }
    }

    public nonisolated func mountRefused(
        registry: String, source: String, since: Int64
    ) async throws(QueueError) -> Bool {
        try await read("look up a refused mount") { store in
            try store.database.row(
                "SELECT 1 FROM mount_refusal WHERE registry = ? AND source = ? AND refused_at >= ?",
                registry, source, since
            ) { _ in true } == true
        }
    }

    private func deleteOldestHoldings(_ count: Int, confirmedBefore: Int64) throws -> [Int64] {
        guard count > 0 else { return [] }
        return try database.rows(
            """
            DELETE FROM holding WHERE (repository, digest) IN
                (SELECT repository, digest FROM holding WHERE confirmed_at < ?1 ORDER BY confirmed_at LIMIT ?2)
            RETURNING repository
            """, confirmedBefore, count
        ) { $0.int64(0) }
    }

    private func repository(_ registry: String, _ name: String) throws -> Int64 {
        let known = try database.row(
            "SELECT id FROM repository WHERE registry = ? AND name = ?", registry, name
        ) { $0.int64(0) }
        if let known { return known }
        try database.run("INSERT INTO repository (registry, name) VALUES (?, ?)", registry, name)
        return database.lastInsertedID
    }
}
