import Testing

@testable import PushQueue

@Suite("The end of an attempt")
struct AttemptEndTests {
    @Test("that succeeded ends the job and clears its error")
    func succeeds() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let first = try #require(await store.claim(at: 1))
            try await store.retryLater(first, at: 2, error: .outage, madeProgress: false, now: 2)
            #expect(try await store.job(id)?.error == .outage)
            let second = try #require(await store.claim(at: 3))
            #expect(second.job.failures == 1)
            try await store.succeed(second, verified: "blobs", now: 4)
            let job = try #require(await store.job(id))
            #expect((job.state, job.endedAt, job.verified, job.attempts) == (.succeeded, 4, "blobs", 2))
            #expect((job.error, job.failures) == (nil, 0))
            let attempts = try await store.attempts(of: id)
            #expect(attempts.map(\.error) == [.outage, nil])
            #expect(attempts.map(\.endedAt) == [2, 4])
        }
    }

    @Test("that failed for good ends the job with its error and advice")
    func fails() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            try await store.fail(#require(await store.claim(at: 1)), error: .loginMissing, now: 2)
            let job = try #require(await store.job(id))
            #expect((job.state, job.error, job.endedAt) == (.failed, .loginMissing, 2))
        }
    }

    @Test("that is to be repeated counts failures in a row, and starts anew once bytes moved")
    func failures() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            var seen: [Int] = []
            for (madeProgress, error) in [
                (false, JobError.outage), (false, .outage), (false, nil), (true, .outage), (false, .outage),
            ] {
                let claim = try #require(await store.claim(at: 1))
                try await store.retryLater(claim, at: 1, error: error, madeProgress: madeProgress, now: 1)
                seen.append(try #require(await store.job(id)).failures)
            }
            #expect(seen == [1, 2, 2, 0, 1])
        }
    }

    @Test("that was given back leaves no trace")
    func givesBack() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let claim = try #require(await store.claim(at: 1))
            try await store.retryLater(claim, at: 40, error: nil, madeProgress: false, now: 2)
            let job = try #require(await store.job(id))
            #expect((job.state, job.attempts, job.nextAttemptAt, job.error) == (.queued, 0, 40, nil))
            #expect(try await store.attempts(of: id).isEmpty)
        }
    }

    @Test("makes room for the newer job of its destination", arguments: ["postponed", "given back", "blocked"])
    func superseded(how: String) async throws {
        try await withStore { store in
            let old = try await store.accept(one: .push("v1"))
            let claim = try #require(await store.claim(at: 1))
            let new = try await store.accept(one: .push("v2"), now: 2)
            switch how {
            case "postponed": try await store.retryLater(claim, at: 9, error: .outage, madeProgress: false, now: 3)
            case "given back": try await store.retryLater(claim, at: 9, error: nil, madeProgress: false, now: 3)
            default: try await store.block(claim, error: .loginMissing, now: 3)
            }
            let job = try #require(await store.job(old))
            #expect((job.state, job.supersededBy) == (.superseded, new))
            #expect(try await store.claim(at: 3)?.job.id == new)
        }
    }

    @Test("shortens a message that a registry made endless")
    func bounded() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let error = JobError(code: "server-error", message: String(repeating: "é", count: 100_000))
            try await store.fail(#require(await store.claim(at: 1)), error: error, now: 2)
            #expect(try #require(await store.job(id)?.error).message.utf8.count < 4096)
        }
    }
}
