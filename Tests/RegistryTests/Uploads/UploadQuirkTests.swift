import HTTP
import OCI
import Registry
import TestSupport
import Testing

@Suite("Upload of a blob to registries of all kinds", .timeLimit(.minutes(2)))
struct UploadQuirkTests {
    @Test("costs two requests: POST, and PUT with all its bytes", arguments: [0, 1, 70_000, 5 << 20])
    func costsTwoRequests(size: Int) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(size)
            let progress = TransferProgress()
            let result = try await bench.upload(blob, progress: progress)
            #expect(result == BlobUploadResult(wasFound: false, bytesSent: Int64(size)))
            #expect(bench.methods == ["POST", "PUT"])
            #expect(progress.bytesSent == Int64(size))
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("field 18: ECR's Range that never moves does not make bytes go twice, and 201 to PATCH is a success")
    func stuckRange() async throws {
        try await Bench.with(.ecr) { bench in
            let blob = try bench.blob(13 << 20)
            try await bench.upload(blob, style: .chunked(1 << 20))  // the registry's own minimum is 5 MiB
            #expect(bench.methods == ["POST", "PATCH", "PATCH", "PATCH", "PUT"])
            #expect(bench.registry.requests(.uploadBody).map(\.bodyBytes) == [5 << 20, 5 << 20, 3 << 20, 0])
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("field 18: the byte that a 416 names is where it goes on")
    func namedByte() async throws {
        try await Bench.with(.ecr) { bench in
            let blob = try bench.blob(13 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, nth: 3, .cut(afterBodyBytes: 1000)))
            _ = try await registryError { try await bench.upload(blob, keeper: keeper, style: .chunked(5 << 20)) }
            // All that is known is the session's place: the last two chunks' ends were never kept.
            let place = try #require(keeper.session).location
            let result = try await bench.upload(
                blob, session: UploadSession(location: place, offset: 0, chunkMinimum: 5 << 20),
                style: .chunked(5 << 20))
            #expect(bench.methods.suffix(4) == ["GET", "PATCH", "PATCH", "PUT"])
            #expect(result.bytesSent <= 8 << 20)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("field 20: where chunks are small at most, one body has all; only a rest is halved into chunks")
    func smallChunks() async throws {
        try await Bench.with(.ghcr) { bench in
            let whole = try bench.blob(9 << 20)
            try await bench.upload(whole)
            #expect(bench.methods == ["POST", "PUT"])

            let broken = try bench.blob(9 << 20, seed: 8)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 1 << 20)))
            _ = try await registryError { try await bench.upload(broken, keeper: keeper) }
            try await bench.upload(broken, keeper: keeper)
            #expect(keeper.facts.values == [.brokenBody(losesSession: false), .maximumBody(4 << 20)])
            #expect(bench.registry.content(of: broken.digest) == broken.bytes)
            #expect(bench.registry.bodyBytes(for: broken.digest) == broken.size)
        }
    }

