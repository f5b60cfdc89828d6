internal import OCI
public import PushQueue

/// A job as it stands this moment, its running transfers included.
public struct JobSnapshot: Sendable {
    public struct Blob: Sendable {
        public let blob: JobBlob
        public let outcome: BlobOutcome
        /// Where it was mounted from, which job sends it.
        public let detail: String?
        /// Bytes that the registry has or is getting, 0...size.
        public let bytesDone: Int64
    }

    public let job: Job
    public let blobs: [Blob]
    /// Why nothing happens at the moment, for people; nil where something does or nothing will.
    public let waitsFor: String?
    /// Until when its registry is paused, milliseconds since 1970.
    public let registryPausedUntil: Int64?
}

extension JobSnapshot {
    init(
        _ job: Job, stored: [JobBlobState], live: [Digest: JobProgress.Blob], pausedUntil: Int64?, pauseReason: String?
    ) {
        self.job = job
        registryPausedUntil = pausedUntil
        blobs = stored.filter { $0.blob.role != .manifest }.map { state in
            let running = live[state.blob.digest]
            var outcome = running.flatMap { $0.outcome == .pending ? nil : $0.outcome } ?? state.outcome
            if outcome == .pending, job.state == .succeeded { outcome = state.blob.isSent ? .existing : .skipped }
            let isDone = outcome != .pending && outcome != .skipped
            return Blob(
                blob: state.blob, outcome: outcome, detail: running?.detail ?? state.detail,
                bytesDone: isDone ? state.blob.size : min(running?.bytesDone ?? 0, state.blob.size))
        }
        switch job.state {
        case .queued: waitsFor = pausedUntil == nil ? "its turn" : pauseReason ?? "the registry"
        case .waiting: waitsFor = job.error?.message
        case .blocked: waitsFor = job.error?.advice ?? job.error?.message
        default: waitsFor = nil
        }
    }
}
