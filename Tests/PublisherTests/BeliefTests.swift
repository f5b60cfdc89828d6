import OCI
import PushQueue
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// What is believed without a look, and what is looked at all the same.
@Suite("What a push believes", .timeLimit(.minutes(2)))
struct BeliefTests {
    @Test("a tag that is there already is no proof of its blobs where those are to be verified")
    func verifiedBlobs() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry.maximumFailures = 1 }) { bench in
                let layer = try bench.builder.addLayer(size: 100_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                func push(_ level: VerifyLevel) async throws -> Job {
                    let id = try await bench.push("app:1", to: registry.address + "/r:1") { $0.verify = level }
                    return try await bench.settled(id).job
                }
                for level in [VerifyLevel.manifest, .blobs, .deep] {
                    #expect(try await push(level).state == .succeeded)
                }
                try registry.corruptBlob(layer.digest)
                #expect(try await push(.blobs).state == .succeeded, "its size is as it should be")
                let deep = try await push(.deep)
                #expect(deep.state == .failed && deep.error?.code == "verification-failed")
                registry.removeBlob(layer.digest, from: "r")
                #expect(try await push(.manifest).state == .succeeded)
                let missing = try await push(.blobs)
                #expect(missing.state == .failed && missing.error?.message.contains("is missing") == true)
            }
        }
    }

    @Test("with --force remembered child manifests are put again")
    func forcedChildren() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let child = try bench.builder.addImage(
                    layers: [try bench.builder.addLayer(size: 1000)],
                    platform: Platform(os: "linux", architecture: "amd64"))
                try bench.builder.addIndex(of: [child], name: "multi:1")
                try bench.builder.writeIndexJSON()
                func puts() -> Int {
                    registry.requests(.manifest, method: "PUT").count {
                        $0.target.hasSuffix(child.digest.description)
                    }
                }
                try await bench.publish("multi:1", to: registry.address + "/r:1")
                try await bench.publish("multi:1", to: registry.address + "/r:2")
                #expect(puts() == 1)
                try await bench.publish("multi:1", to: registry.address + "/r:1") { $0.force = true }
                #expect(puts() == 2)
            }
        }
    }

    @Test("what is remembered is believed for its age, and asked about afterwards")
    func age() async throws {
        try await TemporaryDirectory.with { directory in
            try await TestRegistry.with { registry in
                let later = Mutex<Int64>(0)
                let clocks = Clocks(
                    wall: { Clocks.machine.wall() + later.withLock { $0 } },
                    elapsed: { Clocks.machine.elapsed() + later.withLock { $0 } },
                    awake: { Clocks.machine.awake() + later.withLock { $0 } })
                try await Bench.with(
                    in: directory, { $0.ledgerAge = .seconds(3600) }, clocks: clocks
                ) { bench in
                    let layer = try bench.builder.addLayer(size: 300_000, seed: 1)
                    for name in ["a", "b", "c"] {
                        try bench.builder.addImage(layers: [layer], name: "\(name):1", label: name)
                    }
                    try bench.builder.writeIndexJSON()
                    func questions(_ name: String) async throws -> Int {
                        let before = registry.requests.count
                        try await bench.publish("\(name):1", to: "\(registry.address)/r:\(name)")
                        return registry.requests.dropFirst(before).count { $0.target.contains(layer.digest.hex) }
                    }
                    #expect(try await questions("a") > 0)
                    #expect(try await questions("b") == 0)
                    later.withLock { $0 = 3_601_000 }
                    #expect(try await questions("c") > 0)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
            }
        }
    }

    @Test("a registry that misses what it was remembered to have is believed nothing of that repository")
    func contradiction() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let (lost, other) = (
                    try bench.builder.addLayer(size: 100_000, seed: 1),
                    try bench.builder.addLayer(size: 70_000, seed: 2)
                )
                try bench.image("one:1", layers: [lost])
                try bench.image("two:1", layers: [other])
                try bench.image("three:1", layers: [lost, try bench.builder.addLayer(size: 500, seed: 3)])
                for name in ["one", "two"] { try await bench.publish("\(name):1", to: "\(registry.address)/r:\(name)") }
                try await bench.publish("two:1", to: "\(registry.address)/elsewhere:two")
                func knows(_ repository: String) async throws -> Bool {
                    try await bench.queue.knows(
                        other.digest, registry: registry.address, repository: repository, since: 0)
                }
                #expect(try await knows("r"))
                registry.removeBlob(lost.digest, from: "r")
                try await bench.publish("three:1", to: "\(registry.address)/r:three")
                #expect(registry.hasBlob(lost.digest, in: "r"))
                #expect(try await !knows("r"))
                #expect(try await knows("elsewhere"), "another repository is not doubted")
            }
        }
    }

    @Test("trouble with one blob does not cut the bodies of others that are under way")
    func bodiesGoOn() async throws {
        try await TestRegistry.with { registry in
            // A wait that only a person ends, so that nothing can be sent again.
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(3600), cap: .seconds(3600)) }) { bench in
                let layers = [
                    try bench.builder.addLayer(size: 200_000, seed: 1),
                    try bench.builder.addLayer(size: 200_000, seed: 2),
                ]
                try bench.image("app:1", layers: layers)
                let gate = TestGate()
                registry.faults.add(
                    Fault(.uploadBody, minimumBody: 200_000, .stall(afterBodyBytes: 50_000, until: gate)))
                registry.faults.add(Fault(.uploadBody, minimumBody: 200_000, nth: 2, .respond(Answer(503))))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                try await gate.waitForArrival()
                while await bench.publisher.activity.first?.pausedUntil == nil { await Task.yield() }
                gate.open()
                try await bench.waitFor(.waiting, of: job)
                let arrived = layers.filter { registry.hasBlob($0.digest, in: "r") }
                #expect(arrived.count == 1, "the body that was under way came to its end")
                #expect(arrived.allSatisfy { registry.bodyBytes(for: $0.digest) == $0.size })
            }
        }
    }

    @Test("a child manifest of another size than its index says is a difference")
    func childSize() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let child = try bench.builder.addImage(layers: [try bench.builder.addLayer(size: 1000)])
                try bench.builder.addIndex(of: [child], name: "multi:1")
                try bench.builder.writeIndexJSON()
                try await bench.publish("multi:1", to: registry.address + "/r:1")
                let reference = try ImageReference(parsing: registry.address + "/r:1")
                let index = try #require(registry.manifest("r", "1"))
                let text = String(decoding: index, as: UTF8.self)
                    .replacing("\"size\":\(child.size)", with: "\"size\":\(child.size + 1)")
                #expect(Array(text.utf8) != index)
                registry.addManifest(Array(text.utf8), mediaType: .ociIndex, to: "r", tag: "1")
                let report = try #require(
                    try await bench.publisher.verify(reference, against: nil, level: .manifest))
                #expect(report.problems.map(\.kind) == [.sizeDiffers])
                #expect(report.problems.first?.digest == child.digest)
            }
        }
    }
}
