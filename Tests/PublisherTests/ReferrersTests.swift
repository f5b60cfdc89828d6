import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// Signatures, SBOMs, attestations: manifests that have a subject.
@Suite("What refers to an image", .timeLimit(.minutes(2)))
struct ReferrersTests {
    private static let kind = "application/vnd.example.signature"

    /// An image that is at the registry, in `r`.
    private static func subject(_ bench: Bench, _ registry: TestRegistry) async throws -> Descriptor {
        let layer = try bench.builder.addLayer(size: 300, seed: 1)
        let image = try bench.builder.addImage(layers: [layer], name: "app:1")
        try bench.builder.writeIndexJSON()
        try await bench.publish("app:1", to: registry.address + "/r:1")
        return image
    }

    @discardableResult
    private static func signature(
        of subject: Descriptor, _ bench: Bench, name: String, number: UInt8 = 0
    ) throws -> Descriptor {
        let empty = try bench.builder.addBlob(Array("{}".utf8), mediaType: .ociEmpty)
        let content = try bench.builder.addBlob([number, 1, 2], mediaType: MediaType(kind))
        let signature = try bench.builder.addManifest(
            config: empty, layers: [content], name: name, artifactType: kind, subject: subject,
            annotations: ["made": "\(number)"])
        try bench.builder.writeIndexJSON()
        return signature
    }

    /// The digests in the list under the subject's tag.
    private static func listed(_ subject: Descriptor, _ registry: TestRegistry) throws -> [JSONValue] {
        let bytes = registry.manifest("r", ReferrersIndex.tag(of: subject.digest))
        return try bytes.flatMap { try JSONValue(parsing: $0)["manifests"]?.items } ?? []
    }

    /// References of all manifests that were put from the `first`th request.
    private static func puts(_ registry: TestRegistry, from first: Int) -> [String] {
        registry.requests.dropFirst(first).filter { $0.kind == .manifest && $0.method == "PUT" }
            .compactMap { $0.target.split(separator: "/").last.map(String.init) }
    }

    @Test("is listed under the subject's tag where the registry says nothing of it, before its own tag comes")
    func listed() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                let signature = try Self.signature(of: image, bench, name: "sig:1")
                let before = registry.requests.count
                try await bench.publish("sig:1", to: registry.address + "/r:sig")
                let entry = try #require(try Self.listed(image, registry).first)
                #expect(entry["digest"] == .string(signature.digest.description))
                #expect(entry["artifactType"] == .string(Self.kind))
                #expect(entry["annotations"]?["made"] == .string("0"))
                let tag = ReferrersIndex.tag(of: image.digest)
                #expect(Self.puts(registry, from: before) == [signature.digest.description, tag, "sig"])
                #expect(registry.violations.isEmpty, "\(registry.violations)")
                let facts = try await bench.queue.facts(registry: registry.address)
                #expect(facts.first { $0.name == "keeps-referrers" }?.value == "no")

