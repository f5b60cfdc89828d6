import Testing

@testable import Publisher

@Suite("The wall clock")
struct WallClockTests {
    private func moment(wall: Int64, elapsed: Int64) -> Moment { Moment(wall: wall, elapsed: elapsed, awake: 0) }

    @Test("is seen to be set, by how much, and once")
    func set() {
        var clock = WallClock(moment(wall: 1_000_000, elapsed: 5000))
        #expect(clock.look(moment(wall: 1_060_000, elapsed: 65_000)) == nil, "it went on")
        #expect(clock.look(moment(wall: 1_060_100 - 3_600_000, elapsed: 65_100)) == -3_600_000)
        #expect(clock.look(moment(wall: 1_060_200 - 3_600_000, elapsed: 65_200)) == nil)
        #expect(clock.look(moment(wall: 1_060_300, elapsed: 65_300)) == 3_600_000)
    }

    @Test("of a machine that slept, or that is slowed down a little, was not set")
    func sleep() {
        var clock = WallClock(moment(wall: 1000, elapsed: 0))
        #expect(clock.look(moment(wall: 1000 + 8 * 86_400_000, elapsed: 8 * 86_400_000)) == nil)
        #expect(clock.look(moment(wall: 1000 + 8 * 86_400_000 + 60_030, elapsed: 8 * 86_400_000 + 60_000)) == nil)
    }
}

@Suite("The time in which a job could be tried")
struct TryTimeTests {
    /// Lets time pass in steps of a minute, as the engine looks at it.
    private func pass(_ minutes: Int, _ time: inout TryTime, from now: inout Int64) {
        for _ in 0..<minutes {
            now += 60_000
            time.advance(awake: now)
        }
    }

    @Test("begins with its first attempt and goes on between attempts")
    func counts() {
        var now: Int64 = 77
        var time = TryTime(awake: now)
        pass(5, &time, from: &now)
        time.began(1, at: "a")
        pass(2, &time, from: &now)
        #expect(time.count(1, at: "a") == 120_000)
        pass(3, &time, from: &now)
        time.began(1, at: "a")
        pass(1, &time, from: &now)
        #expect(time.count(1, at: "a") == 240_000, "the wait too")
        #expect(time.count(1, at: "a") == 0)
        time.forget(1)
        pass(9, &time, from: &now)
        time.began(1, at: "a")
        #expect(time.count(1, at: "a") == 0, "it had waited for a person")
    }

    @Test("stands still while its registry, or everything, is paused by a person")
    func held() {
        var now: Int64 = 0
        var time = TryTime(awake: now)
        time.began(1, at: "a")
        time.began(2, at: "b")
        time.hold("a")
        pass(10, &time, from: &now)
        time.hold(nil)
        pass(100, &time, from: &now)
        time.release("a")
        pass(100, &time, from: &now)
        time.release(nil)
        pass(1, &time, from: &now)
        #expect(time.count(1, at: "a") == 60_000)
        #expect(time.count(2, at: "b") == 660_000)
    }

    @Test("does not count what this process did not live through")
    func stopped() {
        var time = TryTime(awake: 0)
        time.began(1, at: "a")
        time.advance(awake: 30 * 86_400_000)
        #expect(time.count(1, at: "a") == 120_000)
        time.advance(awake: 0)
        #expect(time.count(1, at: "a") == 0)
    }
}
