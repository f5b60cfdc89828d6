import FoundationEssentials
import ImageStore
import OCI
import PushQueue
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// A store with a rule for it, and no registry: jobs are accepted, and never run.
private struct Parts {
    let temporary: TemporaryDirectory
    let builder: LayoutBuilder
    let queue: JobStore
    let publisher: AutoPublisher
    let accepted = Counter()

    init(_ temporary: TemporaryDirectory) throws {
        self.temporary = temporary
        builder = try LayoutBuilder(directory: temporary.file("images"))
        queue = try JobStore(path: temporary.file("queue.db"))
        let intake = Intake(
            queue: queue, spool: try Spool(directory: temporary.file("spool"), acrossFileSystems: .copy),
            clock: { Bench.now })
        let template = try DestinationTemplate("registry.example/auto/{name}:{tag}")
        let rule = PublishRule(image: try #require(Glob("**")), destinations: [template])
        publisher = AutoPublisher(
            intake: intake, queue: queue, directories: [builder.directory], rescan: .seconds(3600),
            clock: { Bench.now },
            settings: {
                var settings = PublisherSettings()
                settings.rules = [rule]
                return settings
            }, accepted: { [accepted] _ in accepted.add() }, log: { _ in })
    }

    var destinations: [String] {
        get async throws { try await queue.jobs(JobFilter()).map(\.destination.description).sorted() }
    }
}

@Suite("Publishing by rules", .timeLimit(.minutes(2)))
struct AutoPublisherTests {
    @Test("takes what a store holds at its first sight for old, also where that first look failed")
    func failedFirstLook() async throws {
        try await TemporaryDirectory.with { temporary in
            let parts = try Parts(temporary)
            try temporary.write("{".utf8, to: "images/index.json")
            await #expect(throws: ImageStoreError.self) { try await parts.publisher.scan(parts.builder.directory) }
            await parts.publisher.lookFirst()
            try parts.builder.addImage(layers: [], name: "old:1")
            try parts.builder.writeIndexJSON()
            _ = try await parts.publisher.scan(parts.builder.directory)
            #expect(try await parts.destinations.isEmpty)
            try parts.builder.addImage(layers: [], name: "new:1", label: "new")
            try parts.builder.writeIndexJSON()
            _ = try await parts.publisher.scan(parts.builder.directory)
            #expect(try await parts.destinations == ["registry.example/auto/new:1"])
        }
    }

    @Test("looks again soon where an image was not whole, without a new sign of change")
    func failedLook() async throws {
        try await TemporaryDirectory.with { temporary in
            let parts = try Parts(temporary)
            // Nothing is old here.
            _ = try await parts.publisher.scan(parts.builder.directory)
            let layer = try parts.builder.addLayer(size: 50_000)
            let image = try parts.builder.addImage(layers: [layer], name: "app:1")
            let (path, aside) = (parts.builder.path(of: layer.digest), temporary.file("aside"))
            try FileManager.default.moveItem(atPath: path, toPath: aside)
            try parts.builder.writeIndexJSON()
            await #expect(throws: ImageStoreError.self) { try await parts.publisher.scan(parts.builder.directory) }
            let running = Task { await parts.publisher.run() }
            try FileManager.default.moveItem(atPath: aside, toPath: path)
            await parts.accepted.reaches(1)
            #expect(try await parts.destinations == ["registry.example/auto/app:1"])
            running.cancel()
            await running.value
            #expect(
                try await parts.queue.handled(store: "oci:" + parts.builder.directory, name: "app:1") == image.digest)
        }
    }

    @Test("waits a little between looks at first, then longer and longer")
    func pauses() {
        #expect((1...20).allSatisfy { AutoPublisher.pause(after: $0) == .milliseconds(50) })
        #expect(AutoPublisher.pause(after: 22) == .milliseconds(200))
        #expect(AutoPublisher.pause(after: .max) == .milliseconds(50 << 17))
    }
}
