import FoundationEssentials
import Glibc
import OCI
import System
import TestSupport
import Testing

@testable import ImageStore

/// A directory on another file system than the temporary one, where there is one.
private let otherFileSystem: String? = {
    guard let shared = FileStatus(of: "/dev/shm"), let temporary = FileStatus(of: "/tmp"),
        shared.device != temporary.device, access("/dev/shm", W_OK) == 0
    else { return nil }
    return "/dev/shm"
}()

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
            let fixture = try SpoolFixture(other)
            let contents = try await fixture.contents()
            if damage {
                try Data(repeating: 7, count: 3_000_000).write(
                    to: URL(filePath: fixture.builder.path(of: fixture.layers[0].digest)))
            }
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: policy)
            let pinned = try await spool.pin(contents, from: fixture.layout)
            try FileManager.default.removeItem(atPath: other)
            let kept = spool.file(for: fixture.layers[0].digest)
            if let kept { #expect(try await rehash(ReadableFile(opening: kept), expecting: fixture.layers[0].digest)) }
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
