import OCI
import System
import Testing

@testable import PushQueue

/// Pushes of several users to one destination.
@Suite("Pushes of different users to one destination")
struct PartyTests {
    private func push(
        _ image: String = "app", by uid: UInt32? = nil, priority: Int = 0, expiresAt: Int64? = nil,
        ownLogin: Bool = false, to destination: String = "r1.example/team/app:1"
    ) throws -> NewJob {
        var new = try NewJob.push(image, to: destination, priority: priority, expiresAt: expiresAt)
        if let uid {
            new.askedBy = Caller(identity: UserIdentity(uid: uid, gid: uid), pid: 1)
            new.actsAs = new.askedBy?.identity
        }
        new.hasOwnLogin = ownLogin
        return new
    }

    @Test("are never joined: neither priority nor deadline nor login of another's job changes")
    func apart() async throws {
        try await withStore { store in
            let roots = try await store.accept(one: push(priority: 3, expiresAt: 900))
            let member = try await store.accept([push(by: 1000, priority: 50, ownLogin: true)], now: 1)[0]
            #expect(member.isNew && member.superseded.isEmpty)
            let job = try #require(try await store.job(roots))
            #expect((job.state, job.priority, job.expiresAt, job.hasOwnLogin) == (.queued, 3, 900, false))
            // The same user's is joined, by a push with the same kind of login.
            #expect(try await store.accept([push(by: 1000, ownLogin: true)], now: 2)[0].id == member.id)
            #expect(try await store.accept([push()], now: 2)[0].isNew, "what the member asks for comes after it")
        }
    }

    @Test("are not joined by the same user's with another kind of login")
    func loginKinds() async throws {
        try await withStore { store in
            let first = try await store.accept(one: push(by: 1000, ownLogin: true))
            let second = try await store.accept([push(by: 1000)], now: 1)[0]
            #expect(second.isNew)
            #expect(second.superseded == [first])
        }
    }

