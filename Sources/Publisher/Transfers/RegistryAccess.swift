import OCI
import PushQueue
import Registry

/// One registry: its client, and what has been learned about it by its behaviour.
///
/// What is learned is kept in the queue's database and believed for a configured age, never guessed from a name.
actor RegistryAccess {
    /// Whether a mount from the very repository that it goes to tells if the blob is there. Where it does, one
    /// request both asks and opens the upload.
    enum SelfMount: String { case unknown, works, fails }

    private struct Fact {
        let value: String
        /// Milliseconds since 1970.
        let at: Int64
    }

    nonisolated let name: String
    nonisolated let client: RegistryClient
    private let queue: JobStore
    private let learnedAge: Duration
    private let clock: @Sendable () -> Int64
    private var facts: [String: Fact]?
    private var probe: Task<Void, Never>?
    private var manifests = ManifestPace()
    private let sleep: @Sendable (Duration) async throws -> Void

    init(
        name: String, client: RegistryClient, queue: JobStore, learnedAge: Duration,
        clock: @escaping @Sendable () -> Int64,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.sleep = sleep
        self.name = name
        self.client = client
        self.queue = queue
        self.learnedAge = learnedAge
        self.clock = clock
    }

    /// What is known and not too old.
    private func known(_ age: Duration? = nil) async throws -> [String: String] {
        if facts == nil {
            let stored = try await queue.facts(registry: name)
            let loaded = stored.map { ($0.name, Fact(value: $0.value, at: $0.at)) }
            facts = facts ?? Dictionary(loaded, uniquingKeysWith: { _, last in last })
        }
        let since = clock() - min(learnedAge, age ?? learnedAge).inMilliseconds
        return (facts ?? [:]).filter { $0.value.at >= since }.mapValues(\.value)
    }

    /// That it works is looked at again now and then: believed wrongly, it makes blobs be sent that are there.
    var selfMount: SelfMount {
        get async throws {
            let known = SelfMount(rawValue: try await known()[Self.selfMountFact] ?? "") ?? .unknown
            guard known == .works else { return known }
            return try await self.known(Self.selfMountAge)[Self.selfMountFact] == nil ? .unknown : .works
        }
    }

    private static let selfMountFact = "self-mount"
    private static let selfMountAge: Duration = .seconds(3600)

    func learn(selfMount: SelfMount) async throws { try await learn(Self.selfMountFact, selfMount.rawValue) }

    /// Whether a mount from another repository may be hoped for: none was refused since the last that worked.
    var mountsWork: Bool { get async throws { try await known()["mount"] != "fails" } }

    func learn(mountsWork: Bool) async throws { try await learn("mount", mountsWork ? "works" : "fails") }

    func learn(_ fact: RegistryFact) async throws { try await learn(fact.name, fact.value) }

    private func learn(_ name: String, _ value: String) async throws {
        _ = try await known()
        let now = clock()
        if let known = facts?[name], known.value == value, now - known.at < Self.confirmationStep { return }
        facts?[name] = Fact(value: value, at: now)
        try await queue.setFact(registry: self.name, name: name, value: value, now: now)
    }

    /// A fact is written again only when its time is this much behind, in milliseconds.
    private static let confirmationStep: Int64 = 600_000

    /// How the body of a blob of `size` bytes is sent here.
    func uploadStyle(size: Int64, chunkSize: Int64) async throws -> UploadStyle {
        UploadStyle(size: size, chunkSize: chunkSize, facts: try await known())
    }

    /// Puts a manifest, not faster than the registry has shown to take them.
    ///
    /// - Throws: what `put` throws; `CancellationError`.
    nonisolated func putManifest(_ put: @Sendable () async throws -> Void) async throws {
        let wait = try await manifestTurn()
        if wait > 0 { try await sleep(.milliseconds(wait)) }
        do { try await put() } catch let error as RegistryError where error.cause == .rateLimited {
            try await manifestRefused()
            throw error
        }
    }

    /// - Returns: milliseconds until the next manifest may be put.
    private func manifestTurn() async throws -> Int64 {
        let rate = try await known()["manifest-rate"].flatMap(Int.init)
        let now = clock()
        return manifests.turn(now: now, perSecond: rate) - now
    }

    private func manifestRefused() async throws {
        try await learn(RegistryFact.manifestRate(manifests.rateRefused(now: clock())))
    }

    /// All that is known about the registry and not too old.
    var learned: [LearnedFact] {
        get async throws {
            let names = try await Set(known().keys)
            return (facts ?? [:]).filter { names.contains($0.key) }
                .map { LearnedFact(name: $0.key, value: $0.value.value, at: $0.value.at) }
                .sorted { $0.name < $1.name }
        }
    }

    /// What was learned is found out anew.
    func forget() { facts = nil }

    /// Finds out, once for a registry, whether ``SelfMount`` works, with a blob that certainly is in `repository`.
    func probeSelfMount(_ digest: Digest, in repository: String) async throws {
        guard try await selfMount == .unknown else { return }
        if let probe { return await probe.value }
        let task = Task {
            let outcome = try? await client.mount(digest, from: repository, into: repository)
            switch outcome {
            case .mounted: try? await learn(selfMount: .works)
            case .session(let session):
                try? await learn(selfMount: .fails)
                await client.cancelUpload(repository, session)
            case .refused: try? await learn(selfMount: .fails)
            case nil: break  // trouble on the way says nothing
            }
        }
        probe = task
        await task.value
        probe = nil
    }
}
