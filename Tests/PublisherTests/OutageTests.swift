import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

@Suite("While a registry is down")
struct OutageTests {
    private static let atOnce = 4
    private static let pause = Duration.milliseconds(100)
    /// After so many refusals the registry is back.
    private static let refusals = 12

    /// Lets `count` jobs wait for a registry that is down for a while.
    private func outage(jobs count: Int, _ fault: Fault.Action) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({
                $0.retry = RetryPolicy(base: Self.pause, cap: Self.pause)
                $0.jobsPerRegistry = Self.atOnce
            }) { bench in
                let layer = try bench.builder.addLayer(size: 1000, seed: 1)
                for number in 0..<count {
                    try bench.builder.addImage(layers: [layer], name: "app\(number):1", label: "\(number)")
                }
                try bench.builder.writeIndexJSON()
                await bench.publisher.pause(nil)
                var jobs: [JobID] = []
                for number in 0..<count {
                    jobs.append(try await bench.push("app\(number):1", to: "\(registry.address)/r\(number):1"))
                }
                let number = registry.faults.add(Fault(nil, times: Self.refusals, fault))
                await bench.publisher.resume(nil)
                try await registry.waitUntil("the outage's end", timeout: .seconds(60)) {
                    registry.faults.fired(number) == Self.refusals
                }
                let asked = registry.requests.prefix(Self.refusals)
                var attempts = 0
                for job in jobs {
                    let ended = try await bench.settled(job).job
                    #expect(ended.state == .succeeded)
                    attempts += ended.attempts
                }
                // Those that were under way when it went down may all have asked; from then on one probe stands for
                // all. A pause can only get longer on a busy machine, so its lower bound holds on any.
                let probes = asked.dropFirst(Self.atOnce - 1)
                for (earlier, later) in zip(probes, probes.dropFirst()) {
                    #expect(later.at - earlier.at >= Self.pause - .milliseconds(2), "\(count) jobs")
                }
                #expect(attempts == count + Self.refusals, "each refusal is one attempt, and nothing else fails")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size, "sent once for all")
            }
        }
    }

    @Test("status tells since when, why, and how many jobs wait")
    func activity() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.pause()
                let before = Bench.now
                let jobs = [
                    try await bench.push("app:1", to: "\(registry.address)/r:1"),
                    try await bench.push("app:1", to: "\(registry.address)/r:2"),
                ]
                try await bench.waitFor(.waiting, of: jobs[0])
                try await waitUntil("both wait") {
                    let shown = await bench.publisher.activity.first { $0.name == registry.address }
                    guard let shown, shown.waiting == 2, let since = shown.pausedSince else { return false }
                    return (before...Bench.now).contains(since) && shown.reason?.contains("refused") == true
                }
                try registry.resume()
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                try await waitUntil("nothing is told any more") { await bench.publisher.activity.isEmpty }
            }
        }
    }

    @Test(
        "200 jobs ask as often as one, and all succeed with its return", arguments: [1, 20, 200], [true, false])
    func load(jobs: Int, isAnswering: Bool) async throws {
        try await outage(jobs: jobs, isAnswering ? .respond(Answer(503)) : .cut(afterBodyBytes: 0))
    }

    /// What ends a pause before its time.
    enum Sign: CaseIterable { case resume, resumeAll, retry, login, reload, network }

    @Test("which lasts, a sign that it may be over is followed at once, by all its jobs", arguments: Sign.allCases)
    func signs(sign: Sign) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(29)) }) { bench in
                try await expectAllGo(sign, bench, registry) {
                    registry.pause()
                } mend: {
                    try registry.resume()
                }
            }
        }
    }

    @Test(
        "which it has told the end of, its word is obeyed until a person wants otherwise",
        arguments: [Sign.resume, .resumeAll, .retry, .login])
    func toldPause(sign: Sign) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let busy = Answer(429, headers: [("Retry-After", "999999999")])
                try await expectAllGo(sign, bench, registry) {
                    registry.faults.add(Fault(nil, times: .max, .respond(busy)))
                } mend: {
                    let shown = try await bench.publisher.jobs(.init(states: [.waiting])).first
                    let job = try #require(shown)
                    let next = try #require(try await bench.publisher.snapshot(job, withBlobs: false).nextAttemptAt)
                    // An hour, by default, and not the 31 years that it asked for.
                    // Two clocks, in whole milliseconds.
                    #expect((job.updatedAt + 3_590_000...job.updatedAt + 3_600_001).contains(next))
                    registry.faults.removeAll()
                    let asked = registry.requests.count
                    await bench.publisher.networkChanged()
                    #expect(registry.requests.count == asked)
                }
            }
        }
    }

    private func expectAllGo(
        _ sign: Sign, _ bench: Bench, _ registry: TestRegistry, break harm: () throws -> Void,
        mend: () async throws -> Void
    ) async throws {
        try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
        try harm()
        let first = try await bench.push("app:1", to: "\(registry.address)/r:1")
        try await bench.waitFor(.waiting, of: first)
        let second = try await bench.push("app:1", to: "\(registry.address)/r:2")
        try await mend()
        let publisher = bench.publisher
        switch sign {
        case .resume: await publisher.resume(registry.address)
        case .resumeAll: await publisher.resume(nil)
        case .retry: #expect(try await publisher.retry([first]).revived == [first])
        case .login: _ = try await publisher.loggedIn(at: registry.address)
        case .reload: await bench.reload()
        case .network: await publisher.networkChanged()
        }
        let start = ContinuousClock.now
        for job in [first, second] { #expect(try await bench.settled(job).job.state == .succeeded) }
        #expect(ContinuousClock.now - start < .seconds(25), "not at the end of the pause")
    }

    @Test("and nothing waits for it any more, it is not told as paused, and what comes next is tried at once")
    func nothingWaits() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry = RetryPolicy(base: .seconds(29)) }) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.pause()
                let job = try await bench.push("app:1", to: "\(registry.address)/r:1")
                try await bench.waitFor(.waiting, of: job)
                #expect(await bench.publisher.activity.first?.pausedSince != nil)
                _ = try await bench.publisher.cancel([job])
                #expect(await bench.publisher.activity.isEmpty)
                try registry.resume()
                let start = ContinuousClock.now
                try await bench.publish("app:1", to: "\(registry.address)/r:2")
                #expect(ContinuousClock.now - start < .seconds(25))
            }
        }
    }
}