    @Test("are superseded by the daemon's own, and supersede only their own user's")
    func superseding() async throws {
        try await withStore { store in
            let roots = try await store.accept(one: push("a"))
            let ann = try await store.accept([push("b", by: 1000)], now: 1)[0]
            let bob = try await store.accept([push("c", by: 1001)], now: 2)[0]
            #expect(ann.superseded.isEmpty && bob.superseded.isEmpty)
            let newer = try await store.accept([push("d", by: 1000)], now: 3)[0]
            #expect(newer.superseded == [ann.id])
            for id in [roots, bob.id, newer.id] { #expect(try await store.state(id) == .queued) }
            let all = try await store.accept([push("e")], now: 4)[0]
            #expect(Set(all.superseded) == [roots, bob.id, newer.id])
            #expect(try await store.job(bob.id)?.supersededBy == all.id)
        }
    }

    @Test("begin in the order of their acceptance, whatever their priority; a blocked one holds up nobody")
    func turns() async throws {
        try await withStore { store in
            let roots = try await store.accept(one: push("a"))
            let ann = try await store.accept(one: push("b", by: 1000, priority: 100), now: 1)
            let bob = try await store.accept(one: push("c", by: 1001), now: 2)
            let first = try #require(try await store.claim(at: 10))
            #expect(first.job.id == roots)
            #expect(try await store.claim(at: 10) == nil)
            #expect(try await store.nextDue(excludingRegistries: []) == nil)
            try await store.retryLater(first, at: 50, error: .outage, madeProgress: false, now: 11)
            #expect(try await store.claim(at: 12) == nil, "what waits for its next attempt still comes first")
            let again = try #require(try await store.claim(at: 50))
            #expect(again.job.id == roots)
            try await store.block(again, error: .loginMissing, now: 51)
            let second = try #require(try await store.claim(at: 52))
            #expect(second.job.id == ann)
            try await store.succeed(second, verified: nil, now: 53)
            #expect(try await store.claim(at: 54)?.job.id == bob)
        }
    }

    @Test("that run are superseded at the end of an attempt by the daemon's own alone")
    func running() async throws {
        try await withStore { store in
            let ann = try await store.accept(one: push("a", by: 1000))
            let claim = try #require(try await store.claim(at: 1))
            let bob = try await store.accept(one: push("b", by: 1001), now: 2)
            try await store.retryLater(claim, at: 3, error: .outage, madeProgress: false, now: 2)
            #expect(try await store.state(ann) == .waiting)
            let again = try #require(try await store.claim(at: 3))
            #expect(again.job.id == ann)
            let roots = try await store.accept([push("c")], now: 4)[0]
            #expect(roots.superseded == [bob])
            try await store.retryLater(again, at: 5, error: .outage, madeProgress: false, now: 5)
            #expect(try await store.job(ann)?.supersededBy == roots.id)
        }
    }

    @Test("a retry takes no other user's place")
    func retry() async throws {
        try await withStore { store in
            let ann = try await store.accept(one: push("a", by: 1000))
            _ = try await store.cancel([ann], now: 1)
            let bob = try await store.accept(one: push("b", by: 1001), now: 2)
            #expect(try await store.retry([ann], now: 3) == [], "a newer push for the destination is pending")
            #expect(try await store.state(bob) == .queued)
            _ = try await store.cancel([bob], now: 4)
            #expect(try await store.retry([ann], now: 5) == [ann])
            #expect(try await store.retry([bob], now: 6) == [bob])
            #expect(try await store.state(ann) == .queued)
        }
    }

    @Test("a member's quota counts what is pending, and a push beyond it changes nothing")
    func quota() async throws {
        try await withStore { store in
            let quota = MemberQuota(uid: 1000, jobs: 2, bytes: 1_000_000)
            func accept(_ tags: Int...) async throws -> [Accepted] {
                try await store.accept(
                    tags.map { try push(by: 1000, to: "r1.example/app:\($0)") }, quota: quota, now: 1)
            }
            let first = try await accept(1)[0].id
            let error = await #expect(throws: QueueError.self) { try await accept(2, 3) }
            #expect(error?.cause == .quota(.jobs(uid: 1000, limit: 2)))
            #expect(error?.description.contains("control.quotas.jobs") == true)
            #expect(error?.advice?.contains("pushd.json5") == true)
            #expect(try await store.counts()[.queued] == 1)
            _ = try await accept(2)
            #expect(try await accept(2)[0].isNew == false, "what is joined adds nothing")
            await #expect(throws: QueueError.self) { try await accept(3) }
            _ = try await store.cancel([first], now: 2)
            _ = try await accept(3)
            await #expect(throws: QueueError.self) { try await store.retry([first], quota: quota, now: 3) }
            #expect(try await store.state(first) == .canceled)
            // Others, and the daemon's own, are not counted.
            _ = try await store.accept([push(to: "r1.example/app:7"), push(to: "r1.example/app:8")], now: 4)
        }
    }

    @Test("a member's quota counts bytes")
    func bytes() async throws {
        try await withStore { store in
            func accept(_ tag: Int, _ limit: Int64) async throws {
                _ = try await store.accept(
                    [push(by: 1000, to: "r1.example/app:\(tag)")],
                    quota: MemberQuota(uid: 1000, jobs: 9, bytes: limit), now: 1)
            }
            // 3100 bytes of blobs: 4 KiB.
            let error = await #expect(throws: QueueError.self) { try await accept(1, 3000) }
            #expect(error?.cause == .quota(.bytes(uid: 1000, limit: 3000)))
            try await accept(1, 4096)
            await #expect(throws: QueueError.self) { try await accept(2, 4096) }
            try await accept(2, 8192)
        }
    }

    @Test("a login that is stored is for jobs of the daemon's own rights, and not for members' own logins")
    func storedLogin() async throws {
        try await withStore { store in
            let jobs = [
                try await store.accept(one: push(ownLogin: true, to: "r1.example/a:1")),
                try await store.accept(one: push(by: 1000, to: "r1.example/b:1")),
                try await store.accept(one: push(by: 1000, ownLogin: true, to: "r1.example/c:1")),
            ]
            for _ in jobs {
                let claim = try #require(try await store.claim(at: 1))
                try await store.block(claim, error: .loginMissing, now: 2)
            }
            #expect(try await store.useStoredLogin(registry: "r1.example", now: 3) == [jobs[0], jobs[1]])
            #expect(try await store.job(jobs[0])?.hasOwnLogin == false)
            #expect(try await store.state(jobs[2]) == .blocked)
            // A push that joins it starts it again.
            #expect(
                try await store.accept([push(by: 1000, ownLogin: true, to: "r1.example/c:1")], now: 4)[0].id == jobs[2])
            #expect(try await store.state(jobs[2]) == .queued)
        }
    }

    @Test("are listed by the user who asked")
    func byUser() async throws {
        try await withStore { store in
            _ = try await store.accept(one: push(to: "r1.example/a:1"))
            let ann = try await store.accept(one: push(by: 1000, to: "r1.example/b:1"))
            let other = try await store.accept(one: push(by: 1000, to: "r2.example/b:1"))
            func list(_ filter: JobFilter) async throws -> [JobID] { try await store.jobs(filter).map(\.id) }
            #expect(try await list(JobFilter(user: 1000)) == [other, ann])
            #expect(try await list(JobFilter(registry: "r1.example", user: 1000)) == [ann])
            #expect(try await list(JobFilter(states: [.queued], user: 1000, before: other)) == [ann])
            #expect(try await list(JobFilter(states: [.failed], user: 1000)) == [])
            #expect(try await list(JobFilter(ids: [1, ann], user: 1000)) == [ann])
            #expect(try await list(JobFilter(user: 1001)) == [])
        }
    }
}
