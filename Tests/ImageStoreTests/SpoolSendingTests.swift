import FoundationEssentials
import Glibc
import OCI
import Synchronization
import System
import TestSupport
import Testing

@testable import ImageStore

@Suite("What the spool sends")
struct SpoolSendingTests {
    private struct Parts {
        let temporary: TemporaryDirectory
        let fixture: SpoolFixture
        let spool: Spool
        let layer: BlobNode
        var path: String { fixture.builder.path(of: layer.descriptor.digest) }

        func fileToSend() async throws -> ReadableFile { try await spool.fileToSend(layer, from: fixture.layout) }

        func failure() async -> String? {
            do {
                _ = try await fileToSend()
                return nil
            } catch { return (error as? ImageStoreError)?.code }
        }
    }

    private static func with(_ body: (Parts) async throws -> Void) async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            try await spool.pin(contents, from: fixture.layout)
            let layer = try #require(contents.blobs.first { $0.descriptor.digest == fixture.layers[0].digest })
            try await body(Parts(temporary: temporary, fixture: fixture, spool: spool, layer: layer))
        }
    }

    /// Writes over a file, as `cp` does: the inode stays.
    private static func overwrite(_ path: String, _ bytes: Data) throws {
        let file = open(path, O_WRONLY | O_TRUNC)
        guard file >= 0 else { throw TestSupportError("cannot open \(path)") }
        defer { close(file) }
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw TestSupportError("cannot write \(path)") }
            rest = rest.dropFirst(count)
        }
        // The clock of files is coarse: two writes may have one time.
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: time(nil) + 10, tv_nsec: 0)]
        guard futimens(file, &times) == 0 else { throw TestSupportError("no time for \(path)") }
    }

    @Test("is the kept file, also where the store is gone")
    func kept() async throws {
        try await Self.with { parts in
            try FileManager.default.removeItem(atPath: parts.fixture.builder.directory)
            #expect(try await parts.fileToSend().path == parts.spool.file(for: parts.layer.descriptor.digest))
        }
    }

    @Test("is the same file again where the same bytes were written over it, and not while they are written")
    func sameBytes() async throws {
        try await Self.with { parts in
            let bytes = try Data(contentsOf: URL(filePath: parts.path))
            try Self.overwrite(parts.path, Data())
            #expect(await parts.failure() == "file-changed")
            try Self.overwrite(parts.path, bytes.dropLast(1) + [bytes[bytes.count - 1] ^ 1])
            #expect(await parts.failure() == "file-changed")
            try Self.overwrite(parts.path, bytes)
            let file = try await parts.fileToSend()
            #expect(file.path.hasPrefix(parts.spool.directory))
            #expect(try await rehash(file, expecting: parts.layer.descriptor.digest))
        }
    }

    @Test("is what the store has, where the kept file was written over and the store was made anew", arguments: [0, 1])
    func storeAnew(missing: Int) async throws {
        try await Self.with { parts in
            let bytes = try Data(contentsOf: URL(filePath: parts.path))
            try Self.overwrite(parts.path, Data(repeating: 7, count: bytes.count - missing))
            // Another file of the same name: the kept one stays as it is.
            #expect(unlink(parts.path) == 0)
            #expect(await parts.failure() == "file-changed")
            try bytes.write(to: URL(filePath: parts.path))
            let file = try await parts.fileToSend()
            #expect(file.path.hasPrefix(parts.spool.directory))
            #expect(try await rehash(file, expecting: parts.layer.descriptor.digest))
        }
    }

    @Test("is hashed again once a registry found another digest, although its times say nothing")
    func doubted() async throws {
        try await Self.with { parts in
            let before = try #require(FileStatus(of: parts.path))
            let bytes = try Data(contentsOf: URL(filePath: parts.path))
            try Self.overwrite(parts.path, Data(repeating: 7, count: bytes.count))
            let file = open(parts.path, O_WRONLY)
            var times = [
                timespec(tv_sec: 1, tv_nsec: 0),
                timespec(
                    tv_sec: Int(before.modified / 1_000_000_000), tv_nsec: Int(before.modified % 1_000_000_000)),
            ]
            #expect(futimens(file, &times) == 0)
            close(file)
            let source = ContentSources([parts.spool, parts.fixture.layout])
            let path = try #require(try await source.fileToSend(parts.layer))
            #expect(try await !source.isIntact(path, parts.layer))
            #expect(await parts.failure() == "file-changed")
        }
    }

    @Test("is taken from the store again where the spool has lost it")
    func lost() async throws {
        try await Self.with { parts in
            let kept = try #require(parts.spool.file(for: parts.layer.descriptor.digest))
            #expect(unlink(kept) == 0)
            #expect(try await parts.fileToSend().path == kept)
            #expect(unlink(kept) == 0)
            #expect(unlink(parts.path) == 0)
            #expect(await parts.failure() == "blob-missing")
        }
    }
}

@Suite("What must be on the disk")
struct SpoolSyncTests {
    @Test("is: each new file, each linked layer, and the directories of both")
    func synced() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let done = Mutex<[String]>([])
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link) { path in
                done.withLock { $0.append(path) }
            }
            let top = temporary.file("spool")
            #expect(
                Set(done.withLock { $0 })
                    == [
                        temporary.path, top, top + "/blobs", top + "/incoming", top + "/blobs/sha256",
                        top + "/blobs/sha512",
                    ])
            done.withLock { $0 = [] }
            try await spool.pin(fixture.contents(), from: fixture.layout)
            let paths = done.withLock { $0 }
            // Manifest and configuration are new files; a layer is linked, or shares its blocks with a new file.
            let new = paths.filter { $0.hasPrefix(top + "/incoming/") }
            let linked = paths.filter { fixture.layers.map { fixture.builder.path(of: $0.digest) }.contains($0) }
            #expect(new.count + linked.count == 4)
            #expect(new.count >= 2)
            // The names last: a name means that the content is there.
            #expect(paths.last == top + "/blobs/sha256")
            #expect(paths.filter { $0 == top + "/blobs/sha256" }.count == 1)
        }
    }

    @Test("is waited for by a push that finds the content while another still writes it")
    func waits() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let folder = temporary.file("spool/blobs/sha256")
            let count = Mutex(0)
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link) { path in
                guard path == folder else { return }
                count.withLock { $0 += 1 }
            }
            let opened = count.withLock { $0 }
            let contents = try await fixture.contents()
            // All names are there, and one push is not done with them.
            try await spool.pin(contents, from: fixture.layout)
            #expect(count.withLock { $0 } == opened + 1)
            try await spool.pin(contents, from: fixture.layout)
            #expect(count.withLock { $0 } == opened + 1, "known to be there")
            try await spool.whileWriting(contents.all) {
                try await spool.pin(contents, from: fixture.layout)
                #expect(count.withLock { $0 } == opened + 2, "not known while another writes")
            }
            try await spool.pin(contents, from: fixture.layout)
            #expect(count.withLock { $0 } == opened + 2)
        }
    }
}
