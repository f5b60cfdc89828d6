import Testing

@testable import pushctl

@Suite("The speed of a transfer")
struct SpeedMeterTests {
    @Test("is exact for a steady flow, as soon as half a second of it was seen", arguments: [50, 250, 1000] as [Int64])
    func steady(interval: Int64) throws {
        var meter = SpeedMeter(inertia: 3)
        meter.note(bytes: 1_000_000, at: 0)
        #expect(meter.speed(at: 0) == nil)
        for step in Int64(1)...20 {
            let now = step * interval
            meter.note(bytes: 1_000_000 + now * 2000, at: now)
            guard now >= interval + 500 else {
                #expect(meter.speed(at: now) == nil)
                continue
            }
            #expect(abs(try #require(meter.speed(at: now)) - 2_000_000) < 1)
        }
    }

    @Test("does not count what the system's buffers take at once")
    func firstBurst() throws {
        var meter = SpeedMeter(inertia: 2)
        meter.note(bytes: 0, at: 0)
        meter.note(bytes: 4_000_000, at: 100)
        for tick in Int64(2)...20 { meter.note(bytes: 4_000_000 + (tick - 1) * 100_000, at: tick * 100) }
        #expect(abs(try #require(meter.speed(at: 2000)) - 1_000_000) < 1)
    }

    @Test("follows a change smoothly, and is nearly there after three times its inertia")
    func change() throws {
        var meter = SpeedMeter(inertia: 2)
        var bytes: Int64 = 0
        for second in Int64(0)...20 {
            meter.note(bytes: bytes, at: second * 1000)
            bytes += 1000
        }
        let before = try #require(meter.speed(at: 20_000))
        var last = before
        for second in Int64(21)...26 {
            bytes += 9000
            meter.note(bytes: bytes, at: second * 1000)
            let speed = try #require(meter.speed(at: second * 1000))
            #expect(speed > last && speed < 9000)
            last = speed
        }
        #expect(last > 8500)
    }

    @Test("fades when nothing comes any more, after a second of patience")
    func stall() throws {
        var meter = SpeedMeter(inertia: 2)
        meter.note(bytes: 0, at: -1000)
        meter.note(bytes: 1000, at: 0)
        meter.note(bytes: 2000, at: 1000)
        #expect(abs(try #require(meter.speed(at: 1900)) - 1000) < 0.001)
        #expect(try #require(meter.speed(at: 5000)) < 300)
    }

    @Test("does not become negative when a transfer begins anew")
    func restart() throws {
        var meter = SpeedMeter(inertia: 2)
        meter.note(bytes: 5000, at: 0)
        meter.note(bytes: 6000, at: 1000)
        meter.note(bytes: 0, at: 2000)
        meter.note(bytes: 1000, at: 3000)
        meter.note(bytes: 2000, at: 4000)
        let speed = try #require(meter.speed(at: 4000))
        #expect(abs(speed - 1000) < 1)
    }

    @Test("is not measured over moments that are too short")
    func burst() throws {
        var meter = SpeedMeter(inertia: 2)
        meter.note(bytes: 0, at: -1)
        meter.note(bytes: 1, at: 0)
        meter.note(bytes: 1_000_001, at: 1)
        #expect(meter.speed(at: 1) == nil)
        meter.note(bytes: 1_000_001, at: 1000)
        #expect(abs(try #require(meter.speed(at: 1000)) - 1_000_000) < 0.001)
    }
}
