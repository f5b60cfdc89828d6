import FoundationEssentials
import OCI
import TestSupport
import Testing

@Suite("Publishing by itself")
struct AutoPublishTests {
    private func rules(_ registry: TestRegistry, _ more: String = "") -> String {
        "rules: [{ image: 'app', to: '\(registry.address)/auto/{name}:{tag}' }], retry: { base: '5ms' }, \(more)"
    }

    private func write(_ machine: Machine, tag: String, seed: UInt64, name: String = "app") throws -> Digest {
        let builder = try LayoutBuilder(directory: machine.layout)
        let image = try builder.addImage(
            layers: [try builder.addLayer(size: 20_000, seed: seed)], name: "\(name):\(tag)")
        try builder.writeIndexJSON()
        return image.digest
    }

    @Test("a new image is in the registry within a second or so of its index being complete, and only once")
    func publishes() async throws {
        try await Machine.with { machine in
            try await TestRegistry.with { registry in
                _ = try await machine.withDaemon(rules(registry)) { _ in
                    let first = try write(machine, tag: "1", seed: 1)
                    try await registry.waitUntil("the image is there") { registry.tags("auto/app")["1"] == first }
                    let job = try #require(try await machine.json("status").first?["jobs"]?.list?.first)
                    #expect(job["origin"]?.string == "rule")

                    let second = try write(machine, tag: "1", seed: 2)
                    try await registry.waitUntil("the changed image is there") {
                        registry.tags("auto/app")["1"] == second
                    }
                    // The same index once more is nothing new.
                    _ = try write(machine, tag: "1", seed: 2)
                    let third = try write(machine, tag: "2", seed: 3)
                    try await registry.waitUntil("the third image is there") { registry.tags("auto/app")["2"] == third }
                    let jobs = try await machine.json("status").first?["jobs"]?.list ?? []
                    #expect(
                        jobs.count == 3,
                        "\(jobs.map { "\($0["destination"]?.string ?? "") \($0["digest"]?.string ?? "")" })")
                }
            }
        }
    }

    @Test("what changed while the daemon was down is caught up; what no rule names is left alone")
    func catchesUp() async throws {
        try await Machine.with { machine in
            try await TestRegistry.with { registry in
                let daemon = try await machine.start(rules(registry))
                let first = try write(machine, tag: "1", seed: 1)
                try await registry.waitUntil("the image is there") { registry.tags("auto/app")["1"] == first }
                daemon.send(9)
                _ = try await daemon.wait()
                let second = try write(machine, tag: "2", seed: 2)
                try await machine.withDaemon(rules(registry)) { _ in
                    try await registry.waitUntil("the image is caught up") { registry.tags("auto/app")["2"] == second }
                    _ = try write(machine, tag: "1", seed: 9, name: "other")
                    let last = try write(machine, tag: "3", seed: 3)
                    try await registry.waitUntil("the next image is there") { registry.tags("auto/app")["3"] == last }
                    #expect(registry.repositories == ["auto/app"])
                }
            }
        }
    }

    @Test("images that were there before are published only where that is asked for", arguments: [false, true])
    func baseline(publishesExisting: Bool) async throws {
        try await Machine.with { machine in
            let old = try write(machine, tag: "old", seed: 1)
            try await TestRegistry.with { registry in
                try await machine.withDaemon(rules(registry, "publishExisting: \(publishesExisting)")) { _ in
                    if publishesExisting {
                        try await registry.waitUntil("the old image is there") {
                            registry.tags("auto/app")["old"] == old
                        }
                    }
                    let builder = try LayoutBuilder(directory: machine.layout)
                    try builder.addImage(layers: [try builder.addLayer(size: 20_000, seed: 1)], name: "app:old")
                    let new = try builder.addImage(layers: [try builder.addLayer(size: 9000, seed: 2)], name: "app:new")
                    try builder.writeIndexJSON()
                    try await registry.waitUntil("the new image is there") {
                        registry.tags("auto/app")["new"] == new.digest
                    }
                    #expect((registry.tags("auto/app")["old"] != nil) == publishesExisting)
                }
            }
        }
    }

    @Test("an image whose blobs come after its index is published when it is whole")
    func unfinished() async throws {
        try await Machine.with { machine in
            try await TestRegistry.with { registry in
                try await machine.withDaemon(rules(registry)) { daemon in
                    let builder = try LayoutBuilder(directory: machine.layout)
                    let layer = try builder.addLayer(size: 20_000, seed: 1)
                    let image = try builder.addImage(layers: [layer], name: "app:1")
                    let path = builder.path(of: layer.digest)
                    let hidden = machine.directory.file("hidden")
                    try FileManager.default.moveItem(atPath: path, toPath: hidden)
                    try builder.writeIndexJSON()
                    _ = try write(machine, tag: "x", seed: 7, name: "ignored")
                    try FileManager.default.moveItem(atPath: hidden, toPath: path)
                    _ = builder
                    let again = try LayoutBuilder(directory: machine.layout)
                    try again.addImage(layers: [try again.addLayer(size: 20_000, seed: 1)], name: "app:1")
                    try again.writeIndexJSON()
                    try await registry.waitUntil("the image is there") {
                        registry.tags("auto/app")["1"] == image.digest
                    }
                    _ = daemon
                }
            }
        }
    }

    @Test("what a rule names and can't publish is in the log, once, with the reason")
    func told() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                let daemon = try await machine.start(
                    "rules: [{ image: 'app', to: '\(registry.address)/auto/{name}:{tag}' }]")
                let layer = try builder.addLayer(size: 5000)
                try builder.addImage(layers: [layer], name: "app:v1.0+build5", label: "odd")
                try builder.addImage(layers: [layer], name: "other:v1.0+build5", label: "other")
                let type = MediaType("application/vnd.cncf.helm.config.v1+json")
                builder.addEntry(try builder.addBlob(Array("{}".utf8), mediaType: type), refName: "app:chart")
                let good = try builder.addImage(layers: [layer], name: "app:1")
                try builder.writeIndexJSON()
                try await registry.waitUntil("the good one is there") { registry.tags("auto/app")["1"] == good.digest }
                try await daemon.waitForOutput("app:v1.0+build5 is not published: \"v1.0+build5\" is not a valid tag")
                try await daemon.waitForOutput(
                    "app:chart is not published: it is of the type application/vnd.cncf.helm")
                let events = try await machine.json("events").filter { $0["kind"]?.string == "image-left-out" }
                #expect(events.compactMap { $0["image"]?.string }.sorted() == ["app:chart", "app:v1.0+build5"])
                #expect(
                    events.compactMap { $0["code"]?.string }.sorted() == ["entry-not-supported", "name-unusable"])
                // Looked at once more, it is nothing new.
                let last = try builder.addImage(layers: [layer], name: "app:2", label: "last")
                try builder.writeIndexJSON()
                try await registry.waitUntil("the last is there") { registry.tags("auto/app")["2"] == last.digest }
                await daemon.end()
                let log = daemon.errors
                #expect(log.ranges(of: "app:v1.0+build5 is not published").count == 1)
                #expect(!log.contains("other:v1.0+build5"))
            }
        }
    }
}
