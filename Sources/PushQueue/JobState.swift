/// Where a job stands. Each accepted job ends in exactly one of the four ended states.
///
/// The spelling is that of the command line and of the control interface.
public enum JobState: String, Sendable, CaseIterable, Codable {
    /// Ready to be taken, or given back by a daemon that stopped.
    case queued
    /// An attempt is in progress.
    case running
    /// Failed for now; tried again at the job's `nextAttemptAt`.
    case waiting
    /// A person must act first: the job's error says what to do.
    case blocked
    case succeeded, failed, canceled
    /// A newer image for the same destination took its place.
    case superseded

    /// Nothing happens to the job any more, unless a person retries it.
    public var isEnded: Bool {
        switch self {
        case .queued, .running, .waiting, .blocked: false
        case .succeeded, .failed, .canceled, .superseded: true
        }
    }

    public var isPending: Bool { !isEnded }

    /// Whether the job waits for a turn (`queued`, `waiting`), and so has a time at which it is due.
    public var isClaimable: Bool { self == .queued || self == .waiting }
}

/// What happens to a job; each is one transaction.
public enum JobEvent: Sendable, CaseIterable {
    /// A worker takes the job: the only way into `running`.
    case claim
    /// The attempt succeeded, failed for good, failed for now, needs a person, or is given back uncounted.
    case succeed, fail, postpone, block, giveBack
    /// The daemon that ran the attempt is gone.
    case recover
    /// A newer job for the same destination is pending.
    case supersede
    /// The time that the job was given has passed.
    case expire
    case cancel, retry
    /// A login for the job's registry happened.
    case unblock
}

extension JobState {
    /// The table of the state machine: the state after `event`, or nil where the event does not apply.
    ///
    /// A running job is superseded only at the end of an attempt that did not end the job; a succeeded or a
    /// superseded one never moves again, because something newer may have taken its tag.
    public func after(_ event: JobEvent) -> JobState? {
        switch (self, event) {
        case (.queued, .claim), (.waiting, .claim): .running
        case (.running, .succeed): .succeeded
        case (.running, .fail): .failed
        case (.running, .postpone): .waiting
        case (.running, .block): .blocked
        case (.running, .giveBack), (.running, .recover): .queued
        case (.queued, .supersede), (.running, .supersede), (.waiting, .supersede), (.blocked, .supersede): .superseded
        case (.queued, .expire), (.running, .expire), (.waiting, .expire), (.blocked, .expire): .failed
        case (.queued, .cancel), (.running, .cancel), (.waiting, .cancel), (.blocked, .cancel): .canceled
        case (.waiting, .retry), (.blocked, .retry), (.failed, .retry), (.canceled, .retry): .queued
        case (.blocked, .unblock): .queued
        case (.queued, _), (.running, _), (.waiting, _), (.blocked, _): nil
        case (.succeeded, _), (.failed, _), (.canceled, _), (.superseded, _): nil
        }
    }
}
