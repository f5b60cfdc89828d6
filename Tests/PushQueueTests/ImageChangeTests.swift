import OCI
import Testing

@testable import PushQueue

@Suite("A job for another image than its name stands for")
struct ImageChangeTests {
    private static let change = ImageChange(
        named: Descriptor(mediaType: .ociManifest, digest: .of("named"), size: 700), format: .docker,
        leftOut: "3 annotations")

    @Test("remembers that image, the format, and what was left out")
    func roundTrip() async throws {
        try await withStore { store in
            var new = try NewJob.push()
            new.change = Self.change
            let id = try await store.accept(one: new)
            #expect(try await store.job(id)?.change == Self.change)
            #expect(try await store.job(id)?.root.digest == .of("app"))
            var part = try NewJob.push("part", to: "r1.example/team/part:1")
            part.change = ImageChange(named: Self.change.named, format: nil)
            #expect(try await store.job(try await store.accept(one: part))?.change == part.change)
            let plain = try await store.accept(one: .push("plain", to: "r1.example/team/plain:1"))
            #expect(try await store.job(plain)?.change == nil)
        }
    }

    @Test("counts as a publication of both, once")
    func publications() async throws {
        try await withStore { store in
            var new = try NewJob.push()
            new.change = Self.change
            let id = try await store.accept(one: new)
            let claim = try #require(try await store.claim(at: 0))
            try await store.succeed(claim, verified: "manifest", reports: [], now: 5)
            for digest in [Digest.of("app"), .of("named")] {
                #expect(try await store.publications(of: digest).map(\.job) == [id])
            }
            #expect(try await store.publications(of: .of("other")).isEmpty)
        }
    }

    @Test("can come into a queue of the first version, whose jobs stay")
    func migration() async throws {
        try await withFile { path in
            do {
                let first = try Database.open(path)
                try first.migrate([Migration.all[0]])
                try first.execute(
                    """
                    INSERT INTO image VALUES (1, '\(Digest.of("app"))', 'c', '\(MediaType.ociManifest)', 500, 0, 0);
                    INSERT INTO job (id, image, name, source, registry, destination, platforms, state, origin, priority,
                                     verify, force, created_at, updated_at, due_at)
                    VALUES (7, 1, 'app', 's', 'r1.example', 'r1.example/team/app:1', '', 'queued', 'command', 0,
                            'manifest', 0, 1, 1, 1);
                    """)
                #expect(try first.row("PRAGMA user_version") { $0.int(0) } == 1)
            }
            let store = try JobStore(path: path)
            let old = try #require(try await store.job(7))
            #expect(old.state == .queued && old.change == nil && old.root.digest == .of("app"))
            var new = try NewJob.push("new", to: "r1.example/team/new:1")
            new.change = Self.change
            #expect(try await store.job(try await store.accept(one: new))?.change == Self.change)
        }
    }
}
