import FoundationEssentials
import Testing

@testable import PushQueue

/// A long life in some minutes: run with PUSHD_TEST_SCALE=1. No time is asserted, only printed.
@Suite("A million jobs", .enabled(if: ProcessInfo.processInfo.environment["PUSHD_TEST_SCALE"] == "1"))
struct ScaleTests {
    private static let total = 1_000_000
    /// Where it is looked at. The first is before anything was pruned.
    private static let looks = [10_000, 100_000, 1_000_000]
    /// What the configuration keeps unless it says otherwise.
    private static let kept = 10_000
    /// Jobs between two prunings, as many as a busy daemon ends in its ten minutes.
    private static let round = 10_000
    /// Writers at a time, so that they share commits.
    private static let writers = 256

    private struct Look {
        var costs: [String: Cost] = [:]
        /// Of the database's pages, in bytes.
        var size = 0
        var jobs = 0
    }

    @Test("pass through the queue, and its operations and its file stay as they were with the first ten thousand")
    func million() async throws {
        try await withStore { store in
            let clock = ContinuousClock()
            let start = clock.now
            var looks: [Look] = []
            for done in stride(from: Self.round, through: Self.total, by: Self.round) {
                try await run(done - Self.round..<done, in: store)
                try await prune(store, now: Int64(done))
                guard Self.looks.contains(done) else { continue }
                let look = try await look(at: store, number: done)
                looks.append(look)
                let costs = look.costs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.steps)" }
                print(
                    "\(done) jobs after \(clock.now - start): \(look.size / 1024) KiB, \(look.jobs) jobs stored, "
                        + "steps: " + costs.joined(separator: ", "))
            }
            let (first, middle, last) = (looks[0], looks[1], looks[2])
            #expect(last.jobs == Self.kept && middle.jobs == Self.kept)
            for (operation, cost) in last.costs {
                let before = try #require(first.costs[operation])
                #expect(cost.steps > 0)
                #expect(
                    cost.steps <= before.steps + before.steps / 10 + 20,
                    "\(operation): \(before.steps), then \(cost.steps)")
                #expect(cost.scanned <= before.scanned, "\(operation) walks over \(cost.scanned) rows")
            }
            // Ten thousand kept and ten thousand more between two prunings.
            #expect(middle.size <= first.size * 5 / 2)
            #expect(last.size <= middle.size + middle.size / 20, "\(middle.size) bytes, then \(last.size)")
            #expect(try await store.counts()[.succeeded] == Self.kept)
        }
    }

    /// Takes jobs from their acceptance to their end; every one has an image of its own, and layers that others have.
    private func run(_ numbers: Range<Int>, in store: JobStore) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, number) in numbers.enumerated() {
                if place >= Self.writers { try await group.next() }
                group.addTask { try await way(of: number, in: store) }
            }
            try await group.waitForAll()
        }
    }

    private func way(of number: Int, in store: JobStore) async throws {
        let now = Int64(number)
        let new = try NewJob.push("image\(number)", to: "r\(number % 5).example/app:\(number)")
        _ = try await store.accept([new], now: now)
        // Perhaps not the same one: each of the writers takes as many as it brought.
        let claim = try #require(await store.claim(at: Int64(Self.total)))
        let report = BlobReport(digest: .of("base"), outcome: .uploaded, bytesSent: 2000)
        try await store.succeed(claim, verified: "manifest", reports: [report], now: now)
    }

    private func prune(_ store: JobStore, now: Int64) async throws {
        while try await store.prune(now: now, olderThan: .max / 2, keep: Self.kept, batch: 500) == 500 {}
    }

    /// What one of each operation costs now; afterwards the queue is as before.
    private func look(at store: JobStore, number: Int) async throws -> Look {
        var look = Look()
        func measure(_ name: String, _ operation: () async throws -> Void) async throws {
            _ = try await store.takeCost()
            try await operation()
            look.costs[name] = try await store.takeCost()
        }
        let now = Int64(number)
        var claim: Claim?
        try await measure("accept") {
            _ = try await store.accept(one: .push("look\(number)", to: "r1.example/look:\(number)"), now: now)
        }
        try await measure("claim") { claim = try await store.claim(at: Int64(Self.total)) }
        let held = try #require(claim)
        try await measure("outcome") {
            try await store.setOutcome(held, digest: .of("base"), outcome: .uploaded, detail: nil, bytesSent: 1)
        }
        try await measure("succeed") { try await store.succeed(held, verified: nil, now: now) }
        try await measure("list") { _ = try await store.jobs(JobFilter(limit: 50)) }
        try await measure("counts") { _ = try await store.counts() }
        try await measure("prune") {
            _ = try await store.prune(now: now, olderThan: .max / 2, keep: Self.kept, batch: 500)
        }
        look.jobs = try await store.count("SELECT count(*) FROM job")
        look.size =
            try await store.count("SELECT page_count FROM pragma_page_count")
            * store.count("SELECT page_size FROM pragma_page_size")
        return look
    }
}
