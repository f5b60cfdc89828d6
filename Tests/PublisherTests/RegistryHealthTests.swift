import Testing

@testable import Publisher

@Suite("A registry in trouble")
struct RegistryHealthTests {
    private let policy = RetryPolicy(base: .seconds(4), cap: .seconds(300))

    private func failed(_ health: inout RegistryHealth, at now: Int64, retryAfter: Duration? = nil) -> Int64 {
        health.failed(now: now, retryAfter: retryAfter, reason: "down", policy: policy, random: 0.5)
    }

    @Test("is left alone until the pause is over, then asked by one job only")
    func probes() {
        var health = RegistryHealth()
        #expect(health.mayStart(now: 0))
        #expect(failed(&health, at: 1000) == 3000)
        #expect(!health.mayStart(now: 2999))
        #expect(health.mayStart(now: 3000))
        health.started()
        #expect(!health.mayStart(now: 9_000_000), "the probe has not answered")
    }

    @Test("opens for all with the probe's first answer")
    func opens() {
        var health = RegistryHealth()
        _ = failed(&health, at: 0)
        health.started()
        health.answered()
        #expect(health.mayStart(now: 0))
        #expect(health.reason == nil)
    }

    @Test("pauses for longer with every probe that fails, and starts over once it has been well")
    func doubles() {
        var health = RegistryHealth()
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<4 {
            let until = failed(&health, at: now)
            pauses.append(until - now)
            now = until
            health.started()
        }
        #expect(pauses == [2000, 4000, 8000, 16_000])
        health.worked()
        #expect(failed(&health, at: now) == now + 2000)
    }

    @Test("counts one failure however many jobs report it, but waits as long as any was told to")
    func countsOnce() {
        var health = RegistryHealth()
        let until = failed(&health, at: 0)
        #expect(failed(&health, at: 10) == until)
        #expect(failed(&health, at: 10, retryAfter: .seconds(60)) == 60_010)
        #expect(health.pausedUntil == 60_010)
    }

    @Test("tells since when it is in trouble, until it has done something again")
    func since() {
        var health = RegistryHealth()
        #expect(health.troubledSince == nil)
        var now = failed(&health, at: 1000)
        health.started()
        #expect(health.troubledSince == 1000, "it is being tried")
        health.answered()
        #expect(health.troubledSince == nil)
        now = failed(&health, at: now)
        #expect(health.troubledSince == 1000, "it had answered a question and taken nothing")
        health.started()
        health.worked()
        _ = failed(&health, at: now)
        #expect(health.troubledSince == now)
    }

    @Test("is probed again at once when the probing job was canceled")
    func probeCanceled() {
        var health = RegistryHealth()
        _ = failed(&health, at: 0)
        health.started()
        health.endedSilently(now: 5000)
        #expect(health.mayStart(now: 5000))
    }
}

@Suite("Schedule")
struct ScheduleTests {
    @Test("keeps to both limits and frees a place with each end")
    func limits() {
        var schedule = Schedule(limits: .init(jobs: 3, jobsPerRegistry: 2))
        schedule.started("a")
        schedule.started("a")
        #expect(schedule.closedRegistries(now: 0) == ["a"])
        schedule.started("b")
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

    @Test("remembers nothing of registries that are well and idle")
    func forgets() {
        var schedule = Schedule(limits: .init(jobs: 3, jobsPerRegistry: 2))
        for name in ["a", "b", "c"] {
            schedule.started(name)
            schedule.ended(name, now: 0)
        }
        #expect(schedule.summary.isEmpty)
        schedule.started("d")
        _ = schedule.failed("d", now: 0, retryAfter: nil, reason: "refused", policy: RetryPolicy(), random: 0.5)
        schedule.ended("d", now: 0)
        #expect(schedule.summary.map(\.name) == ["d"])
        #expect(schedule.summary.first?.reason == "refused")
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
                schedule.started(name)
                running[name, default: 0] += 1
            case 2:
                guard running[name, default: 0] > 0 else { continue }
                if random.next() % 2 == 0 {
                    schedule.answered(name)
                    pausedUntil[name] = nil
                } else {
                    let until = schedule.failed(
                        name, now: now, retryAfter: nil, reason: "", policy: RetryPolicy(), random: 0.7)
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
