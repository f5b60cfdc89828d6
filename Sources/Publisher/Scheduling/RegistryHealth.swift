/// Whether jobs may start at a registry: a failure of the whole registry pauses the registry, not its jobs one by one.
///
/// After such a failure no job starts there until the pause is over; then one job runs as a probe. Its first answer
/// opens the registry for all jobs, its failure begins the next pause. So the load on a registry that is down does not
/// grow with the number of jobs that wait for it, and a pause needs no jitter: it is the base and a tenth of the outage
/// so far, so that the return of the registry is noticed soon. After a rate limit pauses double instead, and
/// `Retry-After` is obeyed.
///
/// Pure: events in, decisions out. Times are milliseconds of a clock that is never set.
struct RegistryHealth: Sendable, Equatable {
    private enum State: Equatable {
        case open
        /// - Parameter isTold: whether the registry asked for it, by `Retry-After` or a rate limit.
        case paused(until: Int64, isTold: Bool)
        case probing(since: Int64)
    }

    /// The part of a failure that determines the pause.
    struct Trouble: Sendable, Equatable {
        /// The registry's `Retry-After`.
        var retryAfter: Duration?
        /// The registry works and limits the rate of requests.
        var isLimit = false
    }

    private var state = State.open
    private var failures = 0
    /// What the last failure was, for `status`.
    private(set) var reason: String?
    /// When the present trouble began; kept until the registry has accepted a change.
    private var failingSince: Int64?
    /// When it last opened after a probe.
    private var openedAt: Int64?

    /// When the present trouble began; nil while jobs may start.
    var troubledSince: Int64? { isOpen ? nil : failingSince }

    /// Until when nothing is started; nil while jobs may start, and while one probes.
    var pausedUntil: Int64? {
        if case .paused(let until, _) = state { until } else { nil }
    }

    var isOpen: Bool { state == .open }

    /// How long the trouble has lasted that a job is probing; nil where none is.
    func probedOutage(now: Int64) -> Duration? {
        guard case .probing = state, let failingSince else { return nil }
        return .milliseconds(now - failingSince)
    }

    /// Whether the registry itself has asked for the pause.
    var isTold: Bool {
        if case .paused(_, let isTold) = state { isTold } else { false }
    }

    func mayStart(now: Int64) -> Bool {
        switch state {
        case .open: true
        case .paused(let until, _): now >= until
        case .probing: false
        }
    }

    /// A job starts.
    mutating func started(now: Int64) {
        if case .paused = state { state = .probing(since: now) }
    }

    /// A job ended without showing whether the registry works, for example because it was cancelled.
    mutating func endedSilently(now: Int64) {
        if case .probing = state { state = .paused(until: now, isTold: false) }
    }

    /// The registry gave a valid response; a refusal is one, too.
    ///
    /// A pause lasts to its end all the same: the response may be to a request from before it.
    mutating func answered(now: Int64) {
        guard case .probing = state else { return }
        state = .open
        openedAt = now
        reason = nil
    }

    /// The registry accepted a change: a blob, a mount or a manifest.
    mutating func worked(now: Int64) {
        answered(now: now)
        if state == .open { self = RegistryHealth() }
    }

    /// Pauses as the registry has asked for before the daemon was started.
    mutating func restorePause(until: Int64, now: Int64) {
        guard isOpen, until > now else { return }
        state = .paused(until: until, isTold: true)
        failures = 1
        failingSince = now
        reason = "it asked for this pause before pushd was started again"
    }

    /// A person wants it tried now.
    mutating func reset() { self = RegistryHealth() }

    /// The network or the configuration has changed, and the registry may be reachable now. A pause that the registry
    /// has asked for stays.
    mutating func probeNow(now: Int64) {
        switch state {
        case .open, .paused(_, isTold: true): break
        case .paused(let until, isTold: false): state = .paused(until: min(until, now), isTold: false)
        // That probe may wait on a connection whose route no longer exists.
        case .probing: state = .paused(until: now, isTold: false)
        }
    }

    /// A request failed in a way that any other request there would fail too.
    ///
    /// Jobs that were under way when the registry went down all report it; only the first one counts.
    ///
    /// - Returns: when the registry is tried again.
    mutating func failed(
        now: Int64, _ trouble: Trouble, reason: String, policy: RetryPolicy, random: Double
    ) -> Int64 {
        self.reason = reason
        let told = trouble.retryAfter.map { now + policy.obeyed($0, random: random).inMilliseconds }
        if case .paused(let until, let isTold) = state, until > now {
            let longer = max(until, told ?? until)
            state = .paused(until: longer, isTold: isTold || longer > until)
            return longer
        }
        // A registry that answers GET and HEAD and accepts no change is in the same trouble still.
        if state == .open, let openedAt, now - openedAt >= Self.probation { self = RegistryHealth() }
        failures += 1
        let since = failingSince ?? now
        (failingSince, self.reason) = (since, reason)
        var until: Int64
        if trouble.isLimit {
            until = now + policy.delay(failures: failures, random: random).inMilliseconds
        } else {
            // A probe that took long is part of the wait.
            let start = if case .probing(let since) = state { since } else { now }
            let pause = policy.pause(outage: .milliseconds(now - since)).inMilliseconds
            until = max(start + pause, now + policy.pause(outage: .zero).inMilliseconds)
        }
        until = max(until, told ?? until)
        state = .paused(until: until, isTold: trouble.isLimit || until == told)
        return until
    }

    /// How long it has to be open, in milliseconds, until its next failure counts as new trouble.
    private static let probation: Int64 = 60_000
}
