import OCI
import Testing

@testable import PushQueue

@Suite("Accepting pushes")
struct AcceptTests {
    @Test("stores all that was asked for")
    func stores() async throws {
        try await withStore { store in
            let layers: [JobBlob] = [
                .layer("a", size: 70), .layer("foreign", size: 9000, isSent: false), .layer("a", size: 70),
            ]
            let new = try NewJob.push(
                "app", to: "r1.example:5000/team/app:1.0", layers: layers, priority: 7, verify: .deep, force: true,
                expiresAt: 9_000, origin: .rule, platforms: ["linux/amd64", "linux/arm64"])
            let accepted = try await store.accept([new], now: 1_000)
            let job = try #require(await store.job(accepted[0].id))

            #expect(accepted == [Accepted(id: job.id, isNew: true)])
            #expect(job.image == "app")
            #expect(job.source == "oci:/srv/images")
            #expect(job.root == new.root)
            #expect(job.destination == new.destination)
            #expect((job.state, job.origin, job.priority) == (.queued, .rule, 7))
            #expect((job.verify, job.force) == (.deep, true))
            #expect(job.platforms == ["linux/amd64", "linux/arm64"])
            #expect((job.attempts, job.failures) == (0, 0))
            #expect((job.createdAt, job.updatedAt, job.nextAttemptAt) == (1_000, 1_000, 1_000))
            #expect((job.startedAt, job.endedAt, job.expiresAt) == (nil, nil, 9_000))
            #expect(job.error == nil)
            // A layer that occurs twice counts once, manifests don't count.
            #expect(job.bytesTotal == 100 + 70)
            let blobs = try await store.blobs(of: job.id)
            #expect(blobs.map(\.blob) == [new.blobs[0], layers[0], layers[1], new.blobs[4]])
            #expect(blobs.map(\.outcome) == [.pending, .pending, .skipped, .pending])
        }
    }

    @Test("reads every kind of destination back", arguments: ["localhost:5000/a:1", "docker.io/library/x:2", "x:3"])
    func destinations(text: String) async throws {
        try await withStore { store in
            let reference = try ImageReference(parsing: text)
            let id = try await store.accept(one: .push(to: text))
            #expect(try await store.job(id)?.destination.description == reference.description)
        }
    }

