import OCI
import Testing

@testable import PushQueue

@Suite("Claiming jobs")
struct ClaimTests {
    @Test("marks the job as running, and counts the attempt")
    func marks() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let claim = try #require(await store.claim(at: 77))
            #expect((claim.job.id, claim.job.state, claim.job.attempts) == (id, .running, 1))
            #expect((claim.job.startedAt, claim.job.nextAttemptAt) == (77, nil))
            let attempts = try await store.attempts(of: id)
            #expect(attempts.map(\.number) == [1])
            #expect(attempts.map(\.startedAt) == [77])
            #expect(try await store.claim(at: 78) == nil)
        }
    }

    @Test("goes by priority, then by what was due first, then by age")
    func order() async throws {
        try await withStore { store in
            var ids: [JobID] = []
            for (tag, priority, now) in [("a", 0, 5), ("b", 0, 3), ("c", 9, 8), ("d", 0, 3), ("e", -1, 1)] {
                let new = try NewJob.push(to: "r1.example/app:\(tag)", priority: priority)
                ids.append(try await store.accept(one: new, now: Int64(now)))
            }
            var order: [JobID] = []
            while let claim = try await store.claim(at: 100) { order.append(claim.job.id) }
            #expect(order == [ids[2], ids[1], ids[3], ids[0], ids[4]])
        }
    }

    @Test("leaves jobs that are not due, and says when the first one is", arguments: [99, 100])
    func due(now: Int64) async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(priority: 50))
            let claim = try #require(await store.claim(at: 1))
            try await store.retryLater(claim, at: 100, error: .outage, madeProgress: false, now: 2)
            #expect(try await store.nextDue(excludingRegistries: []) == 100)
            #expect(try await store.nextDue(excludingRegistries: ["r1.example"]) == nil)
            #expect(try await store.claim(at: now)?.job.id == (now == 100 ? id : nil))
        }
    }

    @Test("passes a high priority that is not due by for a low one that is")
    func passesBy() async throws {
        try await withStore { store in
            _ = try await store.accept(one: .push(to: "r1.example/high:1", priority: 9), now: 500)
            let low = try await store.accept(one: .push(to: "r1.example/low:1", priority: -9), now: 10)
            #expect(try await store.nextDue(excludingRegistries: []) == 10)
            #expect(try await store.claim(at: 20)?.job.id == low)
            #expect(try await store.nextDue(excludingRegistries: []) == 500)
        }
    }

    @Test("serves first the registry that has the fewest jobs under way, then in turns")
    func fewest() async throws {
        try await withStore { store in
            for registry in ["r1", "r2", "r3"] {
                for number in 0..<2 {
                    _ = try await store.accept(one: .push(to: "\(registry).example/app:\(number)"), now: 0)
                }
            }
            func next(_ busy: [String: Int], except closed: Set<String> = []) async throws -> String? {
                try await store.claim(excludingRegistries: closed, busy: busy, now: 1)?.job.destination.domain
            }
            #expect(try await next(["r1.example": 5, "r2.example": 3]) == "r3.example")
            #expect(try await next(["r1.example": 5, "r2.example": 3, "r3.example": 4]) == "r2.example")
            #expect(try await next(["r1.example": 1, "r2.example": 1, "r3.example": 1]) == "r1.example")
            #expect(try await next([:], except: ["r1.example"]) == "r3.example")
        }
    }

    @Test("serves registries in turns, however long the queue of one is")
    func fair() async throws {
        try await withStore { store in
            let long = try (0..<200).map { try NewJob.push(to: "busy.example/app:\($0)", priority: 90) }
            _ = try await store.accept(long, now: 0)
            let short = try (0..<3).map { try NewJob.push(to: "calm.example/app:\($0)") }
            _ = try await store.accept(short, now: 50)
            var served: [String] = []
            for _ in 0..<8 {
                served.append(try #require(await store.claim(at: 60)).job.destination.domain)
            }
            #expect(served.filter { $0 == "calm.example" }.count == 3)
            #expect(served.prefix(6).filter { $0 == "calm.example" }.count == 3)
        }
    }

    @Test("keeps the turns over a restart")
    func turnsAfterRestart() async throws {
        try await withFile { path in
            do {
                let store = try JobStore(path: path)
                for registry in ["a.example", "b.example"] {
                    for tag in 1...2 { _ = try await store.accept(one: .push(to: "\(registry)/app:\(tag)")) }
                }
                #expect(try await store.claim(at: 1)?.job.destination.domain == "a.example")
            }
            let store = try JobStore(path: path)
            #expect(try await store.claim(at: 1)?.job.destination.domain == "b.example")
            #expect(try await store.claim(at: 1)?.job.destination.domain == "a.example")
        }
    }

    @Test("leaves out registries that are paused or full")
    func excludes() async throws {
        try await withStore { store in
            _ = try await store.accept(one: .push(to: "a.example/app:1"))
            let other = try await store.accept(one: .push(to: "b.example/app:1"))
            #expect(try await store.claim(excludingRegistries: ["a.example"], now: 1)?.job.id == other)
            #expect(try await store.claim(excludingRegistries: ["a.example"], now: 1) == nil)
        }
    }

    @Test("fences out whoever had the job before, even where the attempt was given back")
    func fence() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let first = try #require(await store.claim(at: 1))
            try await store.retryLater(first, at: 2, error: nil, madeProgress: false, now: 2)
            let second = try #require(await store.claim(at: 3))
            #expect(second.job.attempts == first.job.attempts)
            #expect(second.attempt != first.attempt)

            let writes: [@Sendable () async throws -> Void] = [
                { try await store.succeed(first, verified: nil, now: 4) },
                { try await store.fail(first, error: .outage, now: 4) },
                { try await store.block(first, error: .outage, now: 4) },
                { try await store.retryLater(first, at: 9, error: nil, madeProgress: true, now: 4) },
                {
                    try await store.setOutcome(
                        first, digest: .of("base"), outcome: .uploaded, detail: nil, bytesSent: 1)
                },
            ]
            for write in writes {
                let error = await #expect(throws: QueueError.self) { try await write() }
                #expect(error?.cause == .staleClaim(job: id, attempt: first.attempt))
            }
            #expect(try await store.state(id) == .running)
            try await store.succeed(second, verified: "manifest", now: 5)
            #expect(try await store.job(id)?.verified == "manifest")
        }
    }

    @Test("keeps the latest attempts only")
    func attemptsAreBounded() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let rounds = JobStore.attemptsKept + 3
            for round in 1...rounds {
                let claim = try #require(await store.claim(at: Int64(round)))
                try await store.retryLater(
                    claim, at: Int64(round), error: .outage, madeProgress: false, now: Int64(round))
            }
            let numbers = try await store.attempts(of: id).map(\.number)
            #expect(numbers == Array(4...rounds))
            #expect(try await store.job(id)?.attempts == rounds)
        }
    }
}