    @Test("field 21: where a second PATCH is refused, one body has all, and that is remembered")
    func onePatchOnly() async throws {
        try await Bench.with(.google) { bench in
            let blob = try bench.blob(4 << 20)
            let keeper = Keeper()
            try await bench.upload(blob, keeper: keeper, style: .chunked(1 << 20))
            #expect(bench.methods == ["POST", "PATCH", "PATCH", "POST", "PUT"])
            #expect(keeper.facts.values == [.secondPatchRefused])
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("field 24: Gitea's chunks name their range")
    func chunksNameTheirRange() async throws {
        try await Bench.with(.gitea) { bench in
            let blob = try bench.blob(3 << 20)
            try await bench.upload(blob, style: .chunked(1 << 20))
            #expect(
                bench.registry.requests(.uploadBody, method: "PATCH").map { $0.header("Content-Range") }
                    == ["0-1048575", "1048576-2097151", "2097152-3145727"])
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("field 22: a proxy's limit is found by halving and remembered")
    func proxyLimit() async throws {
        try await Bench.with(.proxyCapped(3 << 20)) { bench in
            let blob = try bench.blob(10 << 20)
            let keeper = Keeper()
            try await bench.upload(blob, keeper: keeper)
            #expect(keeper.facts.values == [.maximumBody(5 << 20), .maximumBody(5 << 19)])
            #expect(bench.registry.bodyBytes(for: blob.digest) == blob.size)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.requests(.uploadBody).last?.bodyBytes == 0)
        }
    }

    @Test("field 22: a limit below all sense ends the attempt with advice")
    func hopelessLimit() async throws {
        try await Bench.with(.proxyCapped(1000)) { bench in
            let blob = try bench.blob(1 << 20)
            let error = try await registryError { try await bench.upload(blob) }
            #expect(error?.cause == .bodyTooLarge)
            #expect(error?.disposition == .fail)
            #expect(error?.advice?.contains("client_max_body_size") == true)
            #expect(error?.serverMessage == "413 Request Entity Too Large")
        }
    }

    @Test("field 23: the end of the last chunk is an offset too, and the closing PUT after chunks is empty")
    func lastChunkOnly() async throws {
        try await Bench.with(.zotOld) { bench in
            let blob = try bench.blob(3 << 20)
            try await bench.upload(blob, style: .chunked(1 << 20))
            #expect(bench.registry.requests(.uploadBody).map(\.bodyBytes) == [1 << 20, 1 << 20, 1 << 20, 0])
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("where the PUT may not bring the blob, a PATCH does, and that is remembered", arguments: [400, 404])
    func patchForm(status: Int) async throws {
        let profile = TestRegistry.Profile.distribution3.with { $0.takesWholePut = false }
        try await Bench.with(profile) { bench in
            let blob = try bench.blob(1 << 20)
            let keeper = Keeper()
            if status == 404 {
                bench.registry.faults.add(
                    Fault(.uploadBody, method: "PUT", .respond(.refusal(404, "BLOB_UNKNOWN", "blob unknown"))))
            }
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.methods == ["POST", "PUT", "POST", "PATCH", "PUT"])
            #expect(keeper.facts.values == [.wholePutRefused])
            let facts = [RegistryFact.wholePutRefused.name: RegistryFact.wholePutRefused.value]
            let style = UploadStyle(size: blob.size, chunkSize: 1 << 20, facts: facts)
            try await bench.upload(try bench.blob(1 << 20, seed: 9), style: style)
            #expect(bench.methods.suffix(3) == ["POST", "PATCH", "PUT"])
        }
    }

    @Test(
        "field 25: locations: relative, with another scheme, at another host that gets no credentials",
        arguments: [
            RegistryProfile.LocationStyle.relative, .otherScheme, .otherHost("localhost"),
        ])
    func locations(_ style: RegistryProfile.LocationStyle) async throws {
        let profile = TestRegistry.Profile.distribution3.with { $0.location = style }
        let login = TestLogin(user: "ann", password: "secret")
        try await Bench.with(
            profile, authentication: .basic(user: "ann", password: "secret"), credentials: login
        ) { bench in
            let blob = try bench.blob(3 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, nth: 2, .cut(afterBodyBytes: 9000)))
            _ = try await registryError {
                try await bench.upload(blob, keeper: keeper, style: .chunked(1 << 20))
            }
            try await bench.upload(blob, keeper: keeper, style: .chunked(1 << 20))
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty, "\(bench.registry.violations)")
        }
    }

    @Test("field 25: uploads that are forgotten as soon as they are opened are the operator's matter")
    func forgottenUploads() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.uploadBody, times: .max, .expireSession))
            let error = try await registryError { try await bench.upload(blob) }
            #expect(error?.cause == .uploadsForgotten)
            #expect(error?.advice?.contains("X-Forwarded-Proto") == true)
            #expect(bench.registry.count(of: .uploadStart) == 3)
        }
    }
}

/// One login for everything.
struct TestLogin: CredentialProvider {
    let user: String
    let password: String

    func credential(registry: String, repository: String) -> FoundCredential? {
        FoundCredential(credential: .basic(user: user, password: Secret(password)), origin: "the test")
    }
}
