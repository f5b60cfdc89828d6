import HTTP
import OCI
import PushQueue
import Synchronization
import TestSupport
import Testing

@testable import Publisher

@Suite("Limits of bandwidth")
struct BandwidthTests {
    private let workdays = BandwidthWindow(days: [0, 1, 2, 3, 4], from: 480, to: 1080, bytesPerSecond: 2000)

    @Test(
        "hold in their windows of the week",
        arguments: [
            (0, 479, 9000), (0, 480, 2000), (4, 1079, 2000), (4, 1080, 9000), (5, 600, 9000),
        ] as [(Int, Int, Int64)])
    func window(day: Int, minute: Int, expected: Int64) {
        let plan = BandwidthPlan(usual: 9000, windows: [workdays])
        #expect(plan.limit(at: WeekMinute(day: day, minute: minute)) == expected)
    }

    @Test(
        "go past midnight, also from Sunday to Monday",
        arguments: [(6, 1319, nil), (6, 1320, 5000), (6, 1439, 5000), (0, 0, 5000), (0, 359, 5000), (0, 360, nil)]
            as [(Int, Int, Int64?)])
    func night(day: Int, minute: Int, expected: Int64?) {
        let night = BandwidthWindow(days: [6], from: 1320, to: 360, bytesPerSecond: 5000)
        let plan = BandwidthPlan(usual: nil, windows: [night])
        #expect(plan.limit(at: WeekMinute(day: day, minute: minute)) == expected)
    }

    @Test("of the first window that fits count, also where that has none")
    func first() {
        var free = workdays
        free.bytesPerSecond = nil
        let plan = BandwidthPlan(usual: 9000, windows: [free, workdays])
        #expect(plan.limit(at: WeekMinute(day: 2, minute: 600)) == nil)
    }

    @Test("follow the clock, and what a person sets comes first until it is taken back")
    func inForce() {
        let time = TestTime()
        var settings = PublisherSettings()
        // Whatever the time zone: one minute of the week after the other.
        let now = WeekMinute(milliseconds: time.now)
        settings.bandwidth = BandwidthPlan(
            usual: 9000,
            windows: [
                BandwidthWindow(days: [now.day], from: now.minute, to: now.minute + 1, bytesPerSecond: 2000)
            ])
        settings.bandwidths = ["r.example": 300]
        let bandwidth = Bandwidth(settings, clock: { time.now })
        let limits = bandwidth.limits(for: "r.example")
        func rates() -> [Int64?] { limits.map(\.bytesPerSecond) }
        #expect(rates() == [2000, 300])
        time.add(20_000 - time.now % 60_000)
        #expect(bandwidth.untilNextMinute == .seconds(40))
        time.add(60_000)
        bandwidth.refresh()
        #expect(rates() == [9000, 300])
        bandwidth.change(.set(77_000), of: nil)
        bandwidth.change(.lift, of: "r.example")
        #expect(rates() == [77_000, nil])
        #expect(
            bandwidth.summary == [
                BandwidthInForce(registry: nil, bytesPerSecond: 77_000, configured: 9000, isByHand: true),
                BandwidthInForce(registry: "r.example", bytesPerSecond: nil, configured: 300, isByHand: true),
            ])
        settings.bandwidths = ["r.example": 400]
        bandwidth.apply(settings)
        #expect(rates() == [77_000, nil], "a reload leaves what a person has set")
        bandwidth.change(.useConfigured, of: "r.example")
        bandwidth.change(.useConfigured, of: nil)
        #expect(rates() == [9000, 400])
        #expect(bandwidth.limits(for: "other").map(\.bytesPerSecond) == [9000, nil])
    }

    @Test("a reload holds for what is being sent, at once")
    func reload() async throws {
        try await TestRegistry.with(receiveBuffer: 16_384) { registry in
            try await Bench.with({ $0.bandwidths = [registry.address: 2000] }) { bench in
                // It would take a quarter of an hour.
                let layer = try bench.builder.addLayer(size: 2_000_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                try await registry.waitUntil("the layer is being sent") {
                    registry.requests(.uploadBody).contains { $0.endedAt == nil }
                }
                let start = ContinuousClock.now
                await bench.reload { $0.bandwidths = [:] }
                #expect(try await bench.settled(job).job.state == .succeeded)
                #expect(ContinuousClock.now - start < .seconds(60))
                #expect(registry.bodyBytes(for: layer.digest) == layer.size, "it went on")
            }
        }
    }

    @Test("manifests are put no faster than a registry has shown to take them")
    func manifests() {
        let start = ContinuousClock.now
        func turns(_ pace: inout ManifestPace, at milliseconds: Int, perSecond: Int?, count: Int = 5) -> [Duration] {
            (0..<count).map { _ in
                pace.turn(now: start + .milliseconds(milliseconds), perSecond: perSecond) - start
            }
        }
        var pace = ManifestPace()
        #expect(turns(&pace, at: 0, perSecond: nil) == Array(repeating: .zero, count: 5))
        #expect(pace.rateRefused(now: start + .milliseconds(100)) == 4)
        var known = ManifestPace()
        #expect(turns(&known, at: 50, perSecond: 2) == [50, 50, 1050, 1050, 2050].map { .milliseconds($0) })
        #expect(turns(&known, at: 10_000, perSecond: 2, count: 1) == [.seconds(10)])
        var slow = ManifestPace()
        #expect(turns(&slow, at: 0, perSecond: nil, count: 1) == [.zero])
        #expect(slow.rateRefused(now: start + .milliseconds(1)) == 1)
    }
}

/// A clock that a test moves.
private final class TestTime: Sendable {
    private let time = Atomic<Int64>(1_800_000_000_000)

    var now: Int64 { time.load(ordering: .relaxed) }
    func add(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
}
