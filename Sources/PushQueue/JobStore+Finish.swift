/// What the worker that has a job says about it. Each is refused with ``QueueError/Cause/staleClaim(job:attempt:)``
/// once the job was cancelled, has expired, or was recovered.
extension JobStore {
    /// - Parameters:
    ///   - verified: what was verified, in the caller's words.
    ///   - reports: what became of blobs that nothing was recorded of yet.
    public nonisolated func succeed(
        _ claim: Claim, verified: String?, reports: [BlobReport] = [], now: Int64
    ) async throws(QueueError) {
        try await write("record a push as done") { store in
            try store.hold(claim)
            for report in reports { try store.record(report, claim) }
            try store.endAttempt(of: claim.job.id, error: nil, now: now)
            try store.setError(nil, of: claim.job.id)
            try store.database.run(
                "UPDATE job SET verified = ?2, failures = 0 WHERE id = ?1", claim.job.id, verified)
            try store.move(claim.job.id, from: .running, on: .succeed, now: now)
        }
    }

    public nonisolated func fail(_ claim: Claim, error: JobError, now: Int64) async throws(QueueError) {
        try await write("record a push as failed") { store in
            try store.hold(claim)
            try store.close(claim, error, failures: claim.job.failures + 1, now: now)
            try store.move(claim.job.id, from: .running, on: .fail, now: now)
        }
    }

    /// Ends an attempt, not the job; a newer pending job for the same destination supersedes it now.
    ///
    /// - Parameters:
    ///   - at: when the job is due again.
    ///   - error: nil gives the attempt back: it does not count, its record is dropped, and the job is queued.
    ///   - madeProgress: whether the push is nearer to its end; then the count of failures in a row starts again at 0.
    ///   - tried: the job's new ``Job/tried``, in milliseconds; nil: unchanged.
    public nonisolated func retryLater(
        _ claim: Claim, at: Int64, error: JobError?, madeProgress: Bool, tried: Int64? = nil, now: Int64
    ) async throws(QueueError) {
        try await write("put a push off") { store in
            try store.hold(claim)
            if let tried { try store.database.run("UPDATE job SET tried = ?2 WHERE id = ?1", claim.job.id, tried) }
            let failures = madeProgress ? 0 : claim.job.failures + (error == nil ? 0 : 1)
            if let error {
                try store.close(claim, error, failures: failures, now: now)
                try store.leaveRunning(claim.job.id, on: .postpone, due: at, now: now)
            } else {
                try store.database.run(
                    "DELETE FROM attempt WHERE job = ? AND number = ?", claim.job.id, claim.job.attempts)
                try store.database.run(
                    "UPDATE job SET attempts = attempts - 1, failures = ?2 WHERE id = ?1", claim.job.id, failures)
                try store.leaveRunning(claim.job.id, on: .giveBack, due: at, now: now)
            }
        }
    }

    /// Puts the job aside until a person has acted; a newer pending job for the same destination supersedes it now.
    ///
    /// - Parameter tried: as for ``retryLater(_:at:error:madeProgress:tried:now:)``.
    public nonisolated func block(
        _ claim: Claim, error: JobError, tried: Int64? = nil, now: Int64
    ) async throws(QueueError) {
        try await write("record a push as blocked") { store in
            try store.hold(claim)
            if let tried { try store.database.run("UPDATE job SET tried = ?2 WHERE id = ?1", claim.job.id, tried) }
            try store.close(claim, error, failures: claim.job.failures + 1, now: now)
            try store.leaveRunning(claim.job.id, on: .block, now: now)
        }
    }

    private func close(_ claim: Claim, _ error: JobError, failures: Int, now: Int64) throws {
        try endAttempt(of: claim.job.id, error: error, now: now)
        try setError(error, of: claim.job.id)
        try database.run("UPDATE job SET failures = ?2 WHERE id = ?1", claim.job.id, failures)
    }
}
