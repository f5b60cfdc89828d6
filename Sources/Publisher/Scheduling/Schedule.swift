/// Which registries may start another job, and which have to wait.
///
/// Pure: the engine tells it what happened and asks it what may happen. The queue itself chooses among the jobs. Times
/// are milliseconds of a clock that is never set.
struct Schedule: Sendable {
    struct Limits: Sendable, Equatable {
        /// Jobs under way at once, over all registries.
        var jobs: Int
        /// Jobs under way at once at one registry.
        var jobsPerRegistry: Int
        /// Where it is another number than that.
        var jobsByRegistry: [String: Int] = [:]

        /// The last places, which only registries with no or one running job may take: however many jobs hang at
        /// other registries, a job for one that works can start.
        fileprivate var reserve: Int { jobs / 8 }
    }

    private struct Entry {
        var running = 0
        /// Of these, jobs that only wait: for an upload slot, or for another job's upload.
        var idle = 0
        var health = RegistryHealth()
        var isHeld = false
    }

    var limits: Limits
    private var registries: [String: Entry] = [:]
    private(set) var running = 0
    private var idle = 0
    private(set) var isHeld = false

    init(limits: Limits) { self.limits = limits }

    /// A job that only waits takes no place; but at most twice as many jobs run as there are places.
    var hasRoom: Bool { free > 0 && running < limits.jobs * 2 && !isHeld }

    private var free: Int { limits.jobs - (running - idle) }

    /// Running jobs that do not only wait, by registry; the registry with the fewest is next.
    var busy: [String: Int] { registries.mapValues { $0.running - $0.idle } }

    /// - Parameter idle: the number of running jobs that only wait, by registry.
    mutating func waitsOnly(_ idle: [String: Int]) {
        registries = registries.reduce(into: [:]) { changed, entry in
            changed[entry.key] = entry.value
            changed[entry.key]?.idle = min(idle[entry.key] ?? 0, entry.value.running)
        }
        self.idle = registries.values.reduce(0) { $0 + $1.idle }
    }

    /// The registries that take no further job now.
    func closedRegistries(now: Int64) -> Set<String> {
        Set(registries.filter { !mayStart($0.value, at: $0.key, now: now) }.keys)
    }

    private func mayStart(_ entry: Entry, at registry: String, now: Int64) -> Bool {
        !entry.isHeld && entry.running < limits.jobsByRegistry[registry] ?? limits.jobsPerRegistry
            && entry.health.mayStart(now: now) && hasShare(entry)
    }

    /// The reserve is only for a registry's first two jobs.
    private func hasShare(_ entry: Entry) -> Bool {
        switch entry.running - entry.idle {
        case 0: free > 0
        case 1: free > limits.reserve / 2
        default: free > limits.reserve
        }
    }

    func isOpen(_ registry: String) -> Bool { registries[registry]?.health.isOpen ?? true }

    /// When the next pause ends; nil where none is under way.
    func nextOpening(after now: Int64) -> Int64? {
        registries.values.compactMap(\.health.pausedUntil).filter { $0 > now }.min()
    }

    mutating func started(_ registry: String, now: Int64) {
        running += 1
        registries[registry, default: Entry()].running += 1
        registries[registry]?.health.started(now: now)
    }

    mutating func ended(_ registry: String, now: Int64) {
        running -= 1
        registries[registry]?.running -= 1
        if let entry = registries[registry], entry.idle > entry.running {
            registries[registry]?.idle -= 1
            idle -= 1
        }
        registries[registry]?.health.endedSilently(now: now)
        forgetIfIdle(registry)
    }

    mutating func answered(_ registry: String, now: Int64) {
        registries[registry]?.health.answered(now: now)
    }

    mutating func worked(_ registry: String, now: Int64) {
        registries[registry]?.health.worked(now: now)
    }

    func mayStart(_ registry: String, now: Int64) -> Bool {
        registries[registry].map { mayStart($0, at: registry, now: now) } ?? true
    }

    /// Until when a running job sends no more requests; nil: it may send them.
    func pause(of registry: String, now: Int64) -> Int64? {
        registries[registry]?.health.pausedUntil.flatMap { $0 > now ? $0 : nil }
    }

    /// Ends the pause, because a person wants an attempt now. A registry that a person has paused stays paused.
    mutating func tryNow(_ registry: String) {
        registries[registry]?.health.reset()
        forgetIfIdle(registry)
    }

