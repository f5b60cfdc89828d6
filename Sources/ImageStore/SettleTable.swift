/// When each changed layout is read: at once where it may be whole, else when it has been silent long enough. Pure: time
/// is given by the caller.
struct SettleTable {
    /// Silence after the last write.
    let settle: Duration
    /// Between two readings of a layout of which one write follows the other.
    let pace: Duration
    /// A writer that never pauses does not hold a layout up for longer.
    let longest: Duration

    private struct Wait {
        let since: ContinuousClock.Instant
        var due: ContinuousClock.Instant
    }

    private var waits: [String: Wait] = [:]
    /// When each was due last.
    private var read: [String: ContinuousClock.Instant] = [:]

    init(settle: Duration, pace: Duration = .milliseconds(50), longest: Duration) {
        self.settle = settle
        self.pace = pace
        self.longest = max(settle, longest)
    }

    /// Something was written, or was not yet whole when it was looked at.
    mutating func touch(_ directory: String, now: ContinuousClock.Instant) {
        var wait = waits[directory] ?? Wait(since: now, due: now)
        wait.due = min(now + settle, wait.since + longest)
        waits[directory] = wait
    }

    /// It may be whole: a file was renamed into its place, or closed by its writer.
    mutating func arrive(_ directory: String, now: ContinuousClock.Instant) {
        var wait = waits[directory] ?? Wait(since: now, due: now)
        wait.due = min(max(now, (read[directory] ?? now - pace) + pace), wait.since + longest)
        waits[directory] = wait
    }

    /// Those that are due. They stay until they are ended.
    func due(now: ContinuousClock.Instant) -> [String] {
        waits.filter { $0.value.due <= now }.map(\.key).sorted()
    }

    /// Whether the longest wait is over: the layout is reported as it is.
    func isExhausted(_ directory: String, now: ContinuousClock.Instant) -> Bool {
        waits[directory].map { $0.since + longest <= now } ?? true
    }

    /// It is read at this moment.
    mutating func note(_ directory: String, now: ContinuousClock.Instant) { read[directory] = now }

    func isWaiting(_ directory: String) -> Bool { waits[directory] != nil }

    mutating func end(_ directory: String) { waits[directory] = nil }

    var next: ContinuousClock.Instant? { waits.values.map(\.due).min() }
}
