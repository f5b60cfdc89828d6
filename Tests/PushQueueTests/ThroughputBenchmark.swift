import FoundationEssentials
import Glibc
import Testing

@testable import PushQueue

/// Measures, and asserts no time: run with PUSHD_BENCH=1, and with `-c release` for numbers that mean something.
@Suite("Throughput", .enabled(if: ProcessInfo.processInfo.environment["PUSHD_BENCH"] != nil), .serialized)
struct ThroughputBenchmark {
    @Test("of 20,000 pushes that arrive pipelined", arguments: [1, 16, 128, 1024])
    func pipelined(width: Int) async throws {
        try await withStore { store in
            let total = width == 1 ? 2_000 : 20_000
            let rate = try await measure("\(width) at a time", total) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<total {
                        if number >= width { try await group.next() }
                        group.addTask { _ = try await store.accept(one: .push(to: "r1.example/app:\(number)")) }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(rate > 0)
            #expect(try await store.counts()[.queued] == total)
        }
    }

    @Test("of the whole way of 20,000 jobs, with 16 workers")
    func wholeWay() async throws {
        try await withStore { store in
            let total = 20_000
            for start in stride(from: 0, to: total, by: 1_000) {
                _ = try await store.accept(
                    (start..<start + 1_000).map { try .push(to: "r\($0 % 4).example/app:\($0)") }, now: 0)
            }
            _ = try await measure("claim and succeed", total) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<16 {
                        group.addTask {
                            while let claim = try await store.claim(at: 1) {
                                try await store.succeed(claim, verified: nil, now: 2)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await store.counts()[.succeeded] == total)
            _ = try await measure("prune", total) {
                while try await store.prune(now: 100, olderThan: 1, keep: 0, batch: 200) == 200 {}
            }
        }
    }

    private func measure(_ name: String, _ count: Int, _ body: () async throws -> Void) async throws -> Double {
        let clock = ContinuousClock()
        let processor = processorTime()
        let wall = try await clock.measure(body)
        let used = processorTime() - processor
        let seconds = Double(wall.components.seconds) + Double(wall.components.attoseconds) / 1e18
        let rate = Double(count) / seconds
        print("\(name): \(Int(rate)) jobs/s, \(Int(used / Double(count) * 1e6)) µs CPU a job")
        return rate
    }

    /// Seconds of CPU of this process.
    private func processorTime() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }
}
