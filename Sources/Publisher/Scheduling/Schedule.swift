/// Which registries may start another job, and which have to wait.
///
/// Pure: the engine tells it what happened and asks it what may happen. The queue itself chooses among the jobs.
struct Schedule: Sendable {
    struct Limits: Sendable, Equatable {
        /// Jobs under way at once, over all registries.
        var jobs: Int
        /// Jobs under way at once at one registry.
        var jobsPerRegistry: Int
        /// Where it is another number than that.
        var jobsByRegistry: [String: Int] = [:]
    }

    private struct Entry {
        var running = 0
        var health = RegistryHealth()
        var isHeld = false
    }

    var limits: Limits
    private var registries: [String: Entry] = [:]
    private(set) var running = 0
    private(set) var isHeld = false

    init(limits: Limits) { self.limits = limits }

    var hasRoom: Bool { running < limits.jobs && !isHeld }

    /// The registries that take no further job now.
    func closedRegistries(now: Int64) -> Set<String> {
        Set(registries.filter { !mayStart($0.value, at: $0.key, now: now) }.keys)
    }

    private func mayStart(_ entry: Entry, at registry: String, now: Int64) -> Bool {
        !entry.isHeld && entry.running < limits.jobsByRegistry[registry] ?? limits.jobsPerRegistry
            && entry.health.mayStart(now: now)
    }

    func isOpen(_ registry: String) -> Bool { registries[registry]?.health.isOpen ?? true }

    /// When the next pause ends; nil where none is under way.
    func nextOpening(after now: Int64) -> Int64? {
        registries.values.compactMap(\.health.pausedUntil).filter { $0 > now }.min()
    }

    mutating func started(_ registry: String) {
        running += 1
        registries[registry, default: Entry()].running += 1
        registries[registry]?.health.started()
    }

    mutating func ended(_ registry: String, now: Int64) {
        running -= 1
        registries[registry]?.running -= 1
        registries[registry]?.health.endedSilently(now: now)
        forgetIfIdle(registry)
    }

    mutating func answered(_ registry: String) {
        registries[registry]?.health.answered()
    }

    mutating func worked(_ registry: String) {
        registries[registry]?.health.worked()
    }

    func mayStart(_ registry: String, now: Int64) -> Bool {
        registries[registry].map { mayStart($0, at: registry, now: now) } ?? true
    }

    /// Until when a job under way asks nothing more; nil: it may.
    func pause(of registry: String, now: Int64) -> Int64? {
        registries[registry]?.health.pausedUntil.flatMap { $0 > now ? $0 : nil }
    }

    /// A person wants the registry tried now; one that a person holds stays held.
    mutating func tryNow(_ registry: String) {
        registries[registry]?.health.reset()
        forgetIfIdle(registry)
    }

    /// - Returns: when the registry is tried again, in milliseconds since 1970.
    mutating func failed(
        _ registry: String, now: Int64, retryAfter: Duration?, reason: String, policy: RetryPolicy, random: Double
    ) -> Int64 {
        registries[registry, default: Entry()].health.failed(
            now: now, retryAfter: retryAfter, reason: reason, policy: policy, random: random)
    }

    /// A person pauses one registry, or with nil everything.
    mutating func hold(_ registry: String?) {
        if let registry { registries[registry, default: Entry()].isHeld = true } else { isHeld = true }
    }

    /// A person lets it go on; a pause because of trouble ends too.
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

    /// What `status` tells of each registry that is busy or paused.
    var summary: [RegistryActivity] { registries.keys.sorted().map(activity) }

    /// The same of one registry, whether or not anything goes on there.
    func activity(of name: String) -> RegistryActivity {
        let entry = registries[name] ?? Entry()
        return RegistryActivity(
            name: name, running: entry.running, isHeld: entry.isHeld || isHeld, pausedUntil: entry.health.pausedUntil,
            pausedSince: entry.health.troubledSince, reason: entry.health.reason)
    }
}

/// One registry as it stands now.
public struct RegistryActivity: Sendable, Equatable {
    public let name: String
    /// Jobs under way.
    public let running: Int
    /// Paused by a person.
    public let isHeld: Bool
    /// Milliseconds since 1970; nil where there is no trouble, and while a job finds out whether it is over.
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
