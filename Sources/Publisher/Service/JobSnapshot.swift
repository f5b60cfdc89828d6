internal import OCI
public import PushQueue

/// A job as it stands this moment, its running transfers included.
public struct JobSnapshot: Sendable {
    public struct Blob: Sendable {
        public let blob: JobBlob
        public let outcome: BlobOutcome
        /// Where it was mounted from, which job sends it.
        public let detail: String?
        /// Bytes that the registry has or is getting, 0...size; the most that it was so far.
        public let bytesDone: Int64
        /// How many of these bytes the registry has lost, while they are sent again.
        public let sentAgain: Int64?
        /// Whether another job sends it at the moment.
        public let isShared: Bool
    }

    public let job: Job
    public let blobs: [Blob]
    /// What the job waits for, for people; nil while it runs and after it has ended.
    public let waitsFor: String?
    /// When it is tried next, its registry's pause included: milliseconds since 1970. Nil unless it is queued or waits.
    public let nextAttemptAt: Int64?

    /// Bytes that this job has brought itself. Until it has ended they count as they move; then the queue's sum is the
    /// truth.
    public var bytesUploaded: Int64 {
        if job.state.isEnded || blobs.isEmpty { return job.bytesUploaded }
        return blobs.reduce(0) { sum, blob in
            let isOwn = blob.outcome == .uploaded || blob.outcome == .pending && !blob.isShared
            return sum + (isOwn ? blob.bytesDone : 0)
        }
    }
}

extension JobSnapshot {
    init(
        _ job: Job, stored: [JobBlobState], live: [Digest: JobProgress.Blob], activity: RegistryActivity
    ) {
        self.job = job
        blobs = stored.filter { $0.blob.role != .manifest }.map { state in
            let running = live[state.blob.digest]
            var outcome = state.outcome
            // What this job brought itself is found by its next attempt as "existing": the first word is the truth.
            if let now = running?.outcome, now != .pending, now != .existing || outcome == .pending { outcome = now }
            if outcome == .pending, job.state == .succeeded { outcome = state.blob.isSent ? .existing : .skipped }
            let isDone = outcome != .pending && outcome != .skipped
            return Blob(
                blob: state.blob, outcome: outcome, detail: running?.detail ?? state.detail,
                bytesDone: isDone ? state.blob.size : min(running?.bytesDone ?? 0, state.blob.size),
                sentAgain: isDone ? nil : running?.sentAgain, isShared: running?.sharedWith != nil)
        }
        let isStarting = job.state == .queued || job.state == .waiting
        let pausedUntil = isStarting ? activity.pausedUntil : nil
        nextAttemptAt = pausedUntil.map { max($0, job.nextAttemptAt ?? $0) } ?? job.nextAttemptAt
        switch job.state {
        case .queued, .waiting:
            let rest = job.state == .queued ? "its turn" : "its next attempt"
            waitsFor = Self.pause(of: activity) ?? rest
        case .blocked: waitsFor = job.error?.advice ?? job.error?.message
        default: waitsFor = nil
        }
    }

    /// The registry and its pause's reason, which names no repository of another job; nil where it is not paused.
    private static func pause(of registry: RegistryActivity) -> String? {
        if registry.isHeld { return "\(registry.name), which is paused by command" }
        guard registry.pausedSince != nil else { return nil }
        let state = registry.pausedUntil == nil ? "is being tried" : "is paused"
        return "\(registry.name), which \(state)" + (registry.reason.map { ": \($0)" } ?? "")
    }
}