    @Test("returns the pending job that does the same", arguments: [JobState.queued, .running, .waiting, .blocked])
    func dedupe(state: JobState) async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(origin: .rule))
            try await store.bring(id, to: state)
            let again = try await store.accept([.push(origin: .rule)], now: 50)
            #expect(again == [Accepted(id: id, isNew: false)])
            #expect(try await store.state(id) == state)
            #expect(try await store.jobs(JobFilter()).count == 1)
        }
    }

    @Test("starts a blocked job again when a person asks for it")
    func commandUnblocks() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            try await store.bring(id, to: .blocked)
            #expect(try await store.accept([.push()], now: 50) == [Accepted(id: id, isNew: false)])
            #expect(try await store.state(id) == .queued)
        }
    }

    @Test("makes a job that waits do what the later request wants as well")
    func joins() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(priority: 5, verify: .blobs, expiresAt: 100))
            _ = try await store.accept([.push(priority: 3, verify: .manifest, force: true, expiresAt: 90)], now: 1)
            var job = try #require(await store.job(id))
            #expect((job.priority, job.verify, job.force, job.expiresAt) == (5, .blobs, true, 100))
            _ = try await store.accept([.push(priority: 8, verify: .deep, expiresAt: nil)], now: 1)
            job = try #require(await store.job(id))
            #expect((job.priority, job.verify, job.force, job.expiresAt) == (8, .deep, true, nil))
        }
    }

    @Test("does not count on a running job for what its worker cannot know")
    func stricterThanRunning() async throws {
        try await withStore { store in
            let running = try await store.accept(one: .push())
            try await store.bring(running, to: .running)
            let forced = try await store.accept([.push(force: true)], now: 1)
            #expect(forced[0].isNew)
            let deep = try await store.accept([.push(verify: .deep)], now: 2)
            #expect(deep[0] == Accepted(id: forced[0].id, isNew: false))
            #expect(try await store.job(forced[0].id)?.verify == .deep)
        }
    }

    @Test("lets a newer image take the place of one that waits", arguments: [JobState.queued, .waiting, .blocked])
    func supersedes(state: JobState) async throws {
        try await withStore { store in
            let old = try await store.accept(one: .push("v1"))
            try await store.bring(old, to: state)
            let new = try await store.accept([.push("v2")], now: 70)
            #expect(new == [Accepted(id: old + 1, isNew: true, superseded: [old])])
            let job = try #require(await store.job(old))
            #expect((job.state, job.supersededBy, job.endedAt) == (.superseded, old + 1, 70))
        }
    }

    @Test("lets a running job go on, and the newest image wait for it")
    func waitsForRunning() async throws {
        try await withStore { store in
            let first = try await store.accept(one: .push("v1"))
            let claim = try #require(await store.claim(at: 1))
            let second = try await store.accept(one: .push("v2"), now: 2)
            let third = try await store.accept([.push("v3")], now: 3)
            #expect(third[0].superseded == [second])
            #expect(try await store.claim(at: 4) == nil)
            #expect(try await store.nextDue(excludingRegistries: []) == nil)

            try await store.succeed(claim, verified: nil, now: 5)
            #expect(try await store.claim(at: 6)?.job.id == third[0].id)
            #expect(try await store.state(first) == .succeeded)
        }
    }

    @Test("pushes an image again that was asked for last, although an older job for it is running")
    func backToRunning() async throws {
        try await withStore { store in
            _ = try await store.accept(one: .push("v1"))
            _ = try #require(await store.claim(at: 1))
            let second = try await store.accept(one: .push("v2"), now: 2)
            let back = try await store.accept([.push("v1")], now: 3)
            #expect(back == [Accepted(id: second + 1, isNew: true, superseded: [second])])
        }
    }

    @Test("treats other platforms and other destinations as other pushes")
    func different() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let others = try await store.accept(
                [.push(to: "r1.example/team/app:2"), .push(to: "r2.example/team/app:1")], now: 1)
            #expect(others.map(\.isNew) == [true, true])
            #expect(others.flatMap(\.superseded).isEmpty)
            #expect(try await store.accept([.push(platforms: ["linux/arm64"])], now: 2)[0].superseded == [id])
        }
    }

    @Test("refuses an impossible job and stores none of its request")
    func refuses() async throws {
        try await withStore { store in
            let bad: [NewJob] = [
                try .push(to: "r2.example/a:1", priority: 101), try .push(to: "r2.example/a:1", priority: -101),
                try .push(to: "r2.example/a"),
                try .push(to: "r2.example/a:1", layers: [.layer("x", size: -1)]),
                try .push(to: "r2.example/a:1", layers: [.layer("x", size: .max), .layer("y", size: .max)]),
            ]
            for job in bad {
                let error = await #expect(throws: QueueError.self) { try await store.accept([.push(), job], now: 0) }
                guard case .invalidJob = error?.cause else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
            #expect(try await store.counts()[.queued] == 0)
        }
    }

    @Test("shares one list of blobs between all jobs of an image")
    func sharesImage() async throws {
        try await withStore { store in
            for tag in 0..<50 { _ = try await store.accept(one: .push("app", to: "r1.example/app:\(tag)")) }
            #expect(try await store.count("SELECT count(*) FROM image") == 1)
            #expect(try await store.count("SELECT count(*) FROM image_blob") == 4)
            #expect(try await store.count("SELECT count(*) FROM job_blob_outcome") == 0)
        }
    }

    @Test("keeps apart what descriptors call the same root")
    func differentLists() async throws {
        try await withStore { store in
            let a = try await store.accept(one: .push(to: "r1.example/a:1", layers: [.layer("x")]))
            let b = try await store.accept(one: .push(to: "r1.example/b:1", layers: [.layer("x", isSent: false)]))
            #expect(try await store.blobs(of: a)[1].blob.isSent)
            #expect(try await !store.blobs(of: b)[1].blob.isSent)
        }
    }
}

extension JobStore {
    /// Brings a job that is queued, and alone in the queue, to a pending state.
    func bring(_ id: JobID, to state: JobState) async throws {
        guard state != .queued else { return }
        let claim = try #require(await claim(at: 10))
        #expect(claim.job.id == id)
        switch state {
        case .waiting: try await retryLater(claim, at: 1_000, error: .outage, madeProgress: false, now: 11)
        case .blocked: try await block(claim, error: .loginMissing, now: 11)
        default: break
        }
    }

    /// The number that a query answers.
    func count(_ sql: StaticString) async throws -> Int {
        try await read("count") { store in try store.database.row(sql) { $0.int(0) } ?? 0 }
    }
}
