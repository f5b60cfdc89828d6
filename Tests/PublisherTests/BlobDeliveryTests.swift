import HTTP
import ImageStore
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

@Suite("The delivery of a blob")
struct BlobDeliveryTests {
    /// Between a job's look at what is remembered and its turn to lead, another job's transfer may have ended.
    @Test("sends nothing that came to the registry just before its turn", arguments: ["mine", "other"])
    func cameBeforeItsTurn(repository: String) async throws {
        try await TemporaryDirectory.with { directory in
            try await TestRegistry.with { registry in
                let builder = try LayoutBuilder(directory: directory.file("images"))
                let layer = try builder.addLayer(size: 300_000, seed: 1)
                let image = try builder.addImage(layers: [layer], name: "app:1")
                try builder.writeIndexJSON()
                let contents = try await ImageContents.read(
                    root: image, from: OCILayout(directory: builder.directory), platforms: [])
                let blob = try #require(contents.blobs.first { $0.role == .layer })
                let queue = try JobStore(path: directory.file("queue.db"))
                let delivery = try delivery(to: "mine", registry, queue, builder)
                try await queue.remember(
                    layer.digest, registry: registry.address, repository: repository, now: Bench.now)

                let result = try await delivery.lead(blob, session: nil, trust: .usual, refused: [], isAlone: false)
                #expect(
                    result == TransferResult(repository: repository, job: 1, outcome: .existing, detail: nil))
                #expect(registry.requests.isEmpty)

                // Where mounts from there do not work, it is sent all the same.
                let sent = try await delivery.lead(
                    blob, session: nil, trust: repository == "mine" ? .nothing : .usual, refused: ["other"],
                    isAlone: false)
                #expect(sent == TransferResult(repository: "mine", job: 1, outcome: .uploaded, detail: nil))
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
            }
        }
    }

    @Test("a member's blob is mounted from nowhere but where the member or a rule has brought it", arguments: [1, 2])
    func members(uid: UInt32) async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                let builder = try LayoutBuilder(directory: directory.file("layout"))
                let layer = try builder.addLayer(size: 200_000)
                let image = try builder.addImage(layers: [layer], name: "app:1")
                try builder.writeIndexJSON()
                let contents = try await ImageContents.read(
                    root: image, from: OCILayout(directory: builder.directory), platforms: [])
                let blob = try #require(contents.blobs.first { $0.role == .layer })
                let queue = try JobStore(path: directory.file("queue.db"))
                var first = try delivery(to: "team/one", registry, queue, builder)
                first.bringer = .member(uid: 1)
                #expect(try await first.deliver(blob, trust: .usual).outcome == .uploaded)
                var second = try delivery(to: "team/two", registry, queue, builder)
                second.bringer = .member(uid: uid)
                let report = try await second.deliver(blob, trust: .usual)
                #expect(report.outcome == (uid == 1 ? .mounted : .uploaded))
                #expect(registry.bodyBytes(for: layer.digest) == (uid == 1 ? 1 : 2) * layer.size)
            }
        }
    }

    private func delivery(
        to repository: String, _ registry: TestRegistry, _ queue: JobStore, _ builder: LayoutBuilder
    ) throws -> BlobDelivery {
        let settings = PublisherSettings()
        let client = try RegistryClient(
            domain: registry.address, settings: settings.registry, http: HTTPClient(), credentials: NoCredentials())
        return BlobDelivery(
            job: 1, isFirstTry: true, repository: repository,
            registry: RegistryAccess(
                client: client,
                facts: RegistryFacts(
                    registry: registry.address, queue: queue, age: settings.learnedAge, clock: { Bench.now })),
            queue: queue, content: OCILayout(directory: builder.directory), transfers: SharedTransfers(),
            slots: Slots(.init(total: 1)), progress: JobProgress(changed: {}), settings: settings,
            clock: { Bench.now }, isStopping: { false })
    }
}
