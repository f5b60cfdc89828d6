import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// An image is its bytes: a registry may name them by another algorithm than the layout does.
@Suite("An image under SHA-512", .timeLimit(.minutes(2)))
struct OtherAlgorithmTests {
    /// A manifest whose own digest is by SHA-512; registries store what is put under a tag by SHA-256.
    private static func image(_ bench: Bench, name: String) throws -> Descriptor {
        let layer = try bench.builder.addLayer(size: 5000, seed: 1)
        let plain = try bench.builder.addImage(layers: [layer], label: name)
        let bytes = try TestFiles.bytes(bench.builder.path(of: plain.digest))
        let image = try bench.builder.addBlob(bytes, mediaType: .ociManifest, algorithm: .sha512)
        bench.builder.addEntry(image, refName: name)
        try bench.builder.writeIndexJSON()
        return image
    }

    @Test("is pushed and recognised at a registry that stores it under SHA-256, later by one request")
    func pushed() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.registry.manifestGrace = .zero }) { bench in
                let image = try Self.image(bench, name: "app:1")
                try await bench.publish("app:1", to: registry.address + "/r:1")
                let stored = try #require(registry.tags("r")["1"])
                #expect(stored.algorithm == .sha256 && image.digest.algorithm == .sha512)
                let before = registry.requests.count
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.requests.dropFirst(before).map(\.method) == ["HEAD"])
                // Also where every blob is looked for.
                try await bench.publish("app:1", to: registry.address + "/r:1") { $0.verify = .blobs }
            }
        }
    }

    @Test("is found to be the one in the registry, and another is not")
    func verified() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                _ = try Self.image(bench, name: "app:1")
                _ = try Self.image(bench, name: "app:2")
                try await bench.publish("app:1", to: registry.address + "/r:1")
                let reference = try ImageReference(parsing: registry.address + "/r:1")
                let same = try await bench.publisher.verify(reference, against: "app:1", level: .blobs)
                #expect(same?.problems == [])
                let other = try await bench.publisher.verify(reference, against: "app:2", level: .blobs)
                #expect(other?.problems.map(\.kind) == [.digestDiffers])
                // A tag that another image took is not mistaken for it either.
                try await bench.publish("app:2", to: registry.address + "/r:1")
                let before = registry.requests.count
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.requests.dropFirst(before).contains { $0.method == "PUT" })
            }
        }
    }

    @Test("is pushed to a destination by another digest of the same bytes, and to no other")
    func namedByDigest() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try Self.image(bench, name: "app:1")
                let bytes = try TestFiles.bytes(bench.builder.path(of: image.digest))
                let short = Digest(of: bytes)
                try await bench.publish("app:1", to: "\(registry.address)/r@\(short)")
                #expect(registry.manifest("r", short.description) == bytes)
                #expect(registry.manifest("r", image.digest.description) == nil)
                try await bench.publish("app:1", to: "\(registry.address)/r:1@\(short)")
                let other = Digest(of: Array("other".utf8))
                await #expect(throws: PushRefusal.self) {
                    try await bench.push("app:1", to: "\(registry.address)/r@\(other)")
                }
            }
        }
    }

    @Test("as a part of an index fails for good where only SHA-256 is taken")
    func child() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let child = try Self.image(bench, name: "app:1").with(
                    annotations: nil, platform: Platform(os: "linux", architecture: "amd64"))
                try bench.builder.addIndex(of: [child], name: "multi:1")
                try bench.builder.writeIndexJSON()
                registry.faults.add(
                    Fault(.manifest, method: "PUT", times: .max, .respond(.refusal(400, "DIGEST_INVALID", "no"))))
                let ended = try await bench.settled(try await bench.push("multi:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .failed)
                #expect(ended.job.error?.code == "manifest-refused")
                #expect(ended.job.error?.message.contains("does not store manifests under sha512 digests") == true)
                #expect(ended.job.error?.advice?.contains("sha256") == true)
            }
        }
    }
}
