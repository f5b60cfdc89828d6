import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

/// Distribution on a file system writes links in place: two writers of one link make its readers fail.
@Suite("Of pushes of one image to several tags of a repository", .timeLimit(.minutes(2)))
struct SameRepositoryTests {
    private static let tags = 8

    private func pushAll(_ bench: Bench, _ registry: TestRegistry) async throws -> [JobID] {
        var jobs: [JobID] = []
        for tag in 0..<Self.tags { jobs.append(try await bench.push("app:1", to: "\(registry.address)/b:\(tag)")) }
        return jobs
    }

    @Test("one mounts a layer, and the others wait for it")
    func oneMount() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 100_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                try await bench.publish("app:1", to: "\(registry.address)/a:1")
                let gate = TestGate()
                let target = "mount=\(layer.digest)"
                registry.faults.add(Fault(.mount, repository: "b", times: .max, .stallAnswer(until: gate)))
                let jobs = try await pushAll(bench, registry)
                try await gate.waitForArrival()
                // Each of them has come as far as its blobs.
                try await registry.waitUntil("all have asked for their tag") {
                    registry.count(of: .manifest, method: "HEAD", repository: "b") >= Self.tags
                }
                gate.open()
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                let mounts = registry.requests(.mount).filter {
                    $0.target.hasPrefix("/v2/b/") && $0.target.contains(target)
                }
                #expect(mounts.count == 1, "\(mounts.map(\.target))")
            }
        }
    }

    @Test("one at a time puts the manifest, or looks whether it is there")
    func oneManifest() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.faults.add(
                    Fault(.manifest, method: "PUT", times: .max, .delayAnswer(.milliseconds(20))))
                let jobs = try await pushAll(bench, registry)
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                let asked = registry.requests(.manifest).filter { $0.status.map { $0 < 400 } == true }
                let puts = asked.filter { $0.method == "PUT" }
                #expect(puts.count == Self.tags)
                for put in puts {
                    let meanwhile = asked.filter { $0.at > put.at && $0.at < put.at + .milliseconds(20) }
                    #expect(meanwhile.isEmpty, "\(meanwhile.map(\.line))")
                }
            }
        }
    }

    @Test("a failure that passes while the tag is looked for costs no attempt")
    func verification() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.faults.add(Fault(.manifest, method: "HEAD", nth: 2, .respond(Answer(500))))
                let job = try await bench.publish("app:1", to: "\(registry.address)/b:1").job
                #expect(job.attempts == 1)
                #expect(registry.requests(.manifest).count { $0.status == 500 } == 1)
            }
        }
    }
}
