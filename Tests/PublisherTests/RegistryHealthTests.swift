import Testing

@testable import Publisher

@Suite("A registry in trouble")
struct RegistryHealthTests {
    private let policy = RetryPolicy(base: .seconds(1), cap: .seconds(300))

    private func failed(
        _ health: inout RegistryHealth, at now: Int64, retryAfter: Duration? = nil, isLimit: Bool = false,
        random: Double = 0.5
    ) -> Int64 {
        health.failed(
            now: now, .init(retryAfter: retryAfter, isLimit: isLimit), reason: "down", policy: policy, random: random)
    }

    @Test("is left alone until the pause is over, then asked by one job only")
    func probes() {
        var health = RegistryHealth()
        #expect(health.mayStart(now: 0))
        #expect(failed(&health, at: 1000) == 2000)
        #expect(!health.mayStart(now: 1999))
        #expect(health.mayStart(now: 2000))
        health.started(now: 2000)
        #expect(!health.mayStart(now: 9_000_000), "the probe has not answered")
    }

    @Test("that has asked for a pause before a restart is left alone until its end")
    func restored() {
        var health = RegistryHealth()
        health.restorePause(until: 900, now: 1000)
        #expect(health.isOpen, "it is over")
        health.restorePause(until: 9000, now: 1000)
        #expect(!health.mayStart(now: 8999) && health.mayStart(now: 9000) && health.isTold)
        #expect(health.troubledSince == 1000 && health.reason?.contains("asked for") == true)
        health.restorePause(until: 20_000, now: 1000)
        #expect(health.pausedUntil == 9000, "what is known by itself stands")
    }

    @Test("opens for all with the probe's first answer")
    func opens() {
        var health = RegistryHealth()
        _ = failed(&health, at: 0)
        health.started(now: 1000)
        health.answered(now: 1000)
        #expect(health.mayStart(now: 1000))
        #expect(health.reason == nil)
    }

    /// Packets are dropped until the return; then the next try of the handshake succeeds. Linux tries again after 1, 2,
    /// 4, 8 and 16 s: tcp(7), `tcp_syn_retries`.
    @Test(
        "that answers to no packet is seen to be back as soon, since a probe gives its connection up early",
        arguments: [1000, 2500, 4999, 15_000, 60_000, 295_000, 600_000, 3_600_000] as [Int64])
    func returnsFromSilence(outage: Int64) throws {
        var health = RegistryHealth()
        var next = failed(&health, at: 0)
        while true {
            health.started(now: next)
            let sofar = try #require(health.probedOutage(now: next))
            let limit = min(policy.probeConnectLimit(outage: sofar).inMilliseconds, 30_000)
            let tries = [0, 1000, 3000, 7000, 15_000, 31_000].filter { $0 < limit }.map { next + $0 }
            if let seen = tries.first(where: { $0 >= outage }) {
                #expect(seen - outage <= min(outage / 10 + 2000, 30_000))
                return
            }
            next = failed(&health, at: next + limit)
        }
    }

    @Test("is only probed after a pause: its connections have no limit of their own otherwise")
    func probedOutage() {
        var health = RegistryHealth()
        #expect(health.probedOutage(now: 0) == nil)
        _ = failed(&health, at: 0)
        #expect(health.probedOutage(now: 500) == nil)
        health.started(now: 1000)
        #expect(health.probedOutage(now: 1500) == .milliseconds(1500))
        health.answered(now: 1600)
        #expect(health.probedOutage(now: 1700) == nil)
    }

    /// Whatever the probes take until they fail: refused at once, or a connection that never comes about.
    @Test(
        "that was away for so long is seen to be back within a tenth of that and two seconds, at most half a minute",
        arguments: [1000, 2500, 15_000, 60_000, 295_000, 600_000, 3_600_000, 36_000_000] as [Int64], [0, 200, 900])
    func returns(outage: Int64, probe: Int64) {
        var health = RegistryHealth()
        var now: Int64 = 0
        var probes = 0
        while now < outage {
            now = failed(&health, at: now)
            #expect(!health.mayStart(now: now - 1) && health.mayStart(now: now))
            if now >= outage { break }
            health.started(now: now)
            now += probe
            probes += 1
        }
        // A probe that was begun just before the return may fail after it.
        #expect(now - outage <= min(outage / 10 + 2000, 30_000))
        #expect(probes <= 30 + outage / 29_000, "it is spared all the same")
    }

