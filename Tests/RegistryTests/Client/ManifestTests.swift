import HTTP
import OCI
import Registry
import TestSupport
import Testing

@Suite("Manifests", .timeLimit(.minutes(2)))
struct ManifestTests {
    /// A manifest over a configuration that the registry holds, with spaces that a re-encoding would lose.
    private static func manifest(_ bench: Bench, note: String = "a") async throws -> (bytes: [UInt8], digest: Digest) {
        let config = try bench.registry.addBlob(Array("{}".utf8), to: "team/app")
        let text = """
            { "schemaVersion": 2,   "mediaType": "\(MediaType.ociManifest)",
              "config": {"mediaType": "\(MediaType.ociConfig)", "digest": "\(config)", "size": 2 },
              "layers": [], "annotations": {"note": "\(note)\\u00e4"} }
            """
        return (Array(text.utf8), Digest(of: Array(text.utf8)))
    }

    @discardableResult
    private static func put(
        _ bench: Bench, _ reference: ManifestReference, note: String = "a"
    ) async throws -> ManifestPut {
        let (bytes, digest) = try await manifest(bench, note: note)
        return try await bench.client.putManifest(
            "team/app", reference, bytes: bytes, mediaType: .ociManifest, digest: digest)
    }

    @Test("field 40: are put and read as the bytes they are")
    func asBytes() async throws {
        try await Bench.with { bench in
            let (bytes, digest) = try await Self.manifest(bench)
            #expect(try await bench.client.manifestHead("team/app", .tag("v1")) == nil)
            try await Self.put(bench, .digest(digest))
            try await Self.put(bench, .tag("v1"))
            #expect(bench.registry.manifest("team/app", "v1") == bytes)
            let read = try await bench.client.manifest("team/app", .tag("v1"))
            #expect(read?.bytes == bytes)
            #expect(read?.digest == digest)
            #expect(read?.mediaType == .ociManifest)
            let head = try await bench.client.manifestHead("team/app", .tag("v1"))
            #expect(head == Descriptor(mediaType: .ociManifest, digest: digest, size: Int64(bytes.count)))
            #expect(bench.methods == ["HEAD", "PUT", "PUT", "GET", "HEAD"])
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("are read where HEAD is not understood or does not name the digest", arguments: [false, true])
    func headFallsBack(answersHead: Bool) async throws {
        let profile = TestRegistry.Profile.distribution3.with {
            $0.answersHead = answersHead
            $0.sendsDigestHeader = false
        }
        try await Bench.with(profile) { bench in
            let digest = try await Self.manifest(bench).digest
            try await Self.put(bench, .tag("v1"))
            #expect(try await bench.client.manifestHead("team/app", .tag("v1"))?.digest == digest)
            #expect(try await bench.client.manifestHead("team/app", .tag("v2")) == nil)
        }
    }

    @Test("other bytes than the digest's are an error, and a header that denies them too")
    func otherBytes() async throws {
        try await Bench.with { bench in
            let digest = try await Self.manifest(bench).digest
            try await Self.put(bench, .tag("v1"))
            let other = Digest(of: [1])
            bench.registry.faults.add(Fault(.manifest, .respond(Answer(200, "other"))))
            let wrong = try await registryError { _ = try await bench.client.manifest("team/app", .digest(digest)) }
            #expect(wrong?.cause == .digestMismatch(found: Digest(of: Array("other".utf8))))
            bench.registry.faults.add(Fault(.manifest, .setHeader("Docker-Content-Digest", other.description)))
            let denied = try await registryError { _ = try await bench.client.manifest("team/app", .tag("v1")) }
            #expect(denied?.code == "digest-mismatch")
            bench.registry.faults.add(
                Fault(.manifest, method: "PUT", .setHeader("Docker-Content-Digest", other.description)))
            let put = try await registryError { try await Self.put(bench, .tag("v2")) }
            #expect(put?.cause == .digestMismatch(found: other))
        }
    }

    @Test("the same bytes named by another algorithm are the same, and other bytes are not")
    func otherAlgorithm() async throws {
        try await Bench.with { bench in
            let (bytes, digest) = try await Self.manifest(bench)
            let right = Digest(of: bytes, algorithm: .sha512)
            func name(_ digest: Digest, _ method: String) {
                bench.registry.faults.add(
                    Fault(.manifest, method: method, .setHeader("Docker-Content-Digest", digest.description)))
            }
            name(right, "PUT")
            try await Self.put(bench, .tag("v1"))
            name(right, "GET")
            #expect(try await bench.client.manifest("team/app", .tag("v1"))?.digest == digest)
            let wrong = Digest(of: [1], algorithm: .sha512)
            name(wrong, "PUT")
            let put = try await registryError { try await Self.put(bench, .tag("v2")) }
            #expect(put?.cause == .digestMismatch(found: wrong))
            name(wrong, "GET")
            let read = try await registryError { _ = try await bench.client.manifest("team/app", .tag("v1")) }
            #expect(read?.code == "digest-mismatch")
        }
    }

    @Test("by SHA-512 are refused for good where only SHA-256 is taken, and are not there")
    func onlySHA256() async throws {
        try await Bench.with { bench in
            let bytes = try await Self.manifest(bench).bytes
            let digest = Digest(of: bytes, algorithm: .sha512)
            let refusal = Answer.refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            bench.registry.faults.add(Fault(.manifest, times: .max, .respond(refusal)))
            #expect(try await bench.client.manifestHead("team/app", .digest(digest)) == nil)
            let error = try await registryError {
                try await bench.client.putManifest(
                    "team/app", .digest(digest), bytes: bytes, mediaType: .ociManifest, digest: digest)
            }
            #expect(error?.cause == .digestAlgorithmRefused(.sha512))
            #expect(error?.code == "manifest-refused" && error?.disposition == .fail)
            #expect(error?.advice?.contains("sha256") == true)
            // The algorithm of the reference counts, not that of the image's own digest.
            let renamed = try await registryError {
                try await bench.client.putManifest(
                    "team/app", .digest(digest), bytes: bytes, mediaType: .ociManifest, digest: Digest(of: bytes))
            }
            #expect(renamed?.cause == .digestAlgorithmRefused(.sha512))
            let tagged = try await registryError {
                try await bench.client.putManifest(
                    "team/app", .tag("1"), bytes: bytes, mediaType: .ociManifest, digest: digest)
            }
            #expect(tagged?.cause == .manifestRefused)
            let other = try await registryError { try await Self.put(bench, .digest(Digest(of: bytes))) }
            #expect(other?.cause == .manifestRefused, "a sha256 digest is not refused for its algorithm")
        }
    }

    @Test("warnings of the registry change nothing")
    func warnings() async throws {
        try await Bench.with { bench in
            let warning = Fault.Action.setHeader("Warning", #"299 - "this registry ends tomorrow""#)
            bench.registry.faults.add(Fault(.manifest, times: .max, warning))
            let digest = try await Self.manifest(bench).digest
            try await Self.put(bench, .tag("v1"))
            #expect(try await bench.client.manifestHead("team/app", .tag("v1"))?.digest == digest)
            #expect(bench.methods == ["PUT", "HEAD"])
        }
    }

    @Test("absence is the word of a registry only", arguments: ["HEAD", "GET"])
    func absence(method: String) async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(.manifest, times: .max, .respond(.proxyPage(404, "Not Found"))))
            let error = try await registryError {
                _ =
                    method == "GET"
                    ? try await bench.client.manifest("team/app", .tag("v1"))?.descriptor
                    : try await bench.client.manifestHead("team/app", .tag("v1"))
            }
            #expect(error?.code == "not-a-registry")
            #expect(error?.serverMessage == "404 Not Found")
        }
    }

