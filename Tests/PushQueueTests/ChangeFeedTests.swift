import Testing

@testable import PushQueue

@Suite("The feed of changes")
struct ChangeFeedTests {
    @Test("tells each reader of every change, with the state before")
    func tells() async throws {
        try await withStore { store in
            var first = store.changes().makeAsyncIterator()
            let id = try await store.accept(one: .push("v1"))
            #expect(
                await first.next()
                    == JobChanges(list: [JobChange(job: id, state: .queued, old: nil)], missedSome: false))
            var second = store.changes().makeAsyncIterator()
            let claim = try #require(await store.claim(at: 1))
            let running = JobChange(job: id, state: .running, old: .queued)
            #expect(await first.next()?.list == [running])
            #expect(await second.next()?.list == [running])
            try await store.retryLater(claim, at: 9, error: .outage, madeProgress: false, now: 2)
            #expect(await first.next()?.list == [JobChange(job: id, state: .waiting, old: .running)])
            _ = try await store.accept(one: .push("v2"), now: 3)
            #expect(
                await first.next()?.list == [
                    JobChange(job: id, state: .superseded, old: .waiting),
                    JobChange(job: id + 1, state: .queued, old: nil),
                ])
        }
    }

    @Test("keeps one entry a job for a reader that is slow")
    func coalesces() async throws {
        try await withStore { store in
            var reader = store.changes().makeAsyncIterator()
            let id = try await store.accept(one: .push())
            let claim = try #require(await store.claim(at: 1))
            try await store.succeed(claim, verified: nil, now: 2)
            #expect(await reader.next()?.list == [JobChange(job: id, state: .succeeded, old: nil)])
        }
    }

    @Test("is bounded, and says when a reader missed something")
    func bounded() async throws {
        try await withStore { store in
            var reader = store.changes(keeping: 2).makeAsyncIterator()
            let jobs = try (0..<5).map { try NewJob.push(to: "r1.example/app:\($0)") }
            _ = try await store.accept(jobs, now: 0)
            let batch = try #require(await reader.next())
            #expect(batch.list.map(\.job) == [1, 2])
            #expect(batch.missedSome)
            _ = try await store.cancel([5], now: 1)
            #expect(await reader.next()?.missedSome == false)
        }
    }

    @Test("says nothing of what was refused or changed nothing")
    func onlyCommitted() async throws {
        try await withStore { store in
            var reader = store.changes().makeAsyncIterator()
            await #expect(throws: QueueError.self) {
                try await store.accept(
                    [.push(to: "r1.example/a:1"), .push(to: "r1.example/b:1", priority: 999)], now: 0)
            }
            _ = try await store.cancel([1], now: 0)
            let id = try await store.accept(one: .push(to: "r1.example/c:1"))
            #expect(await reader.next()?.list == [JobChange(job: id, state: .queued, old: nil)])
        }
    }

    @Test("ends for a reader that is cancelled, and for all with the store")
    func ends() async throws {
        try await withFile { path in
            var store: JobStore? = try JobStore(path: path)
            let stream = try #require(store).changes()
            let other = try #require(store).changes()
            let reader = Task { for await _ in stream {} }
            reader.cancel()
            await reader.value
            store = nil
            for await _ in other { Issue.record("nothing was changed") }
        }
    }
}
