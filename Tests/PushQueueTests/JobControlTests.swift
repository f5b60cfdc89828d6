import Testing

@testable import PushQueue

@Suite("Cancelling, retrying, expiring and recovering")
struct JobControlTests {
    @Test("cancels what is pending and tells what was running")
    func cancels() async throws {
        try await withStore { store in
            let running = try await store.accept(one: .push(to: "r1.example/a:1"))
            let claim = try #require(await store.claim(at: 1))
            let queued = try await store.accept(one: .push(to: "r1.example/b:1"))
            let before = try await store.cancel([queued, running, 99, queued], now: 5)
            #expect(before == [queued: .queued, running: .running])
            #expect(try await store.state(queued) == .canceled)
            #expect(try await store.state(running) == .canceled)
            #expect(try await store.attempts(of: running)[0].error?.code == "canceled")
            await #expect(throws: QueueError.self) { try await store.succeed(claim, verified: nil, now: 6) }
            #expect(try await store.cancel([queued], now: 9) == [queued: .canceled])
            #expect(try await store.job(queued)?.endedAt == 5)
        }
    }

    @Test("retries each state from which there is a way back")
    func retries() async throws {
        try await withStore { store in
            var ids: [JobState: JobID] = [:]
            for state in [JobState.failed, .blocked, .waiting, .canceled, .succeeded] {
                let id = try await store.accept(one: .push(to: "r1.example/a:\(state.rawValue)", expiresAt: 20))
                let claim = try #require(await store.claim(at: 1))
                switch state {
                case .failed: try await store.fail(claim, error: .outage, now: 2)
                case .blocked: try await store.block(claim, error: .outage, now: 2)
                case .waiting: try await store.retryLater(claim, at: 9, error: .outage, madeProgress: false, now: 2)
                case .canceled: _ = try await store.cancel([id], now: 2)
                default: try await store.succeed(claim, verified: nil, now: 2)
                }
                ids[state] = id
            }
            let done = ids[.succeeded]
            let retried = try await store.retry(Array(ids.values) + [99], now: 30)
            #expect(Set(retried) == Set(ids.values.filter { $0 != done }))
            for id in retried {
                let job = try #require(await store.job(id))
                #expect((job.state, job.failures, job.nextAttemptAt, job.endedAt) == (.queued, 0, 30, nil))
                #expect(job.expiresAt == nil)  // it had passed
            }
            #expect(try await store.claim(at: 30)?.job.attempts == 2)
        }
    }

