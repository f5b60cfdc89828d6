import PushQueue
import Registry

/// What has been learned about one registry by its behaviour, for all that deal with it.
///
/// It is kept in the queue's database and believed for a configured age, never guessed from a name.
actor RegistryFacts {
    private struct Fact {
        let value: String
        /// Milliseconds since 1970.
        let at: Int64
    }

    private let registry: String
    private let queue: JobStore
    private let age: Duration
    private let clock: @Sendable () -> Int64
    private var facts: [String: Fact]?
    private var manifests = ManifestPace()
    /// One writer at a time for each blob, manifest and referrers tag, by `REPOSITORY@DIGEST`: distribution on a file
    /// system writes a link in place, and other requests then read it half written and fail.
    nonisolated let writeTurns = Slots<String>(Slots.Limits(each: 1))

    init(registry: String, queue: JobStore, age: Duration, clock: @escaping @Sendable () -> Int64) {
        self.registry = registry
        self.queue = queue
        self.age = age
        self.clock = clock
    }

    /// What is known, by name, and not older than `age` or what is configured.
    func known(_ age: Duration? = nil) async throws -> [String: String] {
        if facts == nil {
            // Of the engine; no behaviour that was learned.
            let stored = try await queue.facts(registry: registry).filter { $0.name != AskedPause.fact }
            let loaded = stored.map { ($0.name, Fact(value: $0.value, at: $0.at)) }
            facts = facts ?? Dictionary(loaded, uniquingKeysWith: { _, last in last })
        }
        let since = clock() - min(self.age, age ?? self.age).inMilliseconds
        return (facts ?? [:]).filter { $0.value.at >= since }.mapValues(\.value)
    }

    func learn(_ name: String, _ value: String) async throws {
        _ = try await known()
        let now = clock()
        if let known = facts?[name], known.value == value, now - known.at < Self.confirmationStep { return }
        facts?[name] = Fact(value: value, at: now)
        try await queue.setFact(registry: registry, name: name, value: value, now: now)
    }

    /// A fact is written again only when its time is this much behind, in milliseconds.
    private static let confirmationStep: Int64 = 600_000

    /// All that is known, by name.
    var all: [LearnedFact] {
        get async throws {
            let names = try await Set(known().keys)
            return (facts ?? [:]).filter { names.contains($0.key) }
                .map { LearnedFact(name: $0.key, value: $0.value.value, at: $0.value.at) }
                .sorted { $0.name < $1.name }
        }
    }

    /// The database knows nothing any more: all is found out anew.
    func forget() { facts = nil }

    /// Where clients store whether a registry on the loopback speaks TLS. If the database fails, it is probed again.
    nonisolated var schemes: SchemeMemory {
        SchemeMemory(
            recall: { try? await self.known()[RegistryFact.loopbackSchemeName] },
            keep: { try? await self.learn($0.name, $0.value) })
    }

    /// - Returns: when the next manifest may be put.
    func manifestTurn() async throws -> ContinuousClock.Instant {
        let rate = try await known()["manifest-rate"].flatMap(Int.init)
        return manifests.turn(now: .now, perSecond: rate)
    }

    /// A manifest was refused for being too many.
    func manifestRefused() async throws {
        let fact = RegistryFact.manifestRate(manifests.rateRefused(now: .now))
        try await learn(fact.name, fact.value)
    }
}
