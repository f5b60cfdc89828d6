import HTTP
import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

extension Bench {
    /// Images of one big layer and a small one each, pushed to a repository each while the big one's body is held.
    func withHeldLeader(
        _ registry: TestRegistry, jobs count: Int,
        _ body: (_ jobs: [JobID], _ layer: Descriptor, _ leader: Int, _ gate: TestGate) async throws -> Void
    ) async throws {
        let layer = try builder.addLayer(size: 300_000, seed: 1)
        let gate = TestGate()
        registry.faults.add(Fault(.uploadBody, minimumBody: 300_000, .stall(afterBodyBytes: 100_000, until: gate)))
        var jobs: [JobID] = []
        for number in 0..<count {
            try image(
                "app\(number):1", layers: [layer, try builder.addLayer(size: 90, seed: UInt64(number + 9))])
            jobs.append(try await push("app\(number):1", to: "\(registry.address)/r\(number):1"))
        }
        try await gate.waitForArrival()
        // All others wait for the one whose body is under way.
        var leader: Int?
        for (number, job) in jobs.enumerated() {
            while true {
                let blob = try await publisher.snapshot(job)?.blobs.first { $0.blob.digest == layer.digest }
                if blob?.detail?.hasPrefix("shared with job") == true { break }
                if let blob, blob.bytesDone > 0 {
                    leader = number
                    break
                }
                await Task.yield()
            }
        }
        try await body(jobs, layer, try #require(leader), gate)
    }
}

@Suite("The bytes that are shown of a job")
struct ProgressTests {
    /// The layer's bytes as they are shown now.
    private func shown(_ layer: Descriptor, of job: JobID, _ bench: Bench) async throws -> Int64 {
        let blobs = try await bench.publisher.snapshot(job)?.blobs
        return try #require(blobs?.first { $0.blob.digest == layer.digest }).bytesDone
    }

    @Test("never become less, from a broken body over the wait to its going on, and on to the end")
    func resumed() async throws {
        try await TestRegistry.with { registry in
            // A wait that only a person ends, so that each moment can be looked at.
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(3600), cap: .seconds(3600)) }) { bench in
                let layer = try bench.builder.addLayer(size: 8_000_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let (first, second, third) = (TestGate(), TestGate(), TestGate())
                registry.faults.add(
                    Fault(.uploadBody, minimumBody: 1_000_000, .stall(afterBodyBytes: 300_000, until: first)))
                registry.faults.add(Fault(.uploadBody, minimumBody: 1_000_000, .cut(afterBodyBytes: 400_000)))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                var seen: [Int64] = []
                try await first.waitForArrival()
                seen.append(try await shown(layer, of: job, bench))
                #expect(seen[0] > 0)
                first.open()
                try await bench.waitFor(.waiting, of: job)
                seen.append(try await shown(layer, of: job, bench))

                // The next attempt has begun, and knows nothing of the upload yet.
                registry.faults.add(Fault(.manifest, method: "HEAD", .stallAnswer(until: second)))
                registry.faults.add(
                    Fault(.uploadBody, minimumBody: 1_000_000, .stall(afterBodyBytes: 100_000, until: third)))
                #expect(try await bench.publisher.retry([job]).revived == [job])
                try await second.waitForArrival()
                seen.append(try await shown(layer, of: job, bench))
                second.open()
                // It goes on at the registry's offset, which is behind what had been sent.
                try await third.waitForArrival()
                seen.append(try await shown(layer, of: job, bench))
                third.open()
                let ended = try await bench.settled(job)
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                seen.append(try await shown(layer, of: job, bench))
                #expect(seen == seen.sorted(), "\(seen)")
                #expect(seen.last == layer.size)
                #expect(registry.bodyBytes(for: layer.digest) < 2 * layer.size, "it was gone on with")
            }
        }
    }

    @Test("never become less while the job waits for the transfer of another one that is canceled")
    func leaderCanceled() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try await bench.withHeldLeader(registry, jobs: 3) { jobs, layer, leader, gate in
                    let waiter = jobs[leader == 0 ? 1 : 0]
                    let before = try await shown(layer, of: waiter, bench)
                    #expect(before > 0, "the leader's bytes are shown")
                    // They count as the leader's alone; of its own the waiter has a small layer at most.
                    let sum = try #require(await bench.publisher.snapshot(waiter)).bytesUploaded
                    #expect(sum < before, "\(sum)")
                    _ = try await bench.publisher.cancel([jobs[leader]])
                    // Not only canceled, but gone.
                    let activity = await bench.publisher.changes()
                    for await _ in activity.starting(with: waiter) {
                        if await bench.publisher.activity.first?.running == 2 { break }
                    }
                    #expect(try await shown(layer, of: waiter, bench) >= before)
                    gate.open()
                    #expect(try await bench.settled(waiter).job.state == .succeeded)
                    #expect(try await shown(layer, of: waiter, bench) == layer.size)
                }
            }
        }
    }
}

@Suite("What is sent a second time")
struct SentAgainTests {
    @Test("is told from where the upload goes on until it has come as far as it was")
    func meter() {
        let meter = TransferMeter()
        #expect(meter.sentAgain(shown: 100) == nil, "nothing is under way")
        let upload = TransferProgress()
        meter.follow(upload)
        #expect(meter.sentAgain(shown: 100) == nil, "the registry was not asked yet")
        upload.reset(to: 40)
        #expect(meter.sentAgain(shown: 100) == 60)
        upload.add(30)
        #expect(meter.sentAgain(shown: 100) == 60)
        upload.add(30)
        #expect(meter.sentAgain(shown: 100) == nil)
        upload.reset(to: 0)
        #expect(meter.sentAgain(shown: 100) == 100, "it began anew")
    }
}
