import OCI
import Testing

@testable import PushQueue

@Suite("What is known of registries")
struct LedgerTests {
    static let hour: Int64 = 3_600_000

    @Test("is where a blob was seen, and for how long that is believed")
    func knows() async throws {
        try await withStore { store in
            try await store.remember(.of("a"), registry: "r1", repository: "app", now: 100)
            #expect(try await store.knows(.of("a"), registry: "r1", repository: "app", since: 100))
            #expect(try await !store.knows(.of("a"), registry: "r1", repository: "app", since: 101))
            #expect(try await !store.knows(.of("a"), registry: "r2", repository: "app", since: 0))
            #expect(try await !store.knows(.of("a"), registry: "r1", repository: "other", since: 0))
            #expect(try await !store.knows(.of("b"), registry: "r1", repository: "app", since: 0))
            let known = try await store.known(
                among: [.of("b"), .of("a")], registry: "r1", repository: "app", since: 0)
            #expect(known == [.of("a")])
        }
    }

    @Test("grows younger by being confirmed, and never older")
    func confirms() async throws {
        try await withStore { store in
            for now in [Self.hour, 2 * Self.hour, 0] {
                try await store.remember([.of("a")], registry: "r1", repository: "app", now: now)
            }
            #expect(try await store.knows(.of("a"), registry: "r1", repository: "app", since: 2 * Self.hour))
        }
    }

    @Test("lists for a member what the same member or a rule has brought, and for all others everything")
    func bringers() async throws {
        try await withStore { store in
            func places(_ bringer: BlobBringer) async throws -> Set<String> {
                Set(try await store.repositories(holding: .of("a"), registry: "r1", for: bringer, since: 0, limit: 9))
            }
            for (name, bringer) in [
                ("root", BlobBringer.operators), ("rule", .rule), ("bob", .member(uid: 7)), ("eve", .member(uid: 8)),
            ] {
                try await store.remember(.of("a"), registry: "r1", repository: name, by: bringer, now: 1)
            }
            #expect(try await places(.operators) == ["root", "rule", "bob", "eve"])
            #expect(try await places(.rule) == ["root", "rule", "bob", "eve"])
            #expect(try await places(.member(uid: 7)) == ["rule", "bob"])
            #expect(try await places(.member(uid: 9)) == ["rule"])
            // A rule publishes it there too, within the time in which confirming is no news; nobody takes that back.
            try await store.remember(.of("a"), registry: "r1", repository: "root", by: .rule, now: 2)
            try await store.remember(.of("a"), registry: "r1", repository: "root", by: .member(uid: 8), now: 9_000_000)
            #expect(try await places(.member(uid: 9)) == ["root", "rule"])
            // What others have brought does not become a member's by being confirmed.
            try await store.remember(.of("a"), registry: "r1", repository: "bob", by: .member(uid: 8), now: 9_000_000)
            #expect(try await places(.member(uid: 8)) == ["root", "rule", "eve"])
        }
    }

    @Test("lists the repositories that have a blob, the latest first")
    func repositories() async throws {
        try await withStore { store in
            for (place, name) in ["one", "two", "three"].enumerated() {
                try await store.remember(.of("a"), registry: "r1", repository: name, now: Int64(place))
            }
            try await store.remember(.of("a"), registry: "r2", repository: "elsewhere", now: 50)
            func holders(since: Int64, limit: Int) async throws -> [String] {
                try await store.repositories(holding: .of("a"), registry: "r1", since: since, limit: limit)
            }
            #expect(try await holders(since: 0, limit: 9) == ["three", "two", "one"])
            #expect(try await holders(since: 1, limit: 9) == ["three", "two"])
            #expect(try await holders(since: 0, limit: 1) == ["three"])
        }
    }

    @Test("is forgotten for one blob, or for a repository as a whole")
    func forgets() async throws {
        try await withStore { store in
            for repository in ["app", "other"] {
                try await store.remember([.of("a"), .of("b")], registry: "r1", repository: repository, now: 1)
            }
            func known(_ repository: String) async throws -> Set<Digest> {
                try await store.known(among: [.of("a"), .of("b")], registry: "r1", repository: repository, since: 0)
            }
            try await store.forget(.of("a"), registry: "r1", repository: "app")
            #expect(try await known("app") == [.of("b")])
            try await store.forget(nil, registry: "r1", repository: "app")
            #expect(try await known("app") == [])
            #expect(try await known("other") == [.of("a"), .of("b")])
            #expect(try await store.count("SELECT n FROM tally WHERE name = 'holding'") == 2)
        }
    }

    @Test("is bounded by age and by count")
    func prunes() async throws {
        try await withStore { store in
            for number in 0..<10 {
                try await store.remember(
                    .of("\(number)"), registry: "r1", repository: "app\(number)", now: Int64(number))
                try await store.rememberMountRefused(registry: "r1", source: "app\(number)", now: Int64(number))
            }
            func prune(_ cutoff: Int64, keep: Int, batch: Int) async throws -> Int {
                try await store.pruneLedger(now: cutoff + 100, olderThan: 100, keep: keep, batch: batch)
            }
            #expect(try await prune(0, keep: 8, batch: 1) == 1)
            #expect(try await prune(0, keep: 8, batch: 50) == 1)
            #expect(try await prune(5, keep: 8, batch: 50) == 3)
            #expect(try await prune(5, keep: 8, batch: 50) == 0)
            #expect(try await store.count("SELECT count(*) FROM holding") == 5)
            #expect(try await store.count("SELECT count(*) FROM repository") == 5)
            #expect(try await !store.mountRefused(registry: "r1", source: "app4", since: 0))
            #expect(try await store.mountRefused(registry: "r1", source: "app5", since: 0))
        }
    }

