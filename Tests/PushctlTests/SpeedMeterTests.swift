import Testing

@testable import pushctl

@Suite("The speed of a transfer")
struct SpeedMeterTests {
    @Test("is exact for a steady flow from the second sample on", arguments: [50, 250, 1000] as [Int64])
    func steady(interval: Int64) throws {
        var meter = SpeedMeter(inertia: 3)
        meter.note(bytes: 1_000_000, at: 0)
        #expect(meter.speed(at: 0) == nil)
        for step in Int64(1)...20 {
            meter.note(bytes: 1_000_000 + step * interval * 2000, at: step * interval)
            let speed = try #require(meter.speed(at: step * interval))
            #expect(abs(speed - 2_000_000) < 1)
        }
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
        meter.note(bytes: 0, at: 0)
        meter.note(bytes: 1000, at: 1000)
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
        let speed = try #require(meter.speed(at: 3000))
        #expect(abs(speed - 1000) < 1)
    }

    @Test("is not measured over moments that are too short")
    func burst() throws {
        var meter = SpeedMeter(inertia: 2)
        meter.note(bytes: 0, at: 0)
        meter.note(bytes: 1_000_000, at: 1)
        #expect(meter.speed(at: 1) == nil)
        meter.note(bytes: 1_000_000, at: 1000)
        #expect(abs(try #require(meter.speed(at: 1000)) - 1_000_000) < 0.001)
    }
}
