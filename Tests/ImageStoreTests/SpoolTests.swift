import FoundationEssentials
import Glibc
import OCI
import System
import TestSupport
import Testing

@testable import ImageStore

private func inode(_ path: String) -> UInt? { FileStatus(of: path)?.inode }

@Suite("The spool")
struct SpoolTests {
    @Test("has all of an accepted image, whatever becomes of the layout")
    func survives() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            let pinned = try await spool.pin(contents, from: fixture.layout)
            #expect(pinned == Set(contents.all))

            try FileManager.default.removeItem(atPath: fixture.builder.directory)

            let again = try await ImageContents.read(root: fixture.image, from: spool)
            #expect(again.all == contents.all)
            for blob in again.blobs {
                #expect(try await rehash(ReadableFile(opening: #require(blob.path)), expecting: blob.descriptor.digest))
            }
        }
    }

    @Test("links layers, which costs no space, and copies what is small")
    func links() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
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
            let fixture = try SpoolFixture(temporary.file("app"))
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
            let fixture = try SpoolFixture(temporary.file("app"))
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
            let fixture = try SpoolFixture(temporary.file("app"))
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
            let fixture = try SpoolFixture(temporary.file("app"))
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
            let fixture = try SpoolFixture(temporary.file("app"))
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
            let fixture = try SpoolFixture(temporary.file("app"))
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
