public import OCI

/// What a worker reports of one blob.
public struct BlobReport: Sendable, Hashable {
    public let digest: Digest
    public let outcome: BlobOutcome
    /// Such as `from team/base` or `job 12`.
    public let detail: String?
    /// Bytes of the blob that this attempt has put on the wire so far.
    public let bytesSent: Int64

    public init(digest: Digest, outcome: BlobOutcome, detail: String? = nil, bytesSent: Int64 = 0) {
        self.digest = digest
        self.outcome = outcome
        self.detail = detail
        self.bytesSent = bytesSent
    }
}

extension JobStore {
    /// Records what became of a blob, and keeps the sums of the job and of its attempt.
    ///
    /// - Parameter bytesSent: bytes of it that this attempt has put on the wire so far.
    /// - Throws: ``QueueError/Cause/invalidJob(reason:)`` if the job has no such blob.
    public nonisolated func setOutcome(
        _ claim: Claim, digest: Digest, outcome: BlobOutcome, detail: String?, bytesSent: Int64
    ) async throws(QueueError) {
        try await setOutcomes(
            claim, [BlobReport(digest: digest, outcome: outcome, detail: detail, bytesSent: bytesSent)])
    }

    /// The same for several blobs, all or none.
    public nonisolated func setOutcomes(_ claim: Claim, _ reports: [BlobReport]) async throws(QueueError) {
        try await write("record what became of a blob") { store in
            try store.hold(claim)
            for report in reports { try store.record(report, claim) }
        }
    }

    func record(_ report: BlobReport, _ claim: Claim) throws {
        let id = claim.job.id
        let found = try database.row(
            """
            SELECT image_blob.place, size, is_sent, outcome, claim, bytes_sent, sent_before
              FROM job JOIN image_blob USING (image)
              LEFT JOIN job_blob_outcome AS earlier ON earlier.job = job.id AND earlier.place = image_blob.place
             WHERE job.id = ?1 AND image_blob.digest = ?2
            """, id, report.digest.description, read: StoredOutcome.init)
        guard let old = found else {
            throw QueueError.Cause.invalidJob(reason: "job \(id) has no blob \(report.digest)")
        }
        let isSameAttempt = old.claim == claim.attempt
        let sentBefore = isSameAttempt ? old.sentBefore : old.sentBefore + old.sent
        let sentNow = max(0, report.bytesSent)
        // What this job brought itself is found by its next attempt as "existing": the first word is the truth.
        let keeps = report.outcome == .existing && (old.outcome == .uploaded || old.outcome == .mounted)
        try database.run(
            """
            INSERT INTO job_blob_outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (job, place) DO UPDATE
               SET outcome = iif(?8, outcome, excluded.outcome), detail = iif(?8, detail, excluded.detail),
                   claim = excluded.claim, bytes_sent = excluded.bytes_sent, sent_before = excluded.sent_before
            """,
            id, old.place, report.outcome.rawValue, report.detail, claim.attempt, sentNow, sentBefore, keeps)
        try database.run(
            "UPDATE attempt SET bytes_sent = bytes_sent + ?3 WHERE job = ?1 AND number = ?2",
            id, claim.job.attempts, sentNow - (isSameAttempt ? old.sent : 0))
        guard !keeps, old.outcome != report.outcome, old.isSent else { return }
        try add(-old.size, to: old.outcome, of: id)
        try add(old.size, to: report.outcome, of: id)
    }

    private func add(_ size: Int64, to outcome: BlobOutcome, of id: JobID) throws {
        switch outcome {
        case .pending, .skipped: return
        case .uploaded: try database.run("UPDATE job SET bytes_uploaded = bytes_uploaded + ?2 WHERE id = ?1", id, size)
        case .mounted: try database.run("UPDATE job SET bytes_mounted = bytes_mounted + ?2 WHERE id = ?1", id, size)
        case .existing, .shared:
            try database.run("UPDATE job SET bytes_existing = bytes_existing + ?2 WHERE id = ?1", id, size)
        }
    }
}

/// A blob of a job with what was reported of it before, if anything.
private struct StoredOutcome {
    let place: Int64
    let size: Int64
    let isSent: Bool
    let outcome: BlobOutcome
    let claim: Int
    let sent: Int64
    let sentBefore: Int64

    init(_ row: Row) throws(SQLiteError) {
        place = row.int64(0)
        size = row.int64(1)
        isSent = row.bool(2)
        outcome = row.optionalText(3) == nil ? .pending : try row.word(3)
        claim = row.int(4)
        sent = row.int64(5)
        sentBefore = row.int64(6)
    }
}