    @Test("an answer larger than the limit is refused, and so are oversized headers")
    func bounded() async throws {
        let settings = RegistrySettings(limits: HTTPLimits(responseBytes: 100_000))
        try await Bench.with(settings: settings) { bench in
            try await Self.put(bench, .tag("v1"))
            for fault in [Fault.Action.oversizedAnswer(bytes: 200_000), .oversizedHeaders(bytes: 100_000)] {
                bench.registry.faults.add(Fault(.manifest, fault))
                let error = try await registryError { _ = try await bench.client.manifest("team/app", .tag("v1")) }
                #expect(error?.code == "protocol-violation")
            }
        }
    }

    @Test("field 37: what a manifest names and the registry has lost is told apart")
    func referencesMissing() async throws {
        try await Bench.with { bench in
            let (bytes, digest) = try await Self.manifest(bench)
            bench.registry.removeBlob(Digest(of: Array("{}".utf8)), from: "team/app")
            let error = try await registryError {
                try await bench.client.putManifest(
                    "team/app", .tag("v1"), bytes: bytes, mediaType: .ociManifest, digest: digest)
            }
            #expect(error?.cause == .referencesMissing)
            #expect(error?.isMissingContent == true)
            #expect(error?.disposition == .retry)
            #expect(bench.methods == ["PUT"])
        }
    }

