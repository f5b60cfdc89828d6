import PushQueue

/// For how long attempts at jobs were possible: the time that ``RetryPolicy/giveUpAfter`` limits.
///
/// It does not include the time before a job's first attempt, nor time in which the daemon did not run, the machine was
/// suspended, or a person had paused the registry. Setting the wall clock does not change it.
///
/// Pure: the caller passes the time of CLOCK_MONOTONIC, which stops during suspend. All times are milliseconds.
struct TryTime: Sendable {
    private var latest: Int64
    private var running: Int64 = 0
    private var areAllHeld = false
    private var held: Set<String> = []
    private var heldForAll: Int64 = 0
    /// Of each registry, beyond ``heldForAll``.
    private var heldFor: [String: Int64] = [:]
    /// Up to when the time of a job is counted, by ``open(_:)`` of its registry.
    private var counted: [JobID: Int64] = [:]

    init(awake now: Int64) { latest = now }

    /// The longest step that counts: ``advance(awake:)`` is called more often, so in a longer step this process itself
    /// was stopped.
    private static let longestStep: Int64 = 120_000

    /// Counts the time up to now. To be called at least once a minute, and before every other method.
    mutating func advance(awake now: Int64) {
        let step = min(max(now - latest, 0), Self.longestStep)
        latest = now
        running += step
        if areAllHeld { heldForAll += step } else { for name in held { heldFor[name, default: 0] += step } }
    }

    mutating func hold(_ registry: String?) {
        if let registry { held.insert(registry) } else { areAllHeld = true }
    }

    mutating func release(_ registry: String?) {
        if let registry { held.remove(registry) } else { (areAllHeld, held) = (false, []) }
    }

    /// Whether a person has paused the registry: its time stands still.
    func isHeld(_ registry: String) -> Bool { areAllHeld || held.contains(registry) }

    /// For how long the registry was not paused by a person since the daemon's start.
    func open(_ registry: String) -> Int64 { running - heldForAll - heldFor[registry, default: 0] }

    /// An attempt begins.
    mutating func began(_ job: JobID, at registry: String) {
        if counted[job] == nil { counted[job] = open(registry) }
    }

    /// - Returns: the time since the job's previous count, or since its attempt began.
    mutating func count(_ job: JobID, at registry: String) -> Int64 {
        defer { counted[job] = open(registry) }
        return uncounted(job, at: registry)
    }

    /// The time since the job's previous count, which stays uncounted.
    func uncounted(_ job: JobID, at registry: String) -> Int64 {
        let now = open(registry)
        return now - (counted[job] ?? now)
    }

    /// The job has ended or is blocked.
    mutating func forget(_ job: JobID) { counted[job] = nil }
}
