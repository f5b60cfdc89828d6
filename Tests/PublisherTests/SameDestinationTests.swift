import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

/// Several wishes for one tag, while one of them is being carried out.
@Suite("Of pushes to the same destination")
struct SameDestinationTests {
    /// Two images, and a job for the first whose layer is on its way and held.
    private func withRunning(
        _ registry: TestRegistry, _ bench: Bench,
        _ body: (_ older: JobID, _ layer: Descriptor, _ newer: Digest, _ gate: TestGate) async throws -> Void
    ) async throws {
        let layer = try bench.builder.addLayer(size: 300_000, seed: 1)
        try bench.image("app:1", layers: [layer])
        let newer = try bench.image("app:2", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
        let gate = TestGate()
        registry.faults.add(Fault(.uploadBody, minimumBody: 300_000, .stall(afterBodyBytes: 100_000, until: gate)))
        let older = try await bench.push("app:1", to: registry.address + "/r:x")
        try await gate.waitForArrival()
        try await body(older, layer, newer, gate)
    }

    @Test("a running one goes on when a newer image comes, which then gets the tag")
    func newerAfterRunning() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try await withRunning(registry, bench) { older, layer, newer, gate in
                    let next = try await bench.push("app:2", to: registry.address + "/r:x")
                    #expect(next != older)
                    #expect(try await bench.publisher.snapshot(older)?.job.state == .running)
                    #expect(try await bench.publisher.snapshot(next)?.job.state == .queued)
                    gate.open()
                    #expect(try await bench.settled(older).job.state == .succeeded)
                    #expect(try await bench.settled(next).job.state == .succeeded)
                    #expect(registry.tags("r") == ["x": newer])
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
            }
        }
    }

    @Test("a running one that would have to wait gives way to the newer image at once")
    func newerInsteadOfRetry() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try await withRunning(registry, bench) { older, _, newer, gate in
                    let next = try await bench.push("app:2", to: registry.address + "/r:x")
                    registry.faults.add(Fault(.manifest, method: "PUT", .respond(Answer(500))))
                    gate.open()
                    let ended = try await bench.settled(older).job
                    #expect(ended.state == .superseded && ended.supersededBy == next && ended.attempts == 1)
                    #expect(try await bench.settled(next).job.state == .succeeded)
                    #expect(registry.tags("r") == ["x": newer])
                    // What has ended so does not come back, and neither does what has succeeded.
                    #expect(try await bench.publisher.retry([older, next]).revived == [])
                    #expect(registry.tags("r") == ["x": newer])
                }
            }
        }
    }

    @Test("to try a running one again changes nothing of it")
    func retryOfRunning() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try await withRunning(registry, bench) { older, layer, _, gate in
                    #expect(try await bench.publisher.retry([older]).revived == [])
                    #expect(try await bench.publisher.snapshot(older)?.job.state == .running)
                    gate.open()
                    let ended = try await bench.settled(older).job
                    #expect(ended.state == .succeeded && ended.attempts == 1)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
            }
        }
    }

    @Test("one that has failed is not tried again over a newer image that was pushed since")
    func retryOfOutdated() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                let newer = try bench.image("app:2", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                let refusal = Answer(
                    400, headers: [("Content-Type", "application/json")], #"{"errors":[{"code":"TAG_INVALID"}]}"#)
                registry.faults.add(Fault(.manifest, method: "PUT", .respond(refusal)))
                let older = try await bench.push("app:1", to: registry.address + "/r:x")
                #expect(try await bench.settled(older).job.state == .failed)
                try await bench.publish("app:2", to: registry.address + "/r:x")
                #expect(try await bench.publisher.retry([older]).revived == [])
                #expect(try await bench.publisher.retry(nil).revived == [])
                #expect(registry.tags("r") == ["x": newer])
            }
        }
    }

    // MARK: A command and a rule

    private func withRule(
        _ registry: TestRegistry, _ body: @Sendable (Bench) async throws -> Void
    ) async throws {
        let rule = PublishRule(
            image: try #require(Glob("app")), destinations: [try DestinationTemplate(registry.address + "/r:x")])
        try await Bench.with({ $0.rules = [rule] }) { bench in
            // Held, so that whatever comes meets in the queue.
            await bench.publisher.pause(nil)
            try await body(bench)
        }
    }

    private static func isByRule(_ entry: PublisherLog) -> Bool {
        if case .accepted(_, _, _, .rule) = entry { true } else { false }
    }

    private static func isAccepted(_ entry: PublisherLog) -> Bool {
        if case .accepted = entry { true } else { false }
    }

    @Test("a command's and a rule's for the same image are one job, whichever is first", arguments: [true, false])
    func commandAndRule(ruleFirst: Bool) async throws {
        try await TestRegistry.with { registry in
            try await withRule(registry) { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                let digest = try bench.image("app:1", layers: [layer])
                if ruleFirst { try await bench.log.wait(for: 1, where: Self.isByRule) }
                // Ten at a time, while the watcher looks at the same image if it has not done so yet.
                let jobs = try await withThrowingTaskGroup(of: JobID.self) { group in
                    for _ in 0..<10 {
                        group.addTask { try await bench.push("app:1", to: registry.address + "/r:x") }
                    }
                    return try await group.reduce(into: Set<JobID>()) { $0.insert($1) }
                }
                #expect(jobs.count == 1)
                try await waitUntil("the rule has dealt with it") {
                    try await bench.queue.handled(store: "oci:" + bench.directory.file("images"), name: "app:1")
                        == digest
                }
                // The log follows the queue's changes in their order, a moment later.
                try await bench.log.wait(for: 1, where: Self.isAccepted)
                await bench.publisher.resume(nil)
                #expect(try await bench.settled(try #require(jobs.first)).job.state == .succeeded)
                #expect(try await bench.publisher.jobs(JobFilter()).count == 1)
                #expect(bench.log.count(where: Self.isAccepted) == 1)
                #expect(registry.tags("r") == ["x": digest])
                #expect(registry.requests(.manifest, method: "PUT").count == 1)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
            }
        }
    }

    @Test("of a command's and a rule's for different images the newer wins", arguments: [true, false])
    func newestOfBoth(ruleFirst: Bool) async throws {
        try await TestRegistry.with { registry in
            try await withRule(registry) { bench in
                let other = try bench.image("other:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                func command() async throws { _ = try await bench.push("other:1", to: registry.address + "/r:x") }
                if !ruleFirst { try await command() }
                let app = try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                try await bench.log.wait(for: 1, where: Self.isByRule)
                if ruleFirst { try await command() }
                let jobs = try await bench.publisher.jobs(JobFilter())  // newest first
                try #require(jobs.count == 2)
                #expect(jobs.map(\.origin) == (ruleFirst ? [.command, .rule] : [.rule, .command]))
                await bench.publisher.resume(nil)
                #expect(try await bench.settled(jobs[0].id).job.state == .succeeded)
                #expect(try await bench.settled(jobs[1].id).job.state == .superseded)
                #expect(registry.tags("r") == ["x": ruleFirst ? other : app])
                #expect(registry.requests(.manifest, method: "PUT").count == 1)
            }
        }
    }
}
