/// Whether a registry is asked at all: trouble of a whole registry pauses the registry, not its jobs one by one.
///
/// After a failure nothing is started there until the pause is over; then one job goes ahead as a probe. Its first
/// answer opens the registry for all, its failure doubles the pause. So the load on a registry that is down does not
/// grow with the number of jobs that wait for it. Pauses begin short again only after the registry has done
/// something: one that answers questions and takes nothing is in trouble still.
///
/// Pure: events in, decisions out. Times are milliseconds since 1970.
struct RegistryHealth: Sendable, Equatable {
    private enum State: Equatable {
        case open
        case paused(until: Int64)
        case probing
    }

    private var state = State.open
    private var failures = 0
    /// What the last failure was, for `status`.
    private(set) var reason: String?
    /// When the trouble began that it has not shown to be over.
    private var failingSince: Int64?

    /// When the present trouble began; nil while jobs may start.
    var troubledSince: Int64? { isOpen ? nil : failingSince }

    /// Until when nothing is started; nil while jobs may start.
    var pausedUntil: Int64? {
        if case .paused(let until) = state { until } else { nil }
    }

    var isOpen: Bool { state == .open }

    func mayStart(now: Int64) -> Bool {
        switch state {
        case .open: true
        case .paused(let until): now >= until
        case .probing: false
        }
    }

    /// A job starts.
    mutating func started() {
        if case .paused = state { state = .probing }
    }

    /// A job ended without telling whether the registry is well, for example because it was cancelled.
    mutating func endedSilently(now: Int64) {
        if state == .probing { state = .paused(until: now) }
    }

    /// The registry gave a proper answer, be it a refusal.
    ///
    /// A pause is kept to its end all the same: the answer may be to something asked before it.
    mutating func answered() {
        guard state == .probing else { return }
        state = .open
        reason = nil
    }

    /// The registry took something.
    mutating func worked() {
        answered()
        guard state == .open else { return }
        failures = 0
        failingSince = nil
    }

    /// A person wants it tried now.
    mutating func reset() { self = RegistryHealth() }

    /// A request failed in a way that any other request there would fail too.
    ///
    /// Jobs that were under way when the registry went down all report it; only the first one counts.
    ///
    /// - Returns: when the registry is tried again.
    mutating func failed(
        now: Int64, retryAfter: Duration?, reason: String, policy: RetryPolicy, random: Double
    ) -> Int64 {
        self.reason = reason
        failingSince = failingSince ?? now
        if case .paused(let until) = state, until > now {
            let longer = max(until, now + (retryAfter?.inMilliseconds ?? 0))
            state = .paused(until: longer)
            return longer
        }
        failures += 1
        let until = now + policy.delay(failures: failures, retryAfter: retryAfter, random: random).inMilliseconds
        state = .paused(until: until)
        return until
    }
}
