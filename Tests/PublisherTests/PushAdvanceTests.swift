import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// Progress is only what brings a push nearer to its end.
@Suite("The progress of a push over its attempts", .timeLimit(.minutes(2)))
struct PushAdvanceTests {
    @Test("is a blob that was never held, and an offset that was never reached")
    func pure() {
        let (one, two) = (Digest(of: [1]), Digest(of: [2]))
        var advance = PushAdvance()
        let reached = [
            advance.reach(0, of: one), advance.reach(10, of: one), advance.reach(10, of: one),
            advance.reach(5, of: one), advance.reach(5, of: two), advance.reach(11, of: one),
        ]
        #expect(reached == [false, true, false, false, true, true])
        let held = [advance.hold(one), advance.hold(one)]
        #expect(held == [true, false])
        let beyond = advance.reach(12, of: one)
        #expect(!beyond, "the registry had it all before")
    }

    @Test("is handed on from attempt to attempt")
    func carried() {
        let digest = Digest(of: [1])
        let first = JobProgress(changed: {})
        #expect(!first.hasAdvanced)
        first.noteKept(100, of: digest)
        #expect(first.hasAdvanced)
        let second = JobProgress(before: first.carried, changed: {})
        second.noteKept(100, of: digest)
        #expect(!second.hasAdvanced)
        second.noteKept(101, of: digest)
        #expect(second.hasAdvanced)
    }

    @Test("is none at a registry that takes all bytes and loses them each time: the push is given up")
    func lostEachTime() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry.maximumFailures = 3 }) { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                registry.faults.add(
                    Fault(.uploadBody, method: "PUT", times: .max, .hideCommit(looks: 1_000_000)))
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .failed)
                #expect(ended.job.error?.code == "references-missing")
                // The first attempt brought blobs that had never been there; three more brought nothing new.
                #expect(ended.job.attempts == 4)
                #expect(ended.job.failures == 3)
                #expect(registry.bodyBytes(for: layer.digest) > layer.size, "bytes did move each time")
            }
        }
    }

    @Test("keeps an attempt from being the one that gives up")
    func notGivenUp() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry.maximumFailures = 1 }) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 200_000, seed: 1)])
                // All blobs have come, and then the registry fails.
                registry.faults.add(Fault(.manifest, method: "PUT", .respond(.refusal(500, "UNKNOWN"))))
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .succeeded)
                #expect(ended.job.attempts == 2)
                // One that brings nothing new is given up at once.
                registry.faults.add(Fault(.manifest, method: "PUT", .respond(.refusal(500, "UNKNOWN"))))
                let next = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:2"))
                #expect(next.job.state == .failed)
                #expect(next.job.attempts == 1)
            }
        }
    }
}
