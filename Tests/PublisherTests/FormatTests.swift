import Glibc
import ImageStore
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

@Suite("A push in another format")
struct FormatTests {
    /// As from registries that are older than OCI's types.
    private static let old = RegistryProfile.distribution2.with {
        $0.ociRefusal = .refusal(400, "MANIFEST_INVALID", "manifest invalid")
    }

    private static func image(_ bench: Bench, seed: UInt64 = 1) throws -> (root: Digest, layer: Descriptor) {
        let layer = try bench.builder.addLayer(size: 90_000, seed: seed)
        return (try bench.image("app:1", layers: [layer]), layer)
    }

    @Test(
        "works at a registry that refuses OCI's, whose error says so",
        arguments: [
            (Answer.refusal(415, "MANIFEST_INVALID", "unknown"), "media-type-unsupported"),
            (.refusal(400, "MANIFEST_INVALID", "unsupported manifest media type"), "media-type-unsupported"),
            (.refusal(400, "MANIFEST_INVALID", "manifest invalid"), "manifest-refused"),
        ])
    func refused(answer: Answer, code: String) async throws {
        let profile = RegistryProfile.distribution2.with { $0.ociRefusal = answer }
        try await TestRegistry.with(profile: profile) { registry in
            try await Bench.with { bench in
                let (root, layer) = try Self.image(bench)
                let failed = try await bench.settled(try await bench.push("app:1", to: registry.address + "/app:1"))
                #expect(failed.job.state == .failed)
                #expect(failed.job.error?.code == code)
                #expect(failed.job.error?.advice?.contains("pushctl push --format docker") == true)

                let done = try await bench.publish("app:1", to: registry.address + "/app:1") { $0.format = .docker }
                #expect(done.job.root.digest != root && done.job.root.mediaType == .dockerManifest)
                #expect(
                    done.job.change
                        == ImageChange(
                            named: Descriptor(
                                mediaType: .ociManifest, digest: root, size: try #require(done.job.change).named.size),
                            format: .docker))
                #expect(registry.tags("app") == ["1": done.job.root.digest])
                #expect(registry.bodyBytes(for: layer.digest) == layer.size, "the layer went out once")
                #expect(registry.violations.isEmpty, "\(registry.violations)")
                #expect(try await bench.publisher.publications(of: root).count == 1)
            }
        }
    }

