import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

@testable import ImageStore

/// A layout with one image of two layers, and a spool beside it.
private struct Fixture {
    let builder: LayoutBuilder
    let layout: OCILayout
    let image: Descriptor
    let layers: [Descriptor]

    init(_ directory: String, seed: UInt64 = 1) throws {
        builder = try LayoutBuilder(directory: directory)
        layers = try [builder.addLayer(size: 3_000_000, seed: seed), builder.addLayer(size: 0)]
        image = try builder.addImage(layers: layers, name: "1.0")
        try builder.writeIndexJSON()
        layout = OCILayout(directory: directory)
    }

    func contents() async throws -> ImageContents { try await ImageContents.read(root: image, from: layout) }

    var all: Set<Digest> { get async throws { try await Set(contents().all) } }
}

extension ImageContents {
    fileprivate var all: [Digest] { manifests.map(\.descriptor.digest) + blobs.map(\.descriptor.digest) }
}

private func inode(_ path: String) -> UInt? { FileStatus(of: path)?.inode }

/// A directory on another file system than the temporary one, where there is one.
private let otherFileSystem: String? = {
    guard let shared = FileStatus(of: "/dev/shm"), let temporary = FileStatus(of: "/tmp"),
        shared.device != temporary.device, access("/dev/shm", W_OK) == 0
    else { return nil }
    return "/dev/shm"
}()

@Suite("The spool")
struct SpoolTests {
    @Test("has all of an accepted image, whatever becomes of the layout")
    func survives() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            let pinned = try await spool.pin(contents, from: fixture.layout)
            #expect(pinned == Set(contents.all))

            try FileManager.default.removeItem(atPath: fixture.builder.directory)

            let again = try await ImageContents.read(root: fixture.image, from: spool)
            #expect(again.all == contents.all)
            for blob in again.blobs {
                #expect(try await rehash(file: #require(blob.path), expecting: blob.descriptor.digest))
            }
        }
    }

    @Test("links layers, which costs no space, and copies what is small")
    func links() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)
            for digest in contents.all {
                let mine = try #require(spool.file(for: digest))
                let isLayer = fixture.layers.contains { $0.digest == digest }
                #expect((inode(mine) == inode(fixture.builder.path(of: digest))) == isLayer)
            }
            let usage = try await spool.usage
            #expect(usage.files == 4)
            #expect(usage.bytes == contents.totalBytes + contents.root.size)
            #expect(usage.ownBytes == usage.bytes - 3_000_000)
        }
    }

    @Test("is not changed by a manifest or configuration that is rewritten in place")
    func rewritten() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)
            for victim in [contents.root, contents.blobs[0].descriptor] {
                let file = open(fixture.builder.path(of: victim.digest), O_WRONLY | O_TRUNC)
                #expect(file >= 0)
                close(file)
            }
            #expect(try await ImageContents.read(root: fixture.image, from: spool).all == contents.all)
        }
    }

    @Test("pins again what is there in no time and without touching it")
    func fastPath() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)
            let config = try #require(spool.file(for: contents.blobs[0].descriptor.digest))
            let before = FileStatus(of: config)
            // Nothing is read from the source any more.
            try FileManager.default.removeItem(atPath: fixture.builder.directory)
            #expect(try await spool.pin(contents, from: fixture.layout) == Set(contents.all))
            #expect(FileStatus(of: config) == before)
        }
    }

    @Test("mends what was cut short in it")
    func mends() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)
            for digest in contents.all {
                let path = try #require(spool.file(for: digest))
                #expect(unlink(path) == 0)
                try Data([1]).write(to: URL(filePath: path))
            }
            try await spool.pin(contents, from: fixture.layout)
            #expect(try await ImageContents.read(root: fixture.image, from: spool).all == contents.all)
            #expect(try await spool.usage.files == 4)
        }
    }

    @Test("keeps what stood inline, and leaves out what is not sent")
    func inline() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("app"))
            let empty = Descriptor(mediaType: .ociEmpty, digest: Digest(of: Array("{}".utf8)), size: 2, data: "e30=")
            let foreign = Descriptor(
                mediaType: MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar"),
                digest: Digest(of: [9]),
                size: 9)
            let root = try builder.addManifest(config: empty, layers: [foreign])
            let layout = OCILayout(directory: builder.directory)
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let pinned = try await spool.pin(ImageContents.read(root: root, from: layout), from: layout)
            #expect(pinned == [root.digest, empty.digest])
            #expect(try Data(contentsOf: URL(filePath: #require(spool.file(for: empty.digest)))) == Data("{}".utf8))
        }
    }

    @Test("has a new index of chosen platforms, which no layout has")
    func newIndex() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("app"))
            let platforms = ["amd64", "arm64", "s390x"].map { Platform(os: "linux", architecture: $0) }
            let root = try builder.addIndex(of: platforms.map { try builder.addImage(layers: [], platform: $0) })
            let layout = OCILayout(directory: builder.directory)
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await ImageContents.read(
                root: root, from: layout, platforms: Array(platforms.prefix(2)))
            try await spool.pin(contents, from: layout)
            let again = try await ImageContents.read(root: contents.root, from: spool)
            #expect(again.platforms.map(\.platform) == Array(platforms.prefix(2)))
        }
    }

    @Test("refuses to keep a layer that changed its length or went away since it was read")
    func changed() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            let layer = fixture.layers[0]
            let path = fixture.builder.path(of: layer.digest)
            try Data([1]).write(to: URL(filePath: path))
            let short = await #expect(throws: ImageStoreError.self) {
                try await spool.pin(contents, from: fixture.layout)
            }
            #expect(short?.cause == .blobSizes([.init(digest: layer.digest, expected: 3_000_000, found: 1)]))
            try FileManager.default.removeItem(atPath: path)
            let gone = await #expect(throws: ImageStoreError.self) {
                try await spool.pin(contents, from: fixture.layout)
            }
            #expect(gone?.cause == .blobsMissing([layer.digest]))
        }
    }

    @Test("takes bytes only under their own digest")
    func add() async throws {
        try await TemporaryDirectory.with { temporary in
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let digest = Digest(of: [1, 2, 3], algorithm: .sha512)
            try await spool.add(bytes: [1, 2, 3], digest: digest)
            #expect(spool.file(for: digest)?.hasSuffix("/blobs/sha512/" + digest.hex) == true)
            let error = await #expect(throws: ImageStoreError.self) { try await spool.add(bytes: [1], digest: digest) }
            #expect(error?.code == "digest-mismatch")
        }
    }

    @Test("clears away at its opening what a crash left")
    func reopened() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let first = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            try await first.pin(fixture.contents(), from: fixture.layout)
            try temporary.write([1, 2, 3], to: "spool/incoming/17")
            let second = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.file("spool/incoming")).isEmpty)
            #expect(second.file(for: fixture.image.digest) != nil)
        }
    }

    @Test("that cannot be made says where and why")
    func unwritable() throws {
        #expect(throws: ImageStoreError.self) {
            try Spool(directory: "/proc/nonexistent/spool", acrossFileSystems: .copy)
        }
    }

    @Test("takes many pushes of one image at once")
    func concurrent() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await withThrowingTaskGroup(of: Set<Digest>.self) { group in
                for _ in 1...50 { group.addTask { try await spool.pin(contents, from: fixture.layout) } }
                for try await pinned in group { #expect(pinned == Set(contents.all)) }
            }
            #expect(try await spool.usage.files == 4)
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.file("spool/incoming")).isEmpty)
        }
    }
}