    @Test(
        "field 39: a tag that can't be moved and has the digest already is a success",
        arguments: [
            Answer.refusal(400, "TAG_INVALID", "The image tag 'v1' already exists and is immutable"),
            .refusal(409, "TAG_ALREADY_EXISTS"), .refusal(412, "PRECONDITION", "immutable"),
            .refusal(403, "DENIED", "no"), .refusal(405, "UNSUPPORTED"),
        ])
    func sameDigest(_ refusal: Answer) async throws {
        try await Bench.with(TestRegistry.Profile.distribution3.with { $0.immutableTags = refusal }) { bench in
            let first = try await Self.put(bench, .tag("v1"))
            let second = try await Self.put(bench, .tag("v1"))
            #expect([first, second] == [.stored(subject: nil), .wasThere])
            #expect(bench.methods == ["PUT", "PUT", "HEAD"])
        }
    }

    @Test(
        "field 39: with another digest it is a conflict of its own kind",
        arguments: [
            Answer.refusal(400, "TAG_INVALID", "already exists"), .refusal(409, "CONFLICT"),
        ])
    func otherDigest(_ refusal: Answer) async throws {
        try await Bench.with(TestRegistry.Profile.distribution3.with { $0.immutableTags = refusal }) { bench in
            let first = try await Self.manifest(bench).digest
            try await Self.put(bench, .tag("v1"))
            let error = try await registryError { try await Self.put(bench, .tag("v1"), note: "b") }
            #expect(error?.cause == .tagConflict(existing: first))
            #expect(error?.code == "tag-conflict")
            #expect(error?.disposition == .fail)
            #expect(error?.description.contains(first.description) == true)
        }
    }

    @Test("field 27: a refusal is repeated once, and only once")
    func vagueRefusal() async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(.manifest, method: "PUT", .respond(.refusal(400, "MANIFEST_INVALID"))))
            try await Self.put(bench, .tag("v1"))
            #expect(bench.methods == ["PUT", "PUT"])
            bench.registry.faults.add(
                Fault(.manifest, method: "PUT", times: .max, .respond(.refusal(400, "MANIFEST_INVALID", "no zstd"))))
            let error = try await registryError { try await Self.put(bench, .tag("v2")) }
            #expect(error?.cause == .manifestRefused)
            #expect(error?.serverMessage == "no zstd")
            #expect(bench.methods == ["PUT", "PUT", "PUT", "PUT", "HEAD"])
        }
    }

    @Test(
        "field 27: a success that means nothing is none",
        arguments: [Answer(200, "Healthcheck requested"), Answer(204)])
    func misfit(_ answer: Answer) async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(.manifest, method: "PUT", .respond(answer)))
            let error = try await registryError { try await Self.put(bench, .tag("v1")) }
            #expect(error?.code == "protocol-violation")
            #expect(error?.disposition == .retry)
        }
    }

    @Test("one token does for the questions and the push", arguments: [true, false])
    func oneToken(mayPush: Bool) async throws {
        let service = TestTokenService(user: "ann", password: "secret").with {
            if !mayPush { $0.readOnlyRepositories = ["team/app"] }
        }
        try await Bench.with(
            authentication: .bearer(service), credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            #expect(try await bench.client.manifestHead("team/app", .tag("v1")) == nil)
            let error = try await registryError { try await Self.put(bench, .tag("v1")) }
            if mayPush {
                #expect(error == nil)
                #expect(bench.registry.count(of: .token) == 1)
            } else {
                #expect(error?.cause == .denied)
                #expect(error?.disposition == .waitForPerson)
                #expect(error?.description.contains("ann") == true)
                #expect(error?.description.contains("secret") == false)
            }
        }
    }
}