    @Test("or of one platform alone says which attestations stay behind")
    func attestations() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try bench.builder.addImage(layers: [try bench.builder.addLayer(size: 100)])
                let other = try bench.builder.addImage(
                    layers: [], platform: Platform(os: "linux", architecture: "arm64"))
                let children = [image, try bench.builder.addAttestation(for: image), other]
                try bench.builder.addIndex(of: children, name: "multi:1")
                try bench.builder.writeIndexJSON()
                func leftOut(_ platforms: [Platform]) async throws -> String? {
                    try await bench.publish("multi:1", to: registry.address + "/r:1") { $0.platforms = platforms }
                        .job.change?.leftOut
                }
                let amd = Platform(os: "linux", architecture: "amd64")
                #expect(try await leftOut([amd]) == "1 attestation, which only an index can hold")
                #expect(try await leftOut([Platform(os: "linux", architecture: "arm64")]) == "")
            }
        }
    }

    @Test("is what a registry is configured for, also by rule; the push's own word goes before")
    func configured() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ settings in
                settings.registries[registry.address] = settings.registry
                settings.registries[registry.address]?.format = .docker
                settings.publishesExisting = true
                if let glob = Glob("ruled"), let to = try? DestinationTemplate("\(registry.address)/auto/{name}:{tag}")
                {
                    settings.rules = [PublishRule(image: glob, destinations: [to])]
                }
            }) { bench in
                let (root, layer) = try Self.image(bench)
                let done = try await bench.publish("app:1", to: registry.address + "/app:1")
                #expect(done.job.root.mediaType == .dockerManifest)
                let asked = try await bench.publish("app:1", to: registry.address + "/app:2") { $0.format = .oci }
                #expect(asked.job.root.digest == root && asked.job.change == nil)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)

                try bench.image("ruled:1", layers: [layer])
                try await registry.waitUntil("the rule has published it") { !registry.tags("auto/ruled").isEmpty }
                #expect(registry.tags("auto/ruled")["1"] == done.job.root.digest, "the same image, the same digest")
            }
        }
    }

    @Test("keeps what it needs: the image may be deleted, and a failed job made again from an image that is there")
    func kept() async throws {
        try await TestRegistry.with(profile: Self.old) { registry in
            try await Bench.with { bench in
                let (root, layer) = try Self.image(bench)
                registry.pause()
                let id = try await bench.push("app:1", to: registry.address + "/app:1") { $0.format = .docker }
                for digest in [root, layer.digest] { try TestFiles.remove(bench.builder.path(of: digest)) }
                try registry.resume()
                let done = try await bench.settled(id)
                #expect(done.job.state == .succeeded, "\(String(describing: done.job.error))")
            }
            try await Bench.with({ $0.retry.maximumFailures = 1 }) { bench in
                let (root, _) = try Self.image(bench, seed: 2)
                let fault = registry.faults.add(Fault(.manifest, method: "PUT", times: .max, .respond(Answer(500))))
                let failed = try await bench.settled(
                    try await bench.push("app:1", to: registry.address + "/b:1") { $0.format = .docker })
                #expect(failed.job.state == .failed)
                registry.faults.remove(fault)
                _ = try await bench.publisher.retry([failed.job.id])
                let done = try await bench.settled(failed.job.id)
                #expect(done.job.state == .succeeded, "\(String(describing: done.job.error))")
                #expect(done.job.change?.named.digest == root && registry.tags("b")["1"] == done.job.root.digest)
            }
        }
    }

    @Test("of an index has all platforms, leaves attestations out, and the plan says so before")
    func index() async throws {
        try await TestRegistry.with(profile: Self.old) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 9000)
                let amd = try bench.builder.addImage(layers: [layer])
                let arm = try bench.builder.addImage(
                    layers: [layer], platform: Platform(os: "linux", architecture: "arm64"))
                let root = try bench.builder.addIndex(
                    of: [amd, arm, try bench.builder.addAttestation(for: amd)], name: "app:1")
                try bench.builder.writeIndexJSON()
                var request = PushRequest(image: "app:1")
                request.destinations = [registry.address + "/app:1"]
                request.format = .docker
                let plan = try #require(try await bench.publisher.plan(request).pushes.first)
                #expect(plan.change?.named.digest == root.digest && plan.change?.leftOut == "1 attestation")
                let done = try await bench.publish("app:1", to: registry.address + "/app:1") { $0.format = .docker }
                #expect(done.job.root.digest == plan.root.digest)
                #expect(done.job.root.mediaType == .dockerManifestList)
                let bytes = try #require(registry.manifest("app", "1"))
                guard case .index(let index) = try ManifestDocument(parsing: bytes, declared: .dockerManifestList)
                else {
                    return
                }
                #expect(index.manifests.compactMap { $0.platform?.description } == ["linux/amd64", "linux/arm64"])
                #expect(registry.violations.isEmpty, "\(registry.violations)")
                // One platform of it is a manifest of its own, and the job knows where it comes from.
                let one = try await bench.publish("app:1", to: registry.address + "/one:1") {
                    $0.format = .docker
                    $0.platforms = [Platform(os: "linux", architecture: "arm64")]
                }
                #expect(one.job.root.mediaType == .dockerManifest && one.job.change?.named.digest == root.digest)
                #expect(index.manifests[1].digest == one.job.root.digest)
            }
        }
    }

    @Test("is refused before anything is accepted where it can't be said, or another digest is wanted")
    func refusedAtOnce() async throws {
        try await Bench.with { bench in
            let zstd = try bench.builder.addLayer(
                size: 100, mediaType: MediaType("application/vnd.oci.image.layer.v1.tar+zstd"))
            try bench.image("zstd:1", layers: [zstd])
            let error = await #expect(throws: ImageStoreError.self) {
                try await bench.push("zstd:1", to: "r.example/app:1") { $0.format = .docker }
            }
            #expect(error?.code == "format-refused")
            let (root, _) = try Self.image(bench)
            await #expect(throws: PushRefusal.self) {
                try await bench.push("app:1", to: "r.example/app@\(root)") { $0.format = .docker }
            }
            #expect(try await bench.publisher.jobs(JobFilter()).isEmpty)
        }
    }
}