    /// The machine's network has changed: all registries are probed now.
    mutating func probeAllNow(now: Int64) {
        for name in registries.keys { registries[name]?.health.probeNow(now: now) }
    }

    /// Registries in trouble at which no job runs: candidates for ``forgetTrouble(_:now:)``.
    var idleInTrouble: [String] {
        registries.filter { $0.value.running == 0 && !$0.value.health.isOpen }.map(\.key)
    }

    /// No job waits for the registry any more: the next one starts without a pause. A pause that the registry has asked
    /// for holds for it all the same.
    mutating func forgetTrouble(_ registry: String, now: Int64) {
        guard let health = registries[registry]?.health else { return }
        if health.isTold, let until = health.pausedUntil, until > now { return }
        tryNow(registry)
    }

    /// - Returns: when the registry is tried again.
    mutating func failed(
        _ registry: String, now: Int64, _ trouble: RegistryHealth.Trouble, reason: String, policy: RetryPolicy,
        random: Double
    ) -> Int64 {
        registries[registry, default: Entry()].health.failed(
            now: now, trouble, reason: reason, policy: policy, random: random)
    }

    /// See ``RegistryHealth/probedOutage(now:)``.
    func probedOutage(of registry: String, now: Int64) -> Duration? {
        registries[registry]?.health.probedOutage(now: now)
    }

    /// The registries that have asked for their pause themselves.
    var toldToWait: [String] { registries.filter(\.value.health.isTold).map(\.key) }

    /// See ``RegistryHealth/restorePause(until:now:)``.
    mutating func restorePause(of registry: String, until: Int64, now: Int64) {
        registries[registry, default: Entry()].health.restorePause(until: until, now: now)
        forgetIfIdle(registry)
    }

    /// Whether the registry itself has asked for its pause.
    func isToldToWait(_ registry: String) -> Bool { registries[registry]?.health.isTold ?? false }

    /// A person pauses one registry, or with nil everything.
    mutating func hold(_ registry: String?) {
        if let registry { registries[registry, default: Entry()].isHeld = true } else { isHeld = true }
    }

    /// `pushctl resume`: a pause because of trouble ends, too.
    mutating func release(_ registry: String?) {
        if let registry {
            registries[registry]?.isHeld = false
            registries[registry]?.health.reset()
            forgetIfIdle(registry)
        } else {
            isHeld = false
            for name in registries.keys { release(name) }
        }
    }

    private mutating func forgetIfIdle(_ registry: String) {
        if let entry = registries[registry], entry.running == 0, entry.health.isOpen, !entry.isHeld {
            registries[registry] = nil
        }
    }

    /// What `status` shows of each registry that is busy or paused, in times of the wall clock.
    func summary(at now: Moment) -> [RegistryActivity] { registries.keys.sorted().map { activity(of: $0, at: now) } }

    /// The same for one registry, also if it is neither busy nor paused.
    func activity(of name: String, at now: Moment) -> RegistryActivity {
        let entry = registries[name] ?? Entry()
        return RegistryActivity(
            name: name, running: entry.running, isHeld: entry.isHeld || isHeld,
            pausedUntil: entry.health.pausedUntil.map { now.wall(atElapsed: $0) },
            pausedSince: entry.health.troubledSince.map { now.wall(atElapsed: $0) },
            reason: entry.health.reason)
    }
}

/// One registry as it stands now.
public struct RegistryActivity: Sendable, Equatable {
    public let name: String
    /// Jobs under way.
    public let running: Int
    /// Paused by a person.
    public let isHeld: Bool
    /// Milliseconds since 1970; nil where there is no trouble, and while a probe runs.
    public let pausedUntil: Int64?
    /// When the present trouble began, in milliseconds since 1970; nil where there is none.
    public let pausedSince: Int64?
    public let reason: String?
    /// Jobs that are queued or waiting.
    public var waiting: Int

    public init(
        name: String, running: Int = 0, isHeld: Bool = false, pausedUntil: Int64? = nil, pausedSince: Int64? = nil,
        reason: String? = nil, waiting: Int = 0
    ) {
        self.name = name
        self.running = running
        self.isHeld = isHeld
        self.pausedUntil = pausedUntil
        self.pausedSince = pausedSince
        self.reason = reason
        self.waiting = waiting
    }
}
