import OCI
import Testing

@testable import PushQueue

@Suite("Pruning")
struct PruningTests {
    /// Jobs 1 to 6; all but the last have ended, each at its number.
    private func withSix(_ body: (JobStore) async throws -> Void) async throws {
        try await withStore { store in
            for number in 1...6 {
                _ = try await store.accept(one: .push("image\(number)", to: "r1.example/app:\(number)"))
                guard number < 6 else { continue }
                let claim = try #require(await store.claim(at: 1))
                try await store.setOutcome(claim, digest: .of("base"), outcome: .uploaded, detail: nil, bytesSent: 9)
                try await store.succeed(claim, verified: nil, now: Int64(number))
            }
            try await store.remember(.of("base"), registry: "r1.example", repository: "app", now: 1)
            try await body(store)
        }
    }

    @Test(
        "deletes what is too old",
        arguments: [(0, [6, 5, 4, 3, 2, 1]), (3, [6, 5, 4, 3]), (100, [6])] as [(Int64, [JobID])])
    func age(cutoff: Int64, left: [JobID]) async throws {
        try await withSix { store in
            let deleted = try await store.prune(now: cutoff + 1_000, olderThan: 1_000, keep: 100, batch: 100)
            #expect(deleted == 6 - left.count)
            #expect(try await store.jobs(JobFilter()).map(\.id) == left)
        }
    }

    @Test("deletes the oldest of what is too much, a bounded number at a time")
    func count() async throws {
        try await withSix { store async throws in
            #expect(try await store.prune(now: 10, olderThan: 1_000, keep: 1, batch: 3) == 3)
            #expect(try await store.jobs(JobFilter()).map(\.id) == [6, 5, 4])
            #expect(try await store.prune(now: 10, olderThan: 1_000, keep: 1, batch: 3) == 1)
            #expect(try await store.prune(now: 10, olderThan: 1_000, keep: 1, batch: 3) == 0)
            #expect(try await store.jobs(JobFilter()).map(\.id) == [6, 5])
        }
    }

    @Test("takes attempts, outcomes and images along, and leaves the ledger")
    func takesAlong() async throws {
        try await withSix { store async throws in
            #expect(try await store.count("SELECT count(*) FROM attempt") == 5)
            #expect(try await store.prune(now: 10_000, olderThan: 1, keep: 0, batch: 100) == 5)
            #expect(try await store.count("SELECT count(*) FROM attempt") == 0)
            #expect(try await store.count("SELECT count(*) FROM job_blob_outcome") == 0)
            #expect(try await store.count("SELECT count(*) FROM image") == 1)
            #expect(try await store.count("SELECT count(*) FROM image_blob") == 4)
            #expect(try await store.counts()[.succeeded] == 0)
            #expect(try await store.knows(.of("base"), registry: "r1.example", repository: "app", since: 0))
        }
    }

    @Test("gives no number twice")
    func numbers() async throws {
        try await withStore { store in
            let first = try await store.accept(one: .push())
            _ = try await store.cancel([first], now: 1)
            #expect(try await store.prune(now: 9, olderThan: 0, keep: 0, batch: 10) == 1)
            #expect(try await store.accept(one: .push()) == first + 1)
        }
    }

    @Test("keeps the blobs of pending jobs needed, and no others")
    func needed() async throws {
        try await withStore { store in
            let a = try await store.accept(one: .push("a", to: "r1.example/x:a"))
            let b = try await store.accept(one: .push("b", to: "r1.example/x:b"))
            let again = try await store.accept(one: .push("b", to: "r1.example/x:c"))
            let all: [Digest] = ["a", "a-config", "a-layer", "b", "b-config", "b-layer", "base"].map { .of($0) }
            #expect(try await store.allNeededDigests() == Set(all))
            _ = try await store.cancel([a, b], now: 1)
            #expect(try await store.neededDigests(among: all) == Set(all[3...]))
            #expect(try await store.allNeededDigests() == Set(all[3...]))
            _ = try await store.cancel([again], now: 2)
            #expect(try await store.allNeededDigests() == [])
            _ = try await store.retry([a], now: 3)
            #expect(try await store.neededDigests(among: all) == Set(all[...2] + [all[6]]))
        }
    }
}
