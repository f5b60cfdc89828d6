import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// What a registry in trouble is spared.
@Suite("Towards a registry in trouble")
struct RegistryTroubleTests {
    private func enqueue(_ count: Int, _ bench: Bench, _ registry: TestRegistry) async throws -> [JobID] {
        var jobs: [JobID] = []
        let layer = try bench.builder.addLayer(size: 1000, seed: 1)
        for number in 0..<count {
            try bench.builder.addImage(layers: [layer], name: "app\(number):1", label: "\(number)")
        }
        try bench.builder.writeIndexJSON()
        for number in 0..<count {
            jobs.append(try await bench.push("app\(number):1", to: "\(registry.address)/r\(number):1"))
        }
        return jobs
    }

    /// Requests that were refused as `status`, with this number of jobs waiting.
    private func refusals(jobs count: Int, _ fault: Fault) async throws -> Int {
        try await TestRegistry.with { registry in
            let asked = Synchronized(0)
            try await Bench.with({
                $0.retry = RetryPolicy(base: .milliseconds(80), cap: .milliseconds(160))
                $0.jobsPerRegistry = 4
                $0.jobs = 4
            }) { bench in
                await bench.publisher.pause(nil)
                let jobs = try await enqueue(count, bench, registry)
                let number = registry.faults.add(fault)
                await bench.publisher.resume(nil)
                try await registry.waitUntil("six refusals") { registry.faults.fired(number) >= 6 }
                registry.faults.removeAll()
                let refused = registry.requests.count { ($0.status ?? 0) >= 429 }
                asked.set(refused)
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
            }
            return asked.value
        }
    }

    @Test("which takes nothing, 200 jobs ask no oftener than ten")
    func outage() async throws {
        // It answers questions and refuses every change: the first answer is no sign that it is well.
        let fault = Fault(.uploadStart, times: .max, .respond(Answer(503)))
        let few = try await refusals(jobs: 10, fault)
        let many = try await refusals(jobs: 200, fault)
        #expect(many <= few + 8, "\(many) with 200 jobs, \(few) with ten")
    }

    @Test("field 7: Retry-After is obeyed by all its jobs, in seconds and as a date", arguments: [true, false])
    func retryAfter(asDate: Bool) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.jobsPerRegistry = 3 }) { bench in
                await bench.publisher.pause(nil)
                let jobs = try await enqueue(12, bench, registry)
                let wanted = asDate ? HTTPDate.text(secondsFromNow: 3) : "2"
                registry.faults.add(Fault(.manifest, nth: 2, .respond(Answer(429, headers: [("Retry-After", wanted)]))))
                await bench.publisher.resume(nil)
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                let refused = try #require(registry.requests.first { $0.status == 429 })
                let end = try #require(refused.endedAt)
                // What was under way already may come to its end; nothing is begun.
                let during = registry.requests.filter { $0.at > end && $0.at < end + .milliseconds(1800) }
                #expect(during.count <= 12, "\(during.map(\.line))")
                #expect(during.allSatisfy { $0.at < end + .milliseconds(900) }, "\(during.map(\.line))")
            }
        }
    }

    @Test("that is down, the jobs of another are not slowed")
    func twoRegistries() async throws {
        try await TestRegistry.with { broken in
            try await TestRegistry.with { well in
                try await Bench.with { bench in
                    broken.pause()
                    let waiting = try await enqueue(40, bench, broken)
                    let served = try await enqueue(5, bench, well)
                    for job in served {
                        let ended = try await bench.settled(job)
                        #expect(ended.job.state == .succeeded)
                        #expect(ended.job.attempts == 1)
                    }
                    try broken.resume()
                    for job in waiting { #expect(try await bench.settled(job).job.state == .succeeded) }
                }
            }
        }
    }

    @Test("which refuses what it was sent, waits grow although bytes were moved")
    func bytesInVain() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry.maximumFailures = 3 }) { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let refusal = Answer(
                    400, headers: [("Content-Type", "application/json")],
                    #"{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}"#)
                registry.faults.add(
                    Fault(.uploadBody, method: "PUT", repository: "r", times: .max, .replaceAnswer(refusal)))
                registry.faults.add(
                    Fault(
                        .blob, repository: "r", times: .max,
                        .respond(Answer(404, headers: [("Content-Type", "application/json")], "{}"))))
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .failed)
                // An upload that took all and could not be closed looks like progress, once for each of two blobs.
                #expect(ended.job.attempts <= 9, "given up after three failures in a row, not never")
            }
        }
    }

    @Test("field 28: a login that ends in mid-layer is renewed, and each byte is sent once")
    func shortTokens() async throws {
        let service = TestTokenService().with {
            $0.expiresIn = 3
            $0.lifetime = .seconds(3)
        }
        try await TestRegistry.with(authentication: .bearer(service), receiveBuffer: 65_536) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 3_000_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                registry.faults.add(Fault(.uploadBody, minimumBody: 1_000_000, .slow(bytesPerSecond: 800_000)))
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }
}
