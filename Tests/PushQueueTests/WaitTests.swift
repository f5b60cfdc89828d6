import OCI
import TestSupport
import Testing

@testable import PushQueue

@Suite("What waits")
struct WaitTests {
    private func due(_ store: JobStore, _ id: JobID) async throws -> Int64? { try await store.job(id)?.nextAttemptAt }

    /// A queued job, and one that was put off by 500, at the time 10_000.
    private func withWaiting(_ body: (JobStore, _ queued: JobID, _ waiting: JobID) async throws -> Void) async throws {
        try await withStore { store in
            let waiting = try await store.accept(one: .push("a", to: "r1.example/a:1"), now: 9000)
            let claim = try #require(try await store.claim(at: 9000))
            try await store.retryLater(claim, at: 10_500, error: .outage, madeProgress: false, tried: 77, now: 10_000)
            let queued = try await store.accept(one: .push("b", to: "r1.example/b:1", expiresAt: 10_900), now: 10_000)
            try await body(store, queued, waiting)
        }
    }

    @Test("is due after its own wait at the latest, however the clock stands at the start")
    func cut() async throws {
        try await withWaiting { store, queued, waiting in
            try await store.cutWaits(now: 10_100, longest: 3000)
            #expect(try await due(store, queued) == 10_000)
            #expect(try await due(store, waiting) == 10_500)
            try await store.cutWaits(now: 4000, longest: 3000)
            #expect(try await due(store, queued) == 4000)
            #expect(try await due(store, waiting) == 4500)
            #expect(try await store.job(queued)?.expiresAt == 4900)
            try await store.cutWaits(now: 4400, longest: 3000)
            #expect(try await due(store, waiting) == 4500, "not put off by another start")
            try await store.cutWaits(now: 900_000, longest: 3000)
            #expect(try await due(store, waiting) == 4500)
            #expect(try await store.job(queued)?.expiresAt == 4900)
        }
    }

    @Test("waits no longer than the longest wait that is configured, as an earlier version may have stored it")
    func longest() async throws {
        try await withFile { path in
            let store = try JobStore(path: path)
            let id = try await store.accept(one: .push())
            let claim = try #require(try await store.claim(at: 0))
            try await store.retryLater(
                claim, at: 999_999_999_000, error: .outage, madeProgress: false, now: 1000)
            try await store.cutWaits(now: 2000, longest: 3_600_000)
            #expect(try await due(store, id) == 3_602_000)
        }
    }

    @Test("and deadlines follow a clock that is set", arguments: [-5000, 1_000_000] as [Int64])
    func clockSet(step: Int64) async throws {
        try await withWaiting { store, queued, waiting in
            let now = 10_100 + step
            try await store.clockWasSet(by: step, now: now, longest: 3000)
            #expect(try await store.job(queued)?.expiresAt == 10_900 + step)
            for (id, wait) in [(queued, 0), (waiting, 500)] as [(JobID, Int64)] {
                #expect(try #require(try await due(store, id)) <= now + wait)
            }
        }
    }

    @Test("is due at once where somebody wants it so, at one registry or at all")
    func endWaits() async throws {
        try await withWaiting { store, queued, waiting in
            try await store.endWaits(at: "r2.example", now: 10_200)
            #expect(try await due(store, waiting) == 10_500)
            try await store.endWaits(at: "r1.example", now: 10_200)
            #expect(try await due(store, waiting) == 10_200)
            #expect(try await due(store, queued) == 10_000)
            try await store.endWaits(at: nil, now: 9000)
            #expect(try await due(store, queued) == 9000)
            #expect(try await store.job(waiting)?.state == .waiting)
        }
    }

    @Test("is given up with its last error, but not once it is tried again")
    func giveUp() async throws {
        try await withWaiting { store, queued, waiting in
            #expect(try await store.giveUp(waiting, now: 10_300))
            let ended = try #require(try await store.job(waiting))
            #expect(ended.state == .failed && ended.error == .outage && ended.endedAt == 10_300)
            #expect(ended.tried == 77)
            #expect(try await !store.giveUp(queued, now: 10_300))
            #expect(try await store.retry([waiting], now: 10_400) == [waiting])
            #expect(try await store.job(waiting)?.tried == 0)
        }
    }

    @Test("names what its registry is paused for when its time is over")
    func pauses() async throws {
        try await withStore { store in
            func message(_ image: String, failedAt: Int64?) async throws -> String {
                let id = try await store.accept(
                    one: .push(image, to: "r1.example/\(image):1", expiresAt: 10_900), now: 0)
                if let failedAt {
                    let claim = try #require(try await store.claim(at: failedAt))
                    try await store.retryLater(
                        claim, at: failedAt, error: .outage, madeProgress: false, now: failedAt)
                }
                let pause = JobStore.Pause(since: 5000, reason: "away")
                #expect(try await store.expire(now: 10_900, pauses: ["r1.example": pause]) == [id])
                return try #require(try await store.job(id)?.error?.message)
            }
            let a = try await message("a", failedAt: nil)
            #expect(a.hasSuffix("; r1.example was paused: away"))
            let b = try await message("b", failedAt: 4000)
            #expect(b.hasSuffix("; r1.example was paused: away"))
            let c = try await message("c", failedAt: 5001)
            #expect(c.hasSuffix("; last: connection refused"))
        }
    }

    @Test("is counted for each registry")
    func counts() async throws {
        try await withWaiting { store, queued, _ in
            _ = try await store.accept(one: .push("c", to: "r2.example/c:1"))
            #expect(try await store.waitingJobs() == ["r1.example": 2, "r2.example": 1])
            _ = try await store.cancel([queued], now: 0)
            #expect(try await store.waitingJobs() == ["r1.example": 1, "r2.example": 1])
        }
    }
}
