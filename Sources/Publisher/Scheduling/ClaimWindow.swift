import PushQueue

/// The time from asking the queue for a job until the engine has a run for it.
///
/// A job that is cancelled, superseded or expired meanwhile may be the claimed one, which has no task to cancel yet.
struct ClaimWindow: Sendable {
    private(set) var isOpen = false
    private var abandoned: Set<JobID> = []

    mutating func open() { isOpen = true }

    mutating func close() { self = ClaimWindow() }

    mutating func abandon(_ jobs: [JobID]) {
        if isOpen { abandoned.formUnion(jobs) }
    }

    /// Whether the claimed job was cancelled, superseded or expired since the window was opened.
    func wasAbandoned(_ job: JobID) -> Bool { abandoned.contains(job) }
}
