/// That a job is in another state than before, or new. Sent after the commit.
public struct JobChange: Sendable, Hashable {
    public let job: JobID
    public let state: JobState
    /// Nil for a job that was just accepted.
    public let old: JobState?

    public init(job: JobID, state: JobState, old: JobState?) {
        self.job = job
        self.state = state
        self.old = old
    }
}

/// What changed since a subscriber last looked, one entry a job: its newest state, and the one it was in before.
public struct JobChanges: Sendable, Hashable {
    /// In the order in which the jobs first changed.
    public let list: [JobChange]
    /// Whether more changed than was kept: the subscriber must read the jobs that it cares for.
    public let missedSome: Bool
}
