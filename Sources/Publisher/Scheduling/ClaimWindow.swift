import PushQueue

/// The time in which the queue hands out a job that the engine does not know yet.
///
/// Whatever is given up meanwhile may be this very job, which has no run yet that could be ended.
struct ClaimWindow: Sendable {
    private var isOpen = false
    private var abandoned: Set<JobID> = []

    mutating func open() { isOpen = true }

    mutating func close() { self = ClaimWindow() }

    mutating func abandon(_ jobs: [JobID]) {
        if isOpen { abandoned.formUnion(jobs) }
    }

    /// Whether the job that the queue has handed out was given up since the window was opened.
    func wasAbandoned(_ job: JobID) -> Bool { abandoned.contains(job) }
}
