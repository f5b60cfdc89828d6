import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

@Suite("A registry that limits what comes at once", .timeLimit(.minutes(2)))
struct RateLimitTests {
    @Test("by 403 and in words only, as GHCR, is left alone for minutes, and that is no question of rights")
    func secondaryLimit() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
                let words = "permission_denied: You have exceeded a secondary rate limit. Please wait a few minutes"
                registry.faults.add(Fault(.uploadStart, times: .max, .respond(.refusal(403, "DENIED", words))))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                try await bench.waitFor(.waiting, of: job)
                #expect(try await bench.publisher.snapshot(job)?.job.error?.code == "rate-limited")
                let until = try #require(await bench.publisher.activity.first?.pausedUntil)
                #expect(until - Bench.now > 100_000)
            }
        }
    }
}