    @Test("is asked again soon after a probe that itself took longer than the pause")
    func longProbe() {
        var health = RegistryHealth()
        var now = failed(&health, at: 0)
        for _ in 0..<20 {
            health.started(now: now)
            let end = now + 30_000
            now = failed(&health, at: end)
            #expect(now == end + 1000)
        }
    }

    @Test("keeps to the shortest and the longest wait that are configured")
    func configured() {
        #expect(
            RetryPolicy(base: .milliseconds(5), cap: .milliseconds(40)).pause(outage: .seconds(9)) == .milliseconds(40))
        #expect(RetryPolicy(base: .seconds(10), cap: .seconds(300)).pause(outage: .zero) == .seconds(10))
        #expect(RetryPolicy(base: .seconds(10), cap: .seconds(300)).pause(outage: .seconds(86_400)) == .seconds(29))
    }

    @Test("that limits how often it is asked is asked ever less often, and its word counts for more")
    func limits() {
        var health = RegistryHealth()
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<4 {
            let until = failed(&health, at: now, isLimit: true)
            pauses.append(until - now)
            now = until
            health.started(now: now)
        }
        #expect(pauses == [500, 1000, 2000, 4000])
        #expect(failed(&health, at: now, retryAfter: .seconds(60), isLimit: true, random: 0) == now + 60_000)
        #expect(health.isTold)
    }

    @Test("is obeyed for as long as is configured and no longer, whatever it says")
    func bounded() {
        for (seconds, expected) in [(60, 60_000), (3600, 3_600_000), (999_999_999, 3_600_000)] as [(Int64, Int64)] {
            var health = RegistryHealth()
            #expect(failed(&health, at: 7, retryAfter: .seconds(seconds), random: 0) == expected + 7)
            health = RegistryHealth()
            #expect(failed(&health, at: 7, retryAfter: .seconds(seconds), random: 0.999) <= 3_600_000 + 7)
        }
    }

    @Test("that took nothing since its last trouble is in the same trouble still, but not for ever")
    func sameTrouble() {
        var health = RegistryHealth()
        var now = failed(&health, at: 0)
        health.started(now: now)
        health.answered(now: now)
        now = 100_000
        // It had opened 99 s before: that is another one.
        #expect(failed(&health, at: now) == now + 1000)
        health.started(now: now + 1000)
        health.answered(now: now + 1000)
        #expect(failed(&health, at: now + 20_000) == now + 23_000)
        #expect(health.troubledSince == now)
        health.started(now: now + 23_000)
        health.worked(now: now + 23_000)
        #expect(failed(&health, at: now + 24_000) == now + 25_000)
    }

    @Test("counts one failure however many jobs report it, but waits as long as any was told to")
    func countsOnce() {
        var health = RegistryHealth()
        let until = failed(&health, at: 0)
        #expect(failed(&health, at: 10) == until)
        #expect(!health.isTold)
        #expect(failed(&health, at: 10, retryAfter: .seconds(60), random: 0) == 60_010)
        #expect(health.pausedUntil == 60_010)
        #expect(health.isTold)
    }

    @Test("is probed at once where its way may be open again, but not while it has asked for peace")
    func probeNow() {
        var health = RegistryHealth()
        health.probeNow(now: 0)
        #expect(health.isOpen)
        _ = failed(&health, at: 0)
        health.probeNow(now: 300)
        #expect(health.mayStart(now: 300))
        health.started(now: 300)
        #expect(!health.mayStart(now: 400))
        health.probeNow(now: 400)
        #expect(health.mayStart(now: 400), "the first probe may wait on a way that is no more")
        health = RegistryHealth()
        let until = failed(&health, at: 0, retryAfter: .seconds(60))
        health.probeNow(now: 300)
        #expect(health.pausedUntil == until)
        health.reset()
        #expect(health.mayStart(now: 300), "a person may")
    }

    @Test("tells since when it is in trouble, until it has done something again")
    func since() {
        var health = RegistryHealth()
        #expect(health.troubledSince == nil)
        var now = failed(&health, at: 1000)
        health.started(now: now)
        #expect(health.troubledSince == 1000, "it is being tried")
        health.answered(now: now)
        #expect(health.troubledSince == nil)
        now = failed(&health, at: now)
        #expect(health.troubledSince == 1000, "it had answered a question and taken nothing")
        health.started(now: now)
        health.worked(now: now)
        _ = failed(&health, at: now)
        #expect(health.troubledSince == now)
    }

    @Test("is probed again at once when the probing job was canceled")
    func probeCanceled() {
        var health = RegistryHealth()
        let until = failed(&health, at: 0)
        health.started(now: until)
        health.endedSilently(now: 5000)
        #expect(health.mayStart(now: 5000))
    }
}

