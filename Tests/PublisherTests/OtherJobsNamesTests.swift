import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

/// Jobs of one machine may be those of several people.
@Suite("The repository of one job is not named to others")
struct OtherJobsNamesTests {
    private static let naming = Answer(
        503, headers: [("Content-Type", "application/json")],
        #"{"errors":[{"code":"UNAVAILABLE","message":"the storage of secret/one is away"}]}"#)

    @Test("by the reason of a pause, nor by what jobs wait for")
    func pause() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(3600), cap: .seconds(3600)) }) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.faults.add(Fault(nil, times: .max, .respond(Self.naming)))
                let first = try await bench.push("app:1", to: "\(registry.address)/secret/one:1")
                try await bench.waitFor(.waiting, of: first)
                let second = try await bench.push("app:1", to: "\(registry.address)/other/two:1")

                let paused = try #require(await bench.publisher.activity.first)
                #expect(paused.reason == "it is not available (HTTP status 503)")
                let waiting = try #require(await bench.publisher.snapshot(second))
                #expect(
                    waiting.waitsFor
                        == "\(registry.address), which is paused: it is not available (HTTP status 503)")
                #expect(waiting.nextAttemptAt == paused.pausedUntil)
                // Its own error has all there is to know.
                let own = try #require(await bench.publisher.snapshot(first)?.job.error)
                #expect(own.message.contains("secret/one:1"))

                await bench.publisher.pause(registry.address)
                let held = try #require(await bench.publisher.snapshot(second)).waitsFor
                #expect(held == "\(registry.address), which is paused by command")
            }
        }
    }

    @Test("by the error of a transfer that they have waited for")
    func sharedTransfer() async throws {
        try await TestRegistry.with(receiveBuffer: 16_384) { registry in
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(3600), cap: .seconds(3600)) }) { bench in
                try await bench.withHeldLeader(registry, jobs: 3) { jobs, layer, leader, gate in
                    let answer = Answer(
                        500, headers: [("Content-Type", "application/json")],
                        #"{"errors":[{"code":"UNKNOWN","message":"r\#(leader) is lost"}]}"#)
                    for kind in [RequestKind.uploadStatus, .uploadStart, .uploadBody] {
                        registry.faults.add(
                            Fault(kind, repository: "r\(leader)", times: .max, .respond(answer)))
                    }
                    registry.pause()
                    gate.open()
                    try registry.resume()
                    for (number, job) in jobs.enumerated() {
                        try await bench.waitFor(.waiting, of: job)
                        let message = try #require(await bench.publisher.snapshot(job)?.job.error).message
                        let named = (0..<jobs.count).filter { message.contains("r\($0)") }
                        #expect(named == [number], "\(message)")
                        #expect(message.contains(layer.digest.hex.prefix(12)), "\(message)")
                    }
                }
            }
        }
    }
}

@Suite("The sums of a job that waits")
struct WaitingSumsTests {
    @Test("hold the bytes that it had sent, also where its blobs are not asked for")
    func partlySent() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(3600), cap: .seconds(3600)) }) { bench in
                let layer = try bench.builder.addLayer(size: 8_000_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                registry.faults.add(Fault(.uploadBody, minimumBody: 1_000_000, .cut(afterBodyBytes: 2_000_000)))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                #expect(await !bench.publisher.isPartlySent(job + 1))
                try await bench.waitFor(.waiting, of: job)
                #expect(await bench.publisher.isPartlySent(job))
                let snapshot = try #require(await bench.publisher.snapshot(job))
                #expect(snapshot.bytesUploaded > 0)
            }
        }
    }
}