                // A second one joins the list, and what is listed is not put again.
                try Self.signature(of: image, bench, name: "sig:2", number: 1)
                try await bench.publish("sig:2", to: registry.address + "/r:sig2")
                #expect(try Self.listed(image, registry).count == 2)
                let again = registry.requests.count
                try await bench.publish("sig:2", to: registry.address + "/r:sig3")
                #expect(!Self.puts(registry, from: again).contains(tag))
            }
        }
    }

    @Test("is left to a registry that processes subjects")
    func processed() async throws {
        let profile = RegistryProfile.distribution3.with { $0.keepsReferrers = true }
        try await TestRegistry.with(profile: profile) { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                try Self.signature(of: image, bench, name: "sig:1")
                try Self.signature(of: image, bench, name: "sig:2", number: 1)
                try await bench.publish("sig:1", to: registry.address + "/r:sig")
                let before = registry.requests.count
                try await bench.publish("sig:2", to: registry.address + "/r:sig2")
                #expect(Self.puts(registry, from: before) == ["sig2"], "once that is known, the tag comes alone")
                #expect(registry.tags("r").keys.sorted() == ["1", "sig", "sig2"])
            }
        }
    }

    @Test("and was pushed by a client that lists nothing is listed by the next push, which asks no more than that")
    func unlisted() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                try Self.signature(of: image, bench, name: "sig:1")
                try await bench.publish("sig:1", to: registry.address + "/r:sig")
                let tag = ReferrersIndex.tag(of: image.digest)
                for knowsRegistry in [true, false] {
                    registry.removeManifest(try #require(registry.tags("r")[tag]), from: "r")
                    if !knowsRegistry { try await bench.publisher.forgetRegistry(registry.address) }
                    try await bench.publish("sig:1", to: registry.address + "/r:sig")
                    #expect(try Self.listed(image, registry).count == 1)
                }
                let before = registry.requests.count
                try await bench.publish("sig:1", to: registry.address + "/r:sig")
                #expect(registry.requests.dropFirst(before).map(\.method) == ["HEAD", "GET"])
            }
        }
    }

    @Test("inside an index is listed too")
    func insideIndex() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                let attestation = try Self.signature(of: image, bench, name: "att:1")
                try bench.builder.addIndex(of: [image, attestation], name: "multi:1")
                try bench.builder.writeIndexJSON()
                try await bench.publish("multi:1", to: registry.address + "/r:2")
                let digests = try Self.listed(image, registry).map { $0["digest"] }
                #expect(digests == [.string(attestation.digest.description)])
            }
        }
    }

    @Test("of one subject from many jobs at once is listed whole")
    func manyAtOnce() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.jobsPerRegistry = 8 }) { bench in
                let image = try await Self.subject(bench, registry)
                for number in 0..<12 {
                    try Self.signature(of: image, bench, name: "sig:\(number)", number: UInt8(number))
                }
                var jobs: [JobID] = []
                for number in 0..<12 {
                    jobs.append(try await bench.push("sig:\(number)", to: "\(registry.address)/r:s\(number)"))
                }
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                #expect(try Self.listed(image, registry).count == 12)
            }
        }
    }

    @Test("whose list another client wrote over meanwhile, or may only be replaced on a condition, is put again")
    func lostRace() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                try Self.signature(of: image, bench, name: "sig:0")
                try await bench.publish("sig:0", to: registry.address + "/r:s0")
                // The list is taken, and then it is as before.
                try Self.signature(of: image, bench, name: "sig:1", number: 1)
                registry.faults.add(Fault(.manifest, method: "PUT", nth: 2, .respond(Answer(201))))
                try await bench.publish("sig:1", to: registry.address + "/r:s1")
                #expect(try Self.listed(image, registry).count == 2)

                try Self.signature(of: image, bench, name: "sig:2", number: 2)
                registry.faults.add(Fault(.manifest, method: "PUT", nth: 2, .respond(.refusal(412, "PRECONDITION"))))
                let before = registry.requests.count
                try await bench.publish("sig:2", to: registry.address + "/r:s2")
                #expect(try Self.listed(image, registry).count == 3)
                let tag = ReferrersIndex.tag(of: image.digest)
                let conditions = registry.requests.dropFirst(before).filter {
                    $0.method == "PUT" && $0.target.hasSuffix(tag)
                }.map { $0.header("If-Match") }
                #expect(conditions.count == 2 && conditions.allSatisfy { $0?.hasPrefix("\"sha256:") == true })
            }
        }
    }

    @Test("whose list shows late is listed once: what is only not seen yet is not put again")
    func shownLate() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                try Self.signature(of: image, bench, name: "sig:1")
                let tag = ReferrersIndex.tag(of: image.digest)
                // Asked for before it is put, and after.
                registry.faults.add(
                    Fault(.manifest, method: "GET", nth: 2, .respond(.refusal(404, "MANIFEST_UNKNOWN"))))
                try await bench.publish("sig:1", to: registry.address + "/r:sig")
                let puts = registry.requests.count { $0.method == "PUT" && $0.target.hasSuffix(tag) }
                #expect(puts == 1)
                #expect(try Self.listed(image, registry).count == 1)
            }
        }
    }

    @Test("does not write over an image that has the list's tag: a person must move that")
    func tagTaken() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = try await Self.subject(bench, registry)
                let tag = ReferrersIndex.tag(of: image.digest)
                try await bench.publish("app:1", to: "\(registry.address)/r:\(tag)")
                try Self.signature(of: image, bench, name: "sig:1")
                let ended = try await bench.settled(try await bench.push("sig:1", to: registry.address + "/r:sig"))
                #expect(ended.job.state == .blocked)
                #expect(ended.job.error?.code == "referrers-tag-taken")
                #expect(ended.job.error?.advice?.contains("\(registry.address)/r:\(tag)") == true)
                #expect(registry.tags("r")[tag] == image.digest)
                #expect(registry.tags("r")["sig"] == nil)
            }
        }
    }
}
