import ImageStore
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// Traps about what is there and what was published. The numbers are those of `docs/registries.md`.
@Suite("A push through the traps of truth", .timeLimit(.minutes(2)))
struct TruthTrapTests {
    /// Two images of one layer each, and the index over them.
    private struct Multi {
        let children: [Descriptor]
        let index: Descriptor
    }

    private static func multi(_ bench: Bench, name: String = "multi:1") throws -> Multi {
        let children = try ["amd64", "arm64"].enumerated().map { number, architecture in
            try bench.builder.addImage(
                layers: [try bench.builder.addLayer(size: 1000, seed: UInt64(number + 1))],
                platform: Platform(os: "linux", architecture: architecture))
        }
        let index = try bench.builder.addIndex(of: children, name: name)
        try bench.builder.writeIndexJSON()
        return Multi(children: children, index: index)
    }

    /// Methods and references of all requests for manifests, from the `first`th request.
    private static func manifests(_ registry: TestRegistry, from first: Int = 0) -> [String] {
        registry.requests.dropFirst(first).filter { $0.kind == .manifest }.map {
            "\($0.method) \($0.target.split(separator: "/").last ?? "")"
        }
    }

    @Test("field 34: 403 to a question is no answer: the push itself decides", arguments: ["team/app", "denied"])
    func refusedQuestions(repository: String) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let refusal = Answer.refusal(403, "DENIED")
                // As Artifactory's virtual repositories say it of what is not there.
                registry.faults.add(Fault(.blob, method: "HEAD", times: .max, .respond(refusal)))
                let asked = registry.faults.add(Fault(.manifest, method: "HEAD", .respond(refusal)))
                if repository == "denied" {
                    for kind in [RequestKind.uploadStart, .uploadBody] {
                        registry.faults.add(Fault(kind, repository: repository, times: .max, .respond(refusal)))
                    }
                }
                let job = try await bench.push("app:1", to: "\(registry.address)/\(repository):1")
                let ended = try await bench.settled(job)
                #expect(registry.faults.fired(asked) == 1)
                if repository == "denied" {
                    #expect(ended.job.state == .blocked)
                    #expect(ended.job.error?.code == "denied")
                    let facts = try await bench.queue.facts(registry: registry.address)
                    #expect(facts.isEmpty, "a missing right says nothing of the registry")
                } else {
                    #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
            }
        }
    }

    @Test("field 35: an index that lacks an image is refused with the list of what is missing, or a platform is named")
    func incompleteIndex() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let multi = try Self.multi(bench)
                try TestFiles.remove(bench.builder.path(of: multi.children[1].digest))
                let destination = registry.address + "/r:1"
                do {
                    _ = try await bench.push("multi:1", to: destination)
                    Issue.record("it was accepted")
                } catch let error as ImageStoreError {
                    #expect(error.cause == .platformsMissing(["linux/arm64"], total: 2))
                    #expect(error.description.hasSuffix("lists 2 images, and one of them is missing: linux/arm64"))
                    #expect(error.advice?.contains("--platform") == true)
                }
                #expect(registry.requests.isEmpty)
                try await bench.publish("multi:1", to: destination) {
                    $0.platforms = [Platform(os: "linux", architecture: "amd64")]
                }
                #expect(registry.tags("r") == ["1": multi.children[0].digest])
            }
        }
    }

    @Test("field 36: children go first, by digest, and are looked for before the tag is put")
    func childrenFirst() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let multi = try Self.multi(bench)
                // The first child shows late.
                registry.faults.add(Fault(.manifest, method: "PUT", .hideCommit(looks: 1)))
                let ended = try await bench.publish("multi:1", to: registry.address + "/r:1")
                #expect(ended.job.attempts == 1)
                let (first, second) = (multi.children[0].digest, multi.children[1].digest)
                #expect(
                    Self.manifests(registry) == [
                        "HEAD 1", "PUT \(first)", "PUT \(second)", "HEAD \(first)", "HEAD \(first)", "HEAD \(second)",
                        "PUT 1", "HEAD 1",
                    ])
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("field 36: a child that was lost is put again before the tag, where the registry takes an index without it")
    func lostChild() async throws {
        let profile = RegistryProfile.distribution3.with { $0.checksIndexes = false }
        try await TestRegistry.with(profile: profile) { registry in
            try await Bench.with { bench in
                let multi = try Self.multi(bench)
                try await bench.publish("multi:1", to: registry.address + "/r:1")
                let lost = multi.children[1].digest
                registry.removeManifest(lost, from: "r")
                let seen = registry.requests.count
                let ended = try await bench.publish("multi:1", to: registry.address + "/r:2")
                #expect(ended.job.attempts == 1)
                let asked = Self.manifests(registry, from: seen)
                let put = try #require(asked.firstIndex(of: "PUT \(lost)"))
                #expect(try put < #require(asked.firstIndex(of: "PUT 2")))
                #expect(registry.manifest("r", lost.description) != nil)
            }
        }
    }

    @Test("field 37: a HEAD that wrongly says yes costs one refused manifest, and the blob is sent")
    func headLies() async throws {
        try await TestRegistry.with(profile: .noMount) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                registry.faults.add(Fault(.blob, method: "HEAD", times: .max, .claimPresent(size: layer.size)))
                let ended = try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(ended.job.attempts == 1)
                #expect(registry.requests(.manifest, method: "PUT").map(\.status) == [400, 201])
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
            }
        }
    }

    @Test("field 40: manifests and indexes arrive byte for byte, with all that pushd does not know")
    func byteForByte() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let config = try bench.builder.addBlob(Array(#"{"os":"linux"}"#.utf8), mediaType: .ociConfig)
                let manifest = Array(
                    """
                    { "x-unknown" : [ 1.50, "\\u00e4" ],  "schemaVersion": 2, "mediaType": "\(MediaType.ociManifest)",
                      "config": {"mediaType":"\(MediaType.ociConfig)","digest":"\(config.digest)","size":\(config.size)},
                      "layers": [ ] }
                    """.utf8)
                let child = try bench.builder.addBlob(manifest, mediaType: .ociManifest)
                let index = Array(
                    """
                    {"schemaVersion":2,
                    \t"artifactType":"application/vnd.example+type", "mediaType":"\(MediaType.ociIndex)",
                    \t"manifests":[{"size":\(child.size),"digest":"\(child.digest)","mediaType":"\(MediaType.ociManifest)",
                    \t"x-more":null}], "annotations":{"b":"2","a":"1"}}

                    """.utf8)
                let root = try bench.builder.addBlob(index, mediaType: .ociIndex)
                bench.builder.addEntry(root, refName: "app:1")
                try bench.builder.writeIndexJSON()
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.manifest("r", "1") == index)
                #expect(registry.manifest("r", child.digest.description) == manifest)
                #expect(registry.tags("r") == ["1": root.digest])
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }
}
