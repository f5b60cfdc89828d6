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
    let log = TestLog()

    init(_ temporary: TemporaryDirectory, to destination: String = "registry.example/auto/{name}:{tag}") throws {
        self.temporary = temporary
        builder = try LayoutBuilder(directory: temporary.file("images"))
        queue = try JobStore(path: temporary.file("queue.db"))
        let intake = Intake(
            queue: queue, spool: try Spool(directory: temporary.file("spool"), acrossFileSystems: .copy),
            clock: { Bench.now })
        let template = try DestinationTemplate(destination)
        let rule = PublishRule(image: try #require(Glob("**")), destinations: [template])
        publisher = AutoPublisher(
            intake: intake, queue: queue, directories: [builder.directory], rescan: .seconds(3600),
            clock: { Bench.now },
            settings: {
                var settings = PublisherSettings()
                settings.rules = [rule]
                return settings
            }, accepted: { [accepted] _ in accepted.add() }, log: { [log] in log.add($0) })
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
            let found = try await parts.publisher.scan(parts.builder.directory)
            #expect(found.failures.map(\.image) == ["app:1"] && found.failures.first?.error is ImageStoreError)
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

    @Test(
        "publishes none of several images that have one name, and says so, instead of one after the other without end")
    func twice() async throws {
        try await TemporaryDirectory.with { temporary in
            let parts = try Parts(temporary)
            _ = try await parts.publisher.scan(parts.builder.directory)
            let layer = try parts.builder.addLayer(size: 100)
            for (number, host) in ["ghcr.io", "quay.io"].enumerated() {
                let image = try parts.builder.addImage(layers: [layer], label: "\(number)")
                parts.builder.addEntry(image, containerdName: host + "/t/app:1")
                // The same image under two names is no question.
                let same = try parts.builder.addImage(layers: [layer], label: "same")
                parts.builder.addEntry(same, containerdName: host + "/t/same:1")
            }
            try parts.builder.writeIndexJSON()
            for _ in 0..<3 {
                let found = try await parts.publisher.scan(parts.builder.directory)
                let expected = UnpublishedImage(
                    "t/app:1", code: "image-ambiguous",
                    "several images of oci:\(parts.builder.directory) have this name")
                #expect(found.leftOut == [expected])
            }
            #expect(try await parts.destinations == ["registry.example/auto/t/same:1"])
        }
    }

    @Test("finds what else can't be published, and by name, where one image fails; each is one event while it lasts")
    func severalTroubles() async throws {
        try await TemporaryDirectory.with { temporary in
            let parts = try Parts(temporary)
            let store = "oci:" + parts.builder.directory
            _ = try await parts.publisher.scan(parts.builder.directory)
            let long = String(repeating: "x", count: 5000)
            for number in 1...2 {
                let layer = try parts.builder.addLayer(size: 100, seed: UInt64(number))
                try parts.builder.addImage(layers: [layer], name: "broken:\(number)", label: "\(number)")
                try TestFiles.remove(parts.builder.path(of: layer.digest))
            }
            try parts.builder.addImage(layers: [], name: "odd:v1+5", label: "odd")
            try parts.builder.addImage(layers: [], name: "long:" + long, label: "long")
            try parts.builder.addImage(layers: [], name: "good:1", label: "good")
            try parts.builder.writeIndexJSON()
            let found = try await parts.publisher.scan(parts.builder.directory)
            #expect(found.failures.map(\.image) == ["broken:1", "broken:2"])
            #expect(found.leftOut.map(\.image).sorted() == ["long:" + String(long.prefix(195)), "odd:v1+5"])
            #expect(found.leftOut.allSatisfy { $0.code == "name-unusable" && $0.reason.count <= 500 })
            #expect(try await parts.destinations == ["registry.example/auto/good:1"])

            let running = Task { await parts.publisher.run() }
            // Many scans later, since missing blobs may still come.
            try await parts.log.wait(for: 4) { if case .storeTrouble = $0 { true } else { false } }
            running.cancel()
            await running.value
            let lines = parts.log.lines
            #expect(lines.filter { $0.hasPrefix("\(store): broken:") }.count == 2, "\(lines)")
            let events = try await parts.queue.events(after: 0, limit: 100).filter { $0.kind == .imageLeftOut }
            #expect(events.count == 2 && events.allSatisfy { $0.code == "name-unusable" })
            #expect(
                events.contains { $0.image == "odd:v1+5" && $0.message?.hasPrefix("\(store): odd:v1+5 is") == true })
        }
    }

    @Test("by {arch} leaves out an index with a child of which nothing says what it is")
    func unknownChild() async throws {
        try await TemporaryDirectory.with { temporary in
            let parts = try Parts(temporary, to: "registry.example/{name}:{tag}-{arch}")
            _ = try await parts.publisher.scan(parts.builder.directory)
            let builder = parts.builder
            let image = try builder.addImage(layers: [])
            let attestation = try builder.addAttestation(for: image)
            let unknown = try builder.addImage(layers: [], label: "other").with(
                annotations: nil, platform: Platform(os: "unknown", architecture: "unknown"))
            try builder.addIndex(of: [image, attestation], name: "app:1")
            try builder.addIndex(of: [image, unknown], name: "app:2")
            try builder.writeIndexJSON()
            let found = try await parts.publisher.scan(builder.directory)
            #expect(found.leftOut.map(\.image) == ["app:2"] && found.leftOut.first?.code == "template-unusable")
            #expect(try await parts.destinations == ["registry.example/app:1-amd64"])
        }
    }
}
