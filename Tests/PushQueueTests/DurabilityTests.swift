import FoundationEssentials
import OCI
import Synchronization
import TestSupport
import Testing

@testable import PushQueue

@Suite("What was acknowledged")
struct DurabilityTests {
    /// What the disk would hold if the process died now.
    private func image(of path: String, in directory: TemporaryDirectory, named name: String) throws -> String {
        let copy = directory.file(name)
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        return copy
    }

    @Test("is there after a crash at any moment")
    func survives() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("queue.db")
            let store = try JobStore(path: path)
            for number in 1...20 {
                let id = try await store.accept(one: .push(to: "r1.example/app:\(number)"))
                let dead = try JobStore(path: image(of: path, in: directory, named: "dead\(number)"))
                #expect(try await dead.state(id) == .queued)
                #expect(try await dead.counts() == store.counts())
            }
            let claim = try #require(await store.claim(at: 1))
            let dead = try JobStore(path: image(of: path, in: directory, named: "dead"))
            #expect(try await dead.recover(now: 2) == 1)
            #expect(try await dead.state(claim.job.id) == .queued)
            #expect(try await store.state(claim.job.id) == .running)
        }
    }

    @Test("is there whole or not at all where the end of the log was lost", arguments: [1, 100, 3000, 9000])
    func torn(lost: Int) async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("queue.db")
            let store = try JobStore(path: path)
            let first = try await store.accept(one: .push(to: "r1.example/first:1"))
            let second = try await store.accept((0..<20).map { try .push(to: "r1.example/second:\($0)") }, now: 1)
            let copy = try image(of: path, in: directory, named: "torn")
            let log = FileManager.default.contents(atPath: copy + "-wal") ?? Data()
            try #require(log.count > lost)
            try log.dropLast(lost).write(to: URL(filePath: copy + "-wal"))

            let torn = try JobStore(path: copy)
            #expect(try await torn.state(first) == .queued)
            #expect(try await torn.counts()[.queued] == 1)
            #expect(try await torn.state(second[0].id) == nil)
            #expect(try await torn.allNeededDigests() == store.allNeededDigests())
        }
    }

    @Test("shares one commit with what arrived at the same time")
    func groups() async throws {
        try await withStore { store in
            let before = try await store.commits()
            try await withThrowingTaskGroup(of: JobID.self) { group in
                for number in 0..<2_000 {
                    group.addTask { try await store.accept(one: .push(to: "r1.example/app:\(number)")) }
                }
                var ids: Set<JobID> = []
                for try await id in group { ids.insert(id) }
                #expect(ids == Set(1...2_000))
            }
            let commits = try await store.commits() - before
            #expect(commits < 1_000, "\(commits) commits")
        }
    }

    @Test("does not suffer from what was refused in the same commit")
    func isolates() async throws {
        try await withStore { store in
            let fence = try await store.accept(one: .push(to: "r1.example/claimed:1"))
            let stale = try #require(await store.claim(at: 1))
            _ = try await store.cancel([fence], now: 2)
            let changes = store.changes()

            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        switch number % 3 {
                        case 0: _ = try await store.accept(one: .push(to: "r1.example/app:\(number)"))
                        case 1:
                            // The first of the two is stored before the second is found impossible.
                            let jobs: [NewJob] = [
                                try .push(to: "r1.example/app:\(number)"),
                                try .push(to: "r1.example/bad:1", priority: 999),
                            ]
                            await #expect(throws: QueueError.self) { try await store.accept(jobs, now: 3) }
                        default:
                            await #expect(throws: QueueError.self) {
                                try await store.succeed(stale, verified: nil, now: 3)
                            }
                        }
                        return true
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.counts()[.queued] == 100)
            var seen: Set<JobID> = []
            for await batch in changes {
                seen.formUnion(batch.list.map(\.job))
                if seen.count >= 100 { break }
            }
            #expect(try await seen == Set(store.jobs(JobFilter(states: [.queued], limit: 500)).map(\.id)))
        }
    }

    @Test("is all there is when the disk is full, and the queue goes on once there is space")
    func diskFull() async throws {
        try await withStore { store in
            _ = try await store.accept(one: .push(to: "r1.example/first:1"))
            try await store.limitPages(to: 1)  // SQLite takes what is in use as the least
            var accepted = 1
            let error = await #expect(throws: QueueError.self) {
                for number in 0..<10_000 {
                    let jobs = try (0..<10).map {
                        try NewJob.push("image\(number)-\($0)", to: "r1.example/app:\(number)-\($0)")
                    }
                    _ = try await store.accept(jobs, now: 1)
                    accepted += 10
                }
            }
            #expect(error?.cause == .diskFull)
            #expect(error?.advice?.contains("free space") == true)
            #expect(error?.description.contains("cannot accept a push") == true)
            #expect(try await store.counts()[.queued] == accepted)

            try await store.limitPages(to: 1_000_000)
            _ = try await store.accept(one: .push(to: "r1.example/last:1"))
            #expect(try await store.counts()[.queued] == accepted + 1)
        }
    }
}

@Suite("A commit that fails")
struct FailingCommitTests {
    @Test("tells every one of its callers so, none that it was done, and nothing of it is seen")
    func failingCommit() async throws {
        try await withStore { store in
            var feed = store.changes().makeAsyncIterator()
            let told = Mutex<[String]>([])
            // Nothing is served before this is left: all of them share one commit.
            try await store.read("collect writes") { store in
                for (name, breaks) in [("first", false), ("breaking", true), ("last", false)] {
                    let write = PendingWrite(
                        perform: { store in
                            try store.insertEventOfTest(name)
                            // What refers to nothing is found at the commit alone.
                            if breaks {
                                try store.database.execute("PRAGMA defer_foreign_keys = ON")
                                try store.database.run(
                                    "INSERT INTO attempt (job, number, started_at) VALUES (99, 1, 1)")
                            }
                            return { told.withLock { $0.append("\(name) done") } }
                        }, fail: { _ in told.withLock { $0.append("\(name) failed") } })
                    store.enqueue(write)
                }
            }
            let id = try await store.accept(one: .push())
            #expect(told.withLock { $0 } == ["first failed", "breaking failed", "last failed"])
            #expect(try await store.events(after: 0, limit: 10).map(\.job) == [id])
            #expect(await feed.next()?.list.map(\.job) == [id])
        }
    }
}

extension JobStore {
    fileprivate func insertEventOfTest(_ name: String) throws {
        try database.run("INSERT INTO event (at, kind, registry) VALUES (0, 'login', ?)", name)
    }

    /// Transactions begun so far.
    func commits() async throws -> Int {
        try await read("count commits") { store in
            store.database.prepared.filter { $0.sql == "COMMIT" }.map(\.runs).reduce(0, +)
        }
    }

    /// Lets the database grow to this size at most.
    func limitPages(to count: Int) async throws {
        try await read("limit the size") { store in try store.database.execute("PRAGMA max_page_count = \(count)") }
    }
}