@Suite("Schedule")
struct ScheduleTests {
    @Test("keeps to both limits and frees a place with each end")
    func limits() {
        var schedule = Schedule(limits: .init(jobs: 3, jobsPerRegistry: 2))
        schedule.started("a", now: 0)
        schedule.started("a", now: 0)
        #expect(schedule.closedRegistries(now: 0) == ["a"])
        schedule.started("b", now: 0)
        #expect(!schedule.hasRoom)
        schedule.ended("a", now: 0)
        #expect(schedule.hasRoom)
        #expect(schedule.closedRegistries(now: 0).isEmpty)
    }

    @Test("holds one registry, or all, until it is released")
    func holds() {
        var schedule = Schedule(limits: .init(jobs: 3, jobsPerRegistry: 2))
        schedule.hold("a")
        #expect(schedule.closedRegistries(now: 0) == ["a"])
        schedule.release("a")
        #expect(schedule.closedRegistries(now: 0).isEmpty)
        schedule.hold(nil)
        #expect(!schedule.hasRoom)
        schedule.release(nil)
        #expect(schedule.hasRoom)
    }

    /// Starts what may be started, as the engine does: where the fewest are under way first.
    private func fill(_ schedule: inout Schedule, _ waiting: [String]) {
        while schedule.hasRoom {
            let (closed, busy) = (schedule.closedRegistries(now: 0), schedule.busy)
            let next = waiting.filter { !closed.contains($0) }.min { busy[$0] ?? 0 < busy[$1] ?? 0 }
            guard let next else { return }
            schedule.started(next, now: 0)
        }
    }

    @Test("keeps room for a registry that comes new, however many jobs of others never end", arguments: 1...12)
    func share(hogs: Int) {
        var schedule = Schedule(limits: .init(jobs: 32, jobsPerRegistry: 16))
        let names = (0..<hogs).map { "hog\($0)" }
        fill(&schedule, names)
        #expect(schedule.running == min(hogs * 16, 28))
        fill(&schedule, names + ["well"])
        #expect(schedule.busy["well"] ?? 0 >= 2)
        // What the others give back goes to it until all have the same.
        for name in names {
            while schedule.busy[name] ?? 0 > 1 {
                schedule.ended(name, now: 0)
                fill(&schedule, names + ["well"])
                if schedule.busy["well"] ?? 0 >= (schedule.busy[name] ?? 0) - 1 { break }
            }
        }
        let most = names.map { schedule.busy[$0] ?? 0 }.max() ?? 0
        #expect(schedule.busy["well"] ?? 0 >= most - 1)
        #expect(schedule.running <= 32)
    }

    @Test("lets one registry have all that is not kept, up to its own limit")
    func alone() {
        for (jobs, each, expected) in [(32, 16, 16), (32, 32, 28), (4, 4, 4), (1, 16, 1), (8, 16, 7)] {
            var schedule = Schedule(limits: .init(jobs: jobs, jobsPerRegistry: each))
            fill(&schedule, ["a"])
            #expect(schedule.running == expected)
        }
    }