@Suite("The spool, on another file system than the layout", .enabled(if: otherFileSystem != nil))
struct SpoolAcrossFileSystemsTests {
    /// Pins a layout in one file system into a spool in another.
    private func pin(_ policy: PinPolicy, damage: Bool = false) async throws -> (
        pinned: Set<Digest>, all: Set<Digest>, kept: Bool
    ) {
        try await TemporaryDirectory.with { temporary in
            let other =
                try #require(otherFileSystem) + "/"
                + String(temporary.path.split(separator: "/").joined(separator: "-"))
            defer { try? FileManager.default.removeItem(atPath: other) }
            let fixture = try Fixture(other)
            let contents = try await fixture.contents()
            if damage {
                try Data(repeating: 7, count: 3_000_000).write(
                    to: URL(filePath: fixture.builder.path(of: fixture.layers[0].digest)))
            }
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: policy)
            let pinned = try await spool.pin(contents, from: fixture.layout)
            try FileManager.default.removeItem(atPath: other)
            let kept = spool.file(for: fixture.layers[0].digest)
            if let kept { #expect(try await rehash(file: kept, expecting: fixture.layers[0].digest)) }
            return (pinned, Set(contents.all), kept != nil)
        }
    }

    @Test("copies layers where that is wished")
    func copies() async throws {
        let result = try await pin(.copy)
        #expect(result.pinned == result.all)
        #expect(result.kept)
    }

    @Test("hashes what it copies")
    func hashes() async throws {
        let error = await #expect(throws: ImageStoreError.self) { try await pin(.copy, damage: true) }
        #expect(error?.code == "digest-mismatch")
    }

    @Test("leaves layers in place otherwise, and says so", arguments: [PinPolicy.inPlace, .reflink])
    func inPlace(policy: PinPolicy) async throws {
        let result = try await pin(policy)
        #expect(result.pinned.count == result.all.count - 2)
        #expect(!result.kept)
    }

    @Test("refuses the push where only links are allowed")
    func refuses() async throws {
        let error = await #expect(throws: ImageStoreError.self) { try await pin(.link) }
        #expect(error?.code == "cannot-link")
        #expect(error?.advice?.contains("same file system") == true)
    }
}

@Suite("Freeing the spool")
struct SpoolReleaseTests {
    @Test("removes what nobody needs and keeps what somebody does")
    func release() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.file("app"))
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
            let one = try Fixture(temporary.file("one"), seed: 1)
            let two = try Fixture(temporary.file("two"), seed: 2)
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
            let fixture = try Fixture(temporary.file("app"))
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

@Suite("Hashing a file again")
struct RehashTests {
    @Test("tells a damaged file from a whole one")
    func tells() async throws {
        try await TemporaryDirectory.with { temporary in
            let bytes = PseudoRandomBytes.make(size: 2_500_000, seed: 3)
            let file = try temporary.write(bytes, to: "blob")
            for algorithm in Digest.Algorithm.allCases {
                #expect(try await rehash(file: file, expecting: Digest(of: bytes, algorithm: algorithm)))
            }
            #expect(try await !rehash(file: file, expecting: Digest(of: bytes.dropLast())))
            await #expect(throws: ImageStoreError.self) {
                try await rehash(file: temporary.file("none"), expecting: Digest(of: bytes))
            }
        }
    }
}