    @Test("retries all that failed, and of one destination the newest only")
    func retriesFailed() async throws {
        try await withStore { store in
            var failed: [JobID] = []
            for (image, tag) in [("v1", "a"), ("v2", "a"), ("v1", "b")] {
                failed.append(try await store.accept(one: .push(image, to: "r1.example/app:\(tag)")))
                try await store.fail(#require(await store.claim(at: 1)), error: .outage, now: 2)
            }
            #expect(try await store.retry(nil, now: 3) == [failed[2], failed[1]])
            #expect(try await store.state(failed[0]) == .failed)
        }
    }

    @Test("never puts a tag back to an older image", arguments: [JobState.queued, .running, .succeeded])
    func neverBack(newer: JobState) async throws {
        try await withStore { store in
            let old = try await store.accept(one: .push("v1"))
            try await store.fail(#require(await store.claim(at: 1)), error: .outage, now: 2)
            _ = try await store.accept(one: .push("v2"), now: 3)
            if newer != .queued {
                let claim = try #require(await store.claim(at: 4))
                if newer == .succeeded { try await store.succeed(claim, verified: nil, now: 5) }
            }
            #expect(try await store.retry([old], now: 6).isEmpty)
            #expect(try await store.state(old) == .failed)
        }
    }

    @Test("lets a retried job take the place of an older one that waits")
    func retriedSupersedes() async throws {
        try await withStore { store in
            let old = try await store.accept(one: .push("v1"))
            let claim = try #require(await store.claim(at: 1))
            let new = try await store.accept(one: .push("v2"), now: 2)
            _ = try await store.cancel([new], now: 3)
            try await store.retryLater(claim, at: 9, error: .outage, madeProgress: false, now: 4)
            #expect(try await store.retry([new], now: 5) == [new])
            #expect(try await store.job(old)?.supersededBy == new)
        }
    }

    @Test("unblocks the jobs of the registry that was logged in to")
    func unblocks() async throws {
        try await withStore { store in
            for registry in ["a.example", "b.example"] {
                _ = try await store.accept(one: .push(to: "\(registry)/app:1"))
                try await store.block(#require(await store.claim(at: 1)), error: .loginMissing, now: 2)
            }
            #expect(try await store.unblock(registry: "a.example", now: 3) == [1])
            #expect(try await store.unblock(registry: "a.example", now: 3) == [])
            #expect(try await store.counts()[.blocked] == 1)
        }
    }

    @Test("fails what has had its time, running or not")
    func expires() async throws {
        try await withStore { store in
            let running = try await store.accept(one: .push(to: "r1.example/a:1", expiresAt: 10))
            let claim = try #require(await store.claim(at: 1))
            let queued = try await store.accept(one: .push(to: "r1.example/b:1", expiresAt: 20))
            _ = try await store.accept(one: .push(to: "r1.example/c:1"))
            #expect(try await store.nextExpiry() == 10)
            #expect(try await store.expire(now: 9) == [])
            #expect(try await store.expire(now: 10) == [running])
            #expect(try await store.nextExpiry() == 20)
            #expect(try await store.expire(now: 90) == [queued])
            #expect(try await store.nextExpiry() == nil)
            let job = try #require(await store.job(running))
            #expect((job.state, job.error?.code) == (.failed, "timeout"))
            #expect(job.error?.advice != nil)
            #expect(try await store.attempts(of: running)[0].error?.code == "timeout")
            await #expect(throws: QueueError.self) { try await store.succeed(claim, verified: nil, now: 91) }
        }
    }

    @Test("says in the end what a job that has had its time failed for last", arguments: [false, true])
    func expiresWithReason(whileRunning: Bool) async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(expiresAt: 10))
            let claim = try #require(await store.claim(at: 1))
            try await store.retryLater(claim, at: 2, error: .outage, madeProgress: false, now: 1)
            if whileRunning { _ = try #require(await store.claim(at: 3)) }
            #expect(try await store.expire(now: 10) == [id])
            let error = try #require(await store.job(id)?.error)
            #expect(error.code == "timeout")
            #expect(
                error.message
                    == "the push did not end within its --timeout; last: \(JobError.outage.message)")
            // The attempt itself had no such error.
            let attempts = try await store.attempts(of: id)
            #expect(attempts.contains { $0.error == .outage })
            #expect(attempts.contains { $0.error?.message.contains("last:") == true } == false)
        }
    }

    @Test("takes up what was running when the daemon ended")
    func recovers() async throws {
        try await withFile { path in
            let claim: Claim
            do {
                let store = try JobStore(path: path)
                _ = try await store.accept(one: .push())
                claim = try #require(await store.claim(at: 1))
            }
            let store = try JobStore(path: path)
            #expect(try await store.state(claim.job.id) == .running)
            #expect(try await store.recover(now: 50) == 1)
            #expect(try await store.recover(now: 50) == 0)
            let job = try #require(await store.job(claim.job.id))
            #expect((job.state, job.attempts, job.nextAttemptAt) == (.queued, 1, 50))
            #expect(try await store.attempts(of: job.id).map(\.error?.code) == ["interrupted"])
            await #expect(throws: QueueError.self) { try await store.succeed(claim, verified: nil, now: 51) }
        }
    }

    @Test("does not take up a running job that a newer one waits for")
    func recoversNewest() async throws {
        try await withStore { store in
            let old = try await store.accept(one: .push("v1"))
            _ = try #require(await store.claim(at: 1))
            let new = try await store.accept(one: .push("v2"), now: 2)
            #expect(try await store.recover(now: 3) == 1)
            #expect(try await store.job(old)?.supersededBy == new)
        }
    }
}