    @Test("counts no job that only waits for others, but for its registry, and to an end")
    func idle() {
        var schedule = Schedule(limits: .init(jobs: 4, jobsPerRegistry: 3))
        fill(&schedule, ["a"])
        schedule.waitsOnly(["a": 2])
        #expect(schedule.closedRegistries(now: 0) == ["a"])
        fill(&schedule, ["a", "b"])
        #expect(schedule.busy == ["a": 1, "b": 3] && !schedule.hasRoom)
        schedule.waitsOnly(["a": 3, "b": 3])
        fill(&schedule, ["c", "d", "e"])
        #expect(schedule.running == 8, "twice as many as may be busy")
        for name in ["a", "a", "a", "b", "b", "b"] { schedule.ended(name, now: 0) }
        #expect(schedule.running == 2 && schedule.busy["c"] == 1)
        fill(&schedule, ["c"])
        #expect(schedule.running == 4)
    }

    @Test("remembers nothing of registries that are well and idle")
    func forgets() {
        var schedule = Schedule(limits: .init(jobs: 3, jobsPerRegistry: 2))
        for name in ["a", "b", "c"] {
            schedule.started(name, now: 0)
            schedule.ended(name, now: 0)
        }
        let now = Moment(wall: 5_000_000, elapsed: 0, awake: 0)
        #expect(schedule.summary(at: now).isEmpty)
        schedule.started("d", now: 0)
        _ = schedule.failed("d", now: 0, .init(), reason: "refused", policy: RetryPolicy(), random: 0.5)
        schedule.ended("d", now: 0)
        #expect(schedule.summary(at: now).map(\.name) == ["d"])
        #expect(schedule.summary(at: now).first?.reason == "refused")
        #expect(schedule.summary(at: now).first?.pausedSince == 5_000_000, "by the wall clock as it is now")
        #expect(schedule.idleInTrouble == ["d"])
        schedule.forgetTrouble("d", now: 0)
        #expect(schedule.summary(at: now).isEmpty)
        let told = schedule.failed(
            "d", now: 0, .init(retryAfter: .seconds(60)), reason: "", policy: RetryPolicy(), random: 0)
        schedule.forgetTrouble("d", now: 100)
        #expect(!schedule.mayStart("d", now: 100), "what comes next obeys too")
        schedule.forgetTrouble("d", now: told)
        #expect(schedule.summary(at: now).isEmpty)
    }

    /// A second, much simpler account of the same rules, in random orders.
    @Test("never exceeds a limit nor starts at a paused registry, whatever happens", arguments: 1...20)
    func randomOrders(seed: UInt64) {
        var random = SplitMix(seed)
        var schedule = Schedule(limits: .init(jobs: 5, jobsPerRegistry: 2))
        var running: [String: Int] = [:]
        var pausedUntil: [String: Int64] = [:]
        var now: Int64 = 0
        for _ in 0..<2000 {
            now += Int64(random.next() % 500)
            let name = ["a", "b", "c", "d"][Int(random.next() % 4)]
            switch random.next() % 4 {
            case 0, 1:
                guard schedule.hasRoom, !schedule.closedRegistries(now: now).contains(name) else { continue }
                #expect(running.values.reduce(0, +) < 5)
                #expect(running[name, default: 0] < 2)
                #expect(pausedUntil[name, default: 0] <= now)
                schedule.started(name, now: now)
                running[name, default: 0] += 1
            case 2:
                guard running[name, default: 0] > 0 else { continue }
                if random.next() % 2 == 0 {
                    schedule.answered(name, now: now)
                    pausedUntil[name] = nil
                } else {
                    let until = schedule.failed(
                        name, now: now, .init(), reason: "", policy: RetryPolicy(), random: 0.7)
                    pausedUntil[name] = until
                }
                schedule.ended(name, now: now)
                running[name, default: 0] -= 1
            default:
                guard running[name, default: 0] > 0 else { continue }
                schedule.ended(name, now: now)
                running[name, default: 0] -= 1
            }
            #expect(schedule.running == running.values.reduce(0, +))
        }
    }
}

/// A small generator with a seed, so that a failing order can be seen again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
