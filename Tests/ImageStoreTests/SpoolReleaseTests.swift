import FoundationEssentials
import OCI
import TestSupport
import Testing

@testable import ImageStore

@Suite("Freeing the spool")
struct SpoolReleaseTests {
    @Test("removes what nobody needs and keeps what somebody does")
    func release() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)
            let config = contents.blobs[0].descriptor
            let freed = await spool.release(contents.all) { asked in
                #expect(asked == contents.all)
                return [config.digest]
            }
            // The layers still lie in the layout: removing a link frees nothing.
            #expect(freed == contents.root.size)
            #expect(try await spool.usage.files == 1)
            #expect(spool.file(for: config.digest) != nil)
            #expect(await spool.release([config.digest, Digest(of: [77])]) == config.size)
        }
    }

    @Test("sweeps away all but what is needed")
    func sweep() async throws {
        try await TemporaryDirectory.with { temporary in
            let one = try SpoolFixture(temporary.file("one"), seed: 1)
            let two = try SpoolFixture(temporary.file("two"), seed: 2)
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            try await spool.pin(one.contents(), from: one.layout)
            try await spool.pin(two.contents(), from: two.layout)
            try FileManager.default.removeItem(atPath: one.builder.directory)
            let needed = try await two.all
            #expect(try await spool.sweep(keeping: needed) > 3_000_000)
            #expect(try await spool.sweep(keeping: needed) == 0)
            #expect(try await ImageContents.read(root: two.image, from: spool).blobs.count == 3)
            #expect(spool.file(for: one.image.digest) == nil)
        }
    }

    enum Moment: CaseIterable { case before, during, around }

    @Test("never takes what a push has just pinned, though the queue did not know it yet", arguments: Moment.allCases)
    func race(moment: Moment) async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)  // of an earlier job, which has ended
            let push: @Sendable (@Sendable () async throws -> Void) async throws -> Void = { commit in
                _ = try await spool.withPinned(contents, from: fixture.layout) { _ in try await commit() }
            }
            switch moment {
            case .before:
                // The push has pinned and not committed when the release runs from end to end.
                try await push { await spool.release(contents.all) }
            case .during:
                // The push begins and ends while the queue is being asked, which answers from before.
                try await spool.release(contents.all) { _ in
                    try await push {}
                    return []
                }
            case .around:
                // The push has pinned before the marks are set, and commits after the queue was asked.
                let (pinned, isPinned) = AsyncStream<Void>.makeStream()
                let (asked, isAsked) = AsyncStream<Void>.makeStream()
                let pushing = Task {
                    try await push {
                        isPinned.finish()
                        for await _ in asked {}
                    }
                }
                for await _ in pinned {}
                await spool.release(contents.all) { _ in
                    isAsked.finish()
                    _ = await pushing.result
                    return []
                }
                try await pushing.value
            }
            #expect(try await ImageContents.read(root: fixture.image, from: spool).all == contents.all)
            // It does take it when nobody is there: the test would see it.
            await spool.release(contents.all)
            #expect(try await spool.usage.files == 0)
        }
    }
}

/// What commits jobs is an actor: the spool runs its closures there.
private actor Committer {
    private var needed: Set<Digest> = []

    func push(_ contents: ImageContents, from source: any ContentSource, into spool: Spool) async throws {
        try await spool.withPinned(contents, from: source) { needed.formUnion($0) }
    }

    func free(_ digests: [Digest], in spool: Spool) async -> Int64 {
        await spool.release(digests) { needed.intersection($0) }
    }

    func sweep(_ spool: Spool) async throws -> Int64 { try await spool.sweep { needed } }
}

@Suite("The spool, used by an actor")
struct SpoolActorTests {
    @Test("asks and commits on that actor")
    func isolated() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            let committer = Committer()
            try await committer.push(contents, from: fixture.layout, into: spool)
            #expect(await committer.free(contents.all, in: spool) == 0)
            #expect(try await committer.sweep(spool) == 0)
            #expect(try await spool.usage.files == 4)
        }
    }
}
