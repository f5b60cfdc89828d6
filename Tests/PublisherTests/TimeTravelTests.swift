import OCI
import PushQueue
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// This machine's clocks, moved by the test.
private final class Travel: Sendable {
    private let offsets = Mutex((wall: Int64(0), elapsed: Int64(0), awake: Int64(0)))

    init(wall: Int64 = 0) { setWall(by: wall) }

    func setWall(by step: Int64) { offsets.withLock { $0.wall += step } }

    func sleep(_ time: Int64) {
        offsets.withLock {
            $0.wall += time
            $0.elapsed += time
        }
    }

    func pass(_ time: Int64) {
        sleep(time)
        passAwake(time)
    }

    /// Nothing becomes due by this.
    func passAwake(_ time: Int64) { offsets.withLock { $0.awake += time } }

    var clocks: Clocks {
        let machine = Clocks.machine
        return Clocks(
            wall: { machine.wall() + self.offsets.withLock { $0.wall } },
            elapsed: { machine.elapsed() + self.offsets.withLock { $0.elapsed } },
            awake: { machine.awake() + self.offsets.withLock { $0.awake } })
    }
}

private let hour: Int64 = 3_600_000
private let day: Int64 = 86_400_000

@Suite("Whatever the clock does")
struct TimeTravelTests {
    private func with(
        _ travel: Travel, in directory: TemporaryDirectory? = nil,
        _ change: (inout PublisherSettings) -> Void = { _ in }, runs: Bool = true,
        _ body: @Sendable (Bench, TestRegistry) async throws -> Void
    ) async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { own in
                try await Bench.with(in: directory ?? own, change, clocks: travel.clocks, runs: runs) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                    try await body(bench, registry)
                }
            }
        }
    }

    /// How the clock goes wrong, or the machine is not there.
    enum Event: CaseIterable, Sendable { case back, forward, asleep, corrected }

    private func happen(_ event: Event, _ travel: Travel) {
        switch event {
        case .back: travel.setWall(by: -hour)
        case .forward, .corrected: travel.setWall(by: 30 * day)
        case .asleep: travel.sleep(8 * day)
        }
    }

    @Test("jobs that wait go on, and none is given up for it", arguments: Event.allCases, [false, true])
    func waiting(event: Event, isOutage: Bool) async throws {
        // A first start with a clock that has not been set yet.
        let travel = Travel(wall: event == .corrected ? 1000 - Bench.now : 0)
        try await with(travel, { $0.retry.base = .milliseconds(300) }) { bench, registry in
            let trouble = registry.faults.add(
                Fault(nil, times: .max, .respond(Answer(isOutage ? 503 : 500))))
            // A deadline goes along with the clock, but for a machine that has slept.
            let timeout: Duration? = event == .asleep ? nil : .seconds(600)
            let job = try await bench.push("app:1", to: registry.address + "/r:1") { $0.timeout = timeout }
            try await bench.waitFor(.waiting, of: job)
            await bench.publisher.pause(nil)
            let queued = try await bench.push("app:1", to: registry.address + "/r:2") { $0.timeout = timeout }
            happen(event, travel)
            await bench.publisher.clockChanged()
            await bench.publisher.resume(nil)
            let fired = registry.faults.fired(trouble)
            try await registry.waitUntil("it fails once more") { registry.faults.fired(trouble) > fired }
            registry.faults.removeAll()
            let start = ContinuousClock.now
            for id in [job, queued] {
                let ended = try await bench.settled(id).job
                #expect(ended.state == .succeeded, "\(String(describing: ended.error))")
            }
            #expect(ContinuousClock.now - start < .seconds(60))
        }
    }

    @Test("which was wrong when jobs were stored, they go on after a restart", arguments: [hour, -hour, 9000 * day])
    func restart(ahead: Int64) async throws {
        try await TemporaryDirectory.with { directory in
            let travel = Travel(wall: ahead)
            let known = Mutex<(jobs: [JobID], port: Int)>(([], 0))
            try await TestRegistry.with { registry in
                try await Bench.with(in: directory, clocks: travel.clocks) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                    registry.faults.add(Fault(nil, times: .max, .respond(Answer(500))))
                    let waiting = try await bench.push("app:1", to: registry.address + "/r:1")
                    try await bench.waitFor(.waiting, of: waiting)
                    await bench.publisher.pause(nil)
                    let queued = try await bench.push("app:1", to: registry.address + "/r:2")
                    known.withLock { $0.jobs = [waiting, queued] }
                }
                registry.faults.removeAll()
                let jobs = known.withLock { $0.jobs }
                try await Bench.with(in: directory) { bench in
                    for job in jobs {
                        let state = try await bench.settled(job).job.state
                        #expect(state == .succeeded)
                    }
                }
            }
        }
    }

    @Test("a job is given up by the time in which it could be tried, and with its last error")
    func givenUp() async throws {
        let travel = Travel()
        try await with(travel, { $0.retry.giveUpAfter = .seconds(100) }) { bench, registry in
            registry.faults.add(Fault(nil, times: .max, .respond(Answer(500))))
            let job = try await bench.push("app:1", to: registry.address + "/r:1")
            try await bench.waitFor(.waiting, of: job)
            // Paused by a person, asleep, and with a clock that is set: none of it counts.
            await bench.publisher.pause(registry.address)
            travel.pass(110_000)
            await bench.publisher.resume(registry.address)
            travel.sleep(8 * day)
            travel.setWall(by: 30 * day)
            await bench.publisher.clockChanged()
            let attempts = try #require(try await bench.publisher.snapshot(job)?.job.attempts)
            try await waitUntil("it is tried again, twice") {
                try await bench.publisher.snapshot(job)?.job.attempts ?? 0 >= attempts + 2
            }
            let waiting = try #require(try await bench.publisher.snapshot(job)?.job)
            #expect(!waiting.state.isEnded && waiting.tried < 100_000)
            travel.pass(100_000)
            await bench.publisher.clockChanged()
            let ended = try await bench.settled(job).job
            #expect(ended.state == .failed && ended.error?.code == "server-error")
        }
    }

    @Test("a registry that asks for a pause longer than a job has time is not asked again, and the job ends in time")
    func toldPause() async throws {
        let travel = Travel()
        try await with(travel, { $0.retry.giveUpAfter = .seconds(60) }) { bench, registry in
            registry.faults.add(
                Fault(nil, times: .max, .respond(Answer(429, headers: [("Retry-After", "999999999")]))))
            let job = try await bench.push("app:1", to: registry.address + "/r:1")
            try await bench.waitFor(.waiting, of: job)
            let asked = registry.requests.count
            travel.pass(59_000)
            await bench.publisher.clockChanged()
            #expect(try await bench.publisher.snapshot(job)?.job.state == .waiting)
            travel.pass(1500)
            await bench.publisher.clockChanged()
            let ended = try await bench.settled(job).job
            #expect(ended.state == .failed && ended.error?.code == "rate-limited")
            #expect(registry.requests.count == asked)
        }
    }

    @Test("a job whose deadline passes during a pause ends then, and names what the registry was paused for")
    func deadline() async throws {
        let travel = Travel()
        try await with(travel, { $0.retry.base = .seconds(29) }) { bench, registry in
            registry.pause()
            let first = try await bench.push("app:1", to: registry.address + "/r:1")
            try await bench.waitFor(.waiting, of: first)
            let second = try await bench.push("app:1", to: registry.address + "/r:2") { $0.timeout = .seconds(9) }
            travel.pass(10_000)
            await bench.publisher.clockChanged()
            let ended = try await bench.settled(second).job
            #expect(ended.state == .failed && ended.error?.code == "timeout" && ended.attempts == 0)
            let message = try #require(ended.error?.message)
            #expect(message.contains("\(registry.address) was paused: ") && message.contains("refused"), "\(message)")
        }
    }

    @Test("the deadline of a push that is accepted right after the clock was set stays where it is")
    func acceptedAfterStep() async throws {
        let travel = Travel()
        // The engine would follow the clock at any time: here it does after the push.
        try await with(travel, runs: false) { bench, registry in
            let old = try await bench.push("app:1", to: registry.address + "/r:1") { $0.timeout = .seconds(600) }
            let before = try #require(try await bench.publisher.snapshot(old)?.job.expiresAt)
            travel.setWall(by: 30 * day)
            let new = try await bench.push("app:1", to: registry.address + "/r:2") { $0.timeout = .seconds(600) }
            try await bench.publisher.engine.noticeTime()
            let moved = try #require(try await bench.publisher.snapshot(old)?.job.expiresAt)
            #expect((30 * day - 1000...30 * day + 1000).contains(moved - before), "the step is followed")
            let job = try #require(try await bench.publisher.snapshot(new)?.job)
            let left = try #require(job.expiresAt) - (Bench.now + 30 * day)
            #expect((500_000...600_000).contains(left), "\(left)")
            #expect(try #require(job.expiresAt) - job.createdAt == 600_000)
        }
    }

    @Test("an attempt during which the time runs out is followed by one more, which may succeed")
    func longAttempt() async throws {
        let travel = Travel()
        try await with(travel, { $0.retry.giveUpAfter = .seconds(100) }) { bench, registry in
            let gate = TestGate()
            registry.faults.add(Fault(.manifest, method: "HEAD", .stallAnswer(until: gate)))
            registry.faults.add(Fault(.manifest, method: "HEAD", .replaceAnswer(Answer(500))))
            let job = try await bench.push("app:1", to: registry.address + "/r:1")
            try await gate.waitForArrival()
            travel.pass(110_000)
            gate.open()
            let ended = try await bench.settled(job).job
            #expect(ended.state == .succeeded && ended.attempts == 2, "\(String(describing: ended.error))")
        }
    }

    @Test("a push that was canceled while it ran and is retried has its whole time again")
    func canceledAndRetried() async throws {
        let travel = Travel()
        try await with(travel, { $0.retry.giveUpAfter = .seconds(100) }) { bench, registry in
            let gate = TestGate()
            registry.faults.add(Fault(.manifest, method: "HEAD", .stallAnswer(until: gate)))
            let job = try await bench.push("app:1", to: registry.address + "/r:1")
            try await gate.waitForArrival()
            _ = try await bench.publisher.cancel([job])
            gate.open()
            try await waitUntil("nothing runs") { await bench.publisher.activity.allSatisfy { $0.running == 0 } }
            travel.pass(110_000)
            registry.faults.add(Fault(.manifest, method: "HEAD", .respond(Answer(500))))
            #expect(try await bench.publisher.retry([job]).revived == [job])
            let ended = try await bench.settled(job).job
            #expect(ended.state == .succeeded && ended.attempts == 3, "\(String(describing: ended.error))")
        }
    }

    @Test("a push that waits and is retried by a person has its whole time again")
    func waitingAndRetried() async throws {
        let travel = Travel()
        let patient = RetryPolicy(
            base: .seconds(3600), cap: .seconds(3600), giveUpAfter: .seconds(100))
        try await with(travel, { $0.retry = patient }) { bench, registry in
            registry.faults.add(Fault(.manifest, method: "HEAD", times: 2, .respond(Answer(500))))
            let job = try await bench.push("app:1", to: registry.address + "/r:1")
            try await bench.waitFor(.waiting, of: job)
            travel.passAwake(110_000)
            #expect(try await bench.publisher.retry([job]).revived == [job])
            try await waitUntil("it has failed twice") {
                let state = try await bench.publisher.snapshot(job)?.job
                return state?.attempts == 2 && state?.state != .running
            }
            #expect(try await bench.publisher.snapshot(job)?.job.state == .waiting)
        }
    }

    @Test("nothing of the history goes for it before its time")
    func history() async throws {
        let travel = Travel()
        try await with(travel) { bench, registry in
            let job = try await bench.publish("app:1", to: registry.address + "/r:1").job.id
            let events = try await bench.queue.eventNumbers()
            travel.setWall(by: 40 * day)
            try await bench.publisher.tidy()
            #expect(try await bench.publisher.snapshot(job)?.job.state == .succeeded)
            #expect(try await bench.queue.eventNumbers() == events)
            // It does go when that time has passed.
            travel.pass(40 * day)
            try await bench.publisher.tidy()
            #expect(try await bench.publisher.snapshot(job) == nil)
        }
    }
}
