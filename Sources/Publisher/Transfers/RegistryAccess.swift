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

    nonisolated let name: String
    nonisolated let client: RegistryClient
    private let queue: JobStore
    private let learnedAge: Duration
    private let clock: @Sendable () -> Int64
    private var facts: [String: String]?
    private var probe: Task<Void, Never>?

    init(
        name: String, client: RegistryClient, queue: JobStore, learnedAge: Duration,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.name = name
        self.client = client
        self.queue = queue
        self.learnedAge = learnedAge
        self.clock = clock
    }

    private func loaded() async throws -> [String: String] {
        if let facts { return facts }
        let since = clock() - learnedAge.inMilliseconds
        let stored = try await queue.facts(registry: name).filter { $0.at >= since }
        let loaded = Dictionary(stored.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
        facts = facts ?? loaded
        return facts ?? loaded
    }

    var selfMount: SelfMount {
        get async throws { SelfMount(rawValue: try await loaded()["self-mount"] ?? "") ?? .unknown }
    }

    func learn(selfMount: SelfMount) async throws { try await learn("self-mount", selfMount.rawValue) }

    func learn(_ fact: RegistryFact) async throws { try await learn(fact.name, fact.value) }

    private func learn(_ name: String, _ value: String) async throws {
        guard try await loaded()[name] != value else { return }
        facts?[name] = value
        try await queue.setFact(registry: self.name, name: name, value: value, now: clock())
    }

    /// How the body of a blob of `size` bytes is sent here.
    func uploadStyle(size: Int64, chunkSize: Int64) async throws -> UploadStyle {
        UploadStyle(size: size, chunkSize: chunkSize, facts: try await loaded())
    }

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

/// The registries that are in use, each with one client for all jobs.
actor RegistryPool {
    private var entries: [String: RegistryAccess] = [:]
    private var make: Maker

    typealias Maker = @Sendable (String) throws(RegistryError) -> RegistryAccess

    init(make: @escaping Maker) { self.make = make }

    /// - Throws: ``RegistryError`` for a name that is no host and port.
    func registry(_ name: String) throws(RegistryError) -> RegistryAccess {
        if let entry = entries[name] { return entry }
        let entry = try make(name)
        entries[name] = entry
        return entry
    }

    /// From now on clients are made anew; jobs under way keep theirs.
    func reset(make: @escaping Maker) {
        self.make = make
        entries = [:]
    }
}
