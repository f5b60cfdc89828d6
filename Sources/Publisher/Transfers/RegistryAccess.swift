import OCI
import Registry

/// One registry under one login: its client, and the use that is made of what has been learned about it.
actor RegistryAccess {
    /// Whether a mount from the very repository that it goes to tells if the blob is there. Where it does, one
    /// request both asks and opens the upload.
    enum SelfMount: String { case unknown, works, fails }

    nonisolated let name: String
    nonisolated let client: RegistryClient
    nonisolated let facts: RegistryFacts
    private var probe: Task<Void, Never>?

    init(client: RegistryClient, facts: RegistryFacts) {
        name = client.domain
        self.client = client
        self.facts = facts
    }

    /// That it works is looked at again now and then: believed wrongly, it makes blobs be sent that are there.
    var selfMount: SelfMount {
        get async throws {
            let known = SelfMount(rawValue: try await facts.known()[Self.selfMountFact] ?? "") ?? .unknown
            guard known == .works else { return known }
            return try await facts.known(Self.selfMountAge)[Self.selfMountFact] == nil ? .unknown : .works
        }
    }

    private static let selfMountFact = "self-mount"
    private static let selfMountAge: Duration = .seconds(3600)

    func learn(selfMount: SelfMount) async throws { try await facts.learn(Self.selfMountFact, selfMount.rawValue) }

    /// Whether a mount from another repository may be hoped for: none was refused since the last that worked.
    var mountsWork: Bool { get async throws { try await facts.known()["mount"] != "fails" } }

    func learn(mountsWork: Bool) async throws { try await facts.learn("mount", mountsWork ? "works" : "fails") }

    func learn(_ fact: RegistryFact) async throws { try await facts.learn(fact.name, fact.value) }

    /// Whether the registry has answered a manifest with `subject` by `OCI-Subject`: it lists referrers itself. Nil: no
    /// such manifest was put yet.
    var keepsReferrers: Bool? {
        get async throws { try await facts.known()["keeps-referrers"].map { $0 == "yes" } }
    }

    /// How the body of a blob of `size` bytes is sent here.
    func uploadStyle(size: Int64, chunkSize: Int64) async throws -> UploadStyle {
        UploadStyle(size: size, chunkSize: chunkSize, facts: try await facts.known())
    }

    /// Puts a manifest, no faster than the rate at which the registry has accepted manifests.
    ///
    /// - Throws: what `put` throws; `CancellationError`.
    nonisolated func putManifest<Value: Sendable>(_ put: @Sendable () async throws -> Value) async throws -> Value {
        try await Task.sleep(until: facts.manifestTurn(), clock: .continuous)
        do { return try await put() } catch let error as RegistryError where error.cause == .rateLimited {
            try await facts.manifestRefused()
            throw error
        }
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
