import PushQueue

/// For how long jobs could have been tried: what a job is given up by.
///
/// Neither the time before its first attempt counts, nor that in which the daemon did not run, the machine slept, or a
/// person had paused the registry. A clock that is set changes nothing.
///
/// Pure: the time comes from a clock that stands still while the machine sleeps. All times are milliseconds.
struct TryTime: Sendable {
    private var latest: Int64
    private var running: Int64 = 0
    private var isHeld = false
    private var held: Set<String> = []
    private var heldForAll: Int64 = 0
    /// Of each registry, beyond ``heldForAll``.
    private var heldFor: [String: Int64] = [:]
    /// Up to when the time of a job is counted, by ``open(_:)`` of its registry.
    private var counted: [JobID: Int64] = [:]

    init(awake now: Int64) { latest = now }

    /// The longest step that is believed: it is called more often, so that in a longer one this process itself stood
    /// still.
    private static let longestStep: Int64 = 120_000

    /// Time goes on. To be called once a minute at least, and before anything else here is changed or asked.
    mutating func advance(awake now: Int64) {
        let step = min(max(now - latest, 0), Self.longestStep)
        latest = now
        running += step
        if isHeld { heldForAll += step } else { for name in held { heldFor[name, default: 0] += step } }
    }

    mutating func hold(_ registry: String?) {
        if let registry { held.insert(registry) } else { isHeld = true }
    }

    mutating func release(_ registry: String?) {
        if let registry { held.remove(registry) } else { (isHeld, held) = (false, []) }
    }

    /// How long jobs could have been tried at a registry since the daemon's start.
    func open(_ registry: String) -> Int64 { running - heldForAll - heldFor[registry, default: 0] }

    /// An attempt begins.
    mutating func began(_ job: JobID, at registry: String) {
        if counted[job] == nil { counted[job] = open(registry) }
    }

    /// - Returns: the time since it was counted last.
    mutating func count(_ job: JobID, at registry: String) -> Int64 {
        let now = open(registry)
        defer { counted[job] = now }
        return now - (counted[job] ?? now)
    }

    /// The job has ended, or waits for a person.
    mutating func forget(_ job: JobID) { counted[job] = nil }
}