    @Test("includes where it refuses to mount from")
    func refusals() async throws {
        try await withStore { store in
            try await store.rememberMountRefused(registry: "r1", source: "base", now: 10)
            try await store.rememberMountRefused(registry: "r1", source: "base", now: 20)
            #expect(try await store.mountRefused(registry: "r1", source: "base", since: 20))
            #expect(try await !store.mountRefused(registry: "r1", source: "base", since: 21))
            #expect(try await !store.mountRefused(registry: "r2", source: "base", since: 0))
        }
    }

    @Test("includes the uploads it holds open")
    func uploads() async throws {
        try await withStore { store in
            func stored(_ digest: String, offset: Int64, at: Int64) -> StoredUpload {
                StoredUpload(
                    registry: "r1", repository: "app", digest: .of(digest), location: "https://r1/u/\(digest)?_state=x",
                    offset: offset, style: "whole", updatedAt: at)
            }
            let latest = stored("a", offset: 70, at: 30)
            for upload in [stored("a", offset: 10, at: 20), stored("b", offset: 1, at: 10), latest] {
                try await store.saveUpload(upload)
            }
            #expect(try await store.upload(registry: "r1", repository: "app", digest: .of("a")) == latest)
            #expect(try await store.staleUploads(olderThan: 30) == [stored("b", offset: 1, at: 10)])
            #expect(try await store.staleUploads(olderThan: 31, limit: 1).map(\.digest) == [.of("b")])
            try await store.removeUpload(registry: "r1", repository: "app", digest: .of("a"))
            #expect(try await store.upload(registry: "r1", repository: "app", digest: .of("a")) == nil)
        }
    }

    @Test("includes what was learned by watching it")
    func facts() async throws {
        try await withStore { store in
            try await store.setFact(registry: "r1", name: "maximumBody", value: "1048576", now: 1)
            try await store.setFact(registry: "r1", name: "maximumBody", value: "524288", now: 2)
            try await store.setFact(registry: "r1", name: "brokenBodyLosesSession", value: "", now: 3)
            #expect(
                try await store.fact(registry: "r1", name: "maximumBody")
                    == LearnedFact(name: "maximumBody", value: "524288", at: 2))
            #expect(try await store.facts(registry: "r1").map(\.name) == ["brokenBodyLosesSession", "maximumBody"])
            #expect(try await store.facts(registry: "r1").map(\.value) == ["", "524288"])
            #expect(try await store.fact(registry: "r2", name: "maximumBody") == nil)
        }
    }

    @Test("is forgotten as a whole for one registry, and another's stays")
    func forgetsRegistry() async throws {
        try await withStore { store in
            for registry in ["r1", "r2"] {
                try await store.setFact(registry: registry, name: "maximum-body", value: "5", now: 1)
                try await store.rememberMountRefused(registry: registry, source: "base", now: 2)
                try await store.remember([.of("a"), .of("b")], registry: registry, repository: "app", now: 3)
            }
            try await store.forgetRegistry("r1")
            #expect(try await store.facts(registry: "r1").isEmpty)
            #expect(try await store.mountRefusals(registry: "r1", since: 0).isEmpty)
            #expect(try await !store.knows(.of("a"), registry: "r1", repository: "app", since: 0))
            #expect(try await store.facts(registry: "r2").count == 1)
            #expect(
                try await store.mountRefusals(registry: "r2", since: 2) == [LearnedFact(name: "base", value: "", at: 2)]
            )
            #expect(try await store.mountRefusals(registry: "r2", since: 3).isEmpty)
            #expect(try await store.knows(.of("b"), registry: "r2", repository: "app", since: 0))
        }
    }

    @Test("names every registry that jobs were for, or that something was learned about")
    func registries() async throws {
        try await withStore { store in
            #expect(try await store.registries().isEmpty)
            try await store.setFact(registry: "r9", name: "maximum-body", value: "5", now: 1)
            let accepted = try await store.accept([.push("v1")], now: 1)
            #expect(accepted.count == 1)
            #expect(try await store.registries().contains("r9"))
            #expect(try await store.registries().count == 2)
        }
    }

    @Test("goes with what the publishing rules have dealt with, marked in the transaction that accepts the push")
    func handled() async throws {
        try await withStore { store in
            let mark = Handled(store: "oci:/srv", name: "app:1", digest: .of("v1"))
            _ = try await store.accept([.push("v1")], handled: mark, now: 1)
            #expect(try await store.handled(store: "oci:/srv", name: "app:1") == .of("v1"))
            let refused = Handled(store: "oci:/srv", name: "app:1", digest: .of("v2"))
            await #expect(throws: QueueError.self) {
                try await store.accept([.push("v2", priority: 1000)], handled: refused, now: 2)
            }
            #expect(try await store.handled(store: "oci:/srv") == ["app:1": .of("v1")])
            try await store.setHandled(refused, now: 3)
            #expect(try await store.handled(store: "oci:/srv", name: "app:1") == .of("v2"))
            try await store.forgetHandled(store: "oci:/srv", name: "app:1")
            #expect(try await store.handled(store: "oci:/srv", name: "app:1") == nil)
        }
    }
}
