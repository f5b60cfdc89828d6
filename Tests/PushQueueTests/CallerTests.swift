import OCI
import System
import Testing

@testable import PushQueue

@Suite("Who asked for a job")
struct CallerTests {
    private let alice = Caller(
        identity: UserIdentity(uid: 4_000_000_000, gid: 100, groups: [27, 4]), pid: 4711, name: "alice")

    @Test("is kept with the job and in its events, with the rights that it acts with")
    func kept() async throws {
        try await withStore { store in
            var new = try NewJob.push()
            new.askedBy = alice
            new.actsAs = UserIdentity(uid: 7, gid: 8, groups: [9])
            new.hasOwnLogin = true
            let id = try await store.accept(one: new)
            let job = try #require(try await store.job(id))
            #expect(job.askedBy == alice)
            #expect(job.askedBy?.identity.groups == [4, 27])
            #expect(job.actsAs == UserIdentity(uid: 7, gid: 8, groups: [9]))
            #expect(job.hasOwnLogin)
            let events = try await store.events(after: 0, limit: 10)
            #expect(events.map(\.askedBy) == [Asker(uid: 4_000_000_000, pid: 4711, name: "alice")])
        }
    }

    @Test("is nobody where a rule did, and no name is made up")
    func nobody() async throws {
        try await withStore { store in
            let rule = try #require(try await store.job(try await store.accept(one: .push(origin: .rule))))
            #expect(rule.askedBy == nil)
            #expect(rule.actsAs == nil)
            #expect(!rule.hasOwnLogin)
            var new = try NewJob.push("other", to: "r1.example/other:1")
            new.askedBy = Caller(identity: UserIdentity(uid: 0, gid: 0), pid: 1)
            let nameless = try #require(try await store.job(try await store.accept(one: new)))
            #expect(nameless.askedBy == new.askedBy)
            #expect(nameless.askedBy?.name == nil)
            let events = try await store.events(after: 0, limit: 10)
            #expect(events.map(\.askedBy) == [nil, Asker(uid: 0, pid: 1)])
        }
    }

    @Test("is unknown of jobs that an earlier pushd accepted")
    func earlier() async throws {
        try await withFile { path in
            do {
                let fifth = try Database.open(path)
                try fifth.migrate(Array(Migration.all.prefix(5)))
                try fifth.execute(
                    """
                    INSERT INTO image (id, root, content, media_type, size, bytes_total)
                    VALUES (1, '\(Digest.of("app"))', '\(Digest.of("list"))', 'm', 1, 2);
                    INSERT INTO job (image, name, source, registry, destination, platforms, state, origin, priority,
                                     verify, force, created_at, updated_at, due_at)
                    VALUES (1, 'app', 'oci:/srv', 'r1.example', 'r1.example/app:1', '', 'queued', 'command', 0,
                            'none', 0, 1, 1, 1)
                    """)
            }
            let store = try JobStore(path: path)
            let job = try #require(try await store.job(1))
            #expect(job.state == .queued)
            #expect(job.askedBy == nil)
            #expect(job.actsAs == nil)
        }
    }
}
