import HTTP
import OCI
import Registry
import TestSupport
import Testing

@Suite("Whether a blob is there", .timeLimit(.minutes(2)))
struct BlobPresenceTests {
    private static func presence(_ bench: Bench, _ blob: TestBlob, size: Int64? = nil) async throws -> String {
        switch try await bench.client.blobPresence("team/app", blob.digest, size: size ?? blob.size) {
        case .present: "present"
        case .absent: "absent"
        case .unknown(let error): "unknown: \(error.code)"
        }
    }

    @Test("has two plain answers, and another size is absence")
    func twoAnswers() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            #expect(try await Self.presence(bench, blob) == "absent")
            try bench.registry.addBlob(blob.bytes, to: "team/app")
            #expect(try await Self.presence(bench, blob) == "present")
            #expect(try await Self.presence(bench, blob, size: 999) == "absent")
            #expect(bench.methods == ["HEAD", "HEAD", "HEAD"])
        }
    }

    @Test(
        "field 4: is unknown, and thrown, whenever the registry does not say",
        arguments: [
            (429, "rate-limited"), (500, "server-error"), (502, "registry-unavailable"), (408, "timed-out"),
            (401, "login-unusable"), (200, "present"),
        ])
    func unknownIsThrown(status: Int, code: String) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.blob, .respond(Answer(status))))
            let error = try await registryError { _ = try await Self.presence(bench, blob) }
            #expect(error?.code ?? "present" == code)
        }
    }

    @Test("field 27: a success that is a page for people is no yes", arguments: [Answer.page, .otherDigest])
    func misfit(_ answer: Answer) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.blob, .respond(answer)))
            let error = try await registryError { _ = try await Self.presence(bench, blob) }
            #expect(error?.disposition == .retry)
            #expect(error?.status == 200)
        }
    }

    @Test("a 404 of something that is no registry says nothing about the blob", arguments: ["text/html", "text/plain"])
    func foreignNotFound(type: String) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(
                Fault(.blob, .respond(Answer(404, headers: [("Content-Type", type)], "page not found"))))
            let error = try await registryError { _ = try await Self.presence(bench, blob) }
            #expect(error?.disposition == .retry)
            #expect(error?.status == 404)
        }
    }

    @Test("field 34: a refusal to tell is unknown: opening an upload decides")
    func refusalToTell() async throws {
        try await Bench.with(
            authentication: .basic(user: "ann", password: "secret"),
            credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.blob, times: .max, .respond(Answer(403))))
            #expect(try await Self.presence(bench, blob) == "unknown: denied")
            try await bench.upload(blob)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("where HEAD is not understood, the first byte is read", arguments: [0, 1, 1000, 100_000])
    func readsTheFirstByte(size: Int) async throws {
        try await Bench.with(TestRegistry.Profile.distribution3.with { $0.answersHead = false }) { bench in
            let blob = try bench.blob(size)
            #expect(try await Self.presence(bench, blob) == "absent")
            try bench.registry.addBlob(blob.bytes, to: "team/app")
            #expect(try await Self.presence(bench, blob) == "present")
            #expect(bench.methods == ["HEAD", "GET", "HEAD", "GET"])
        }
    }

    @Test("an answer that is lost is an error, not absence")
    func lostAnswer() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.blob, times: .max, .loseAnswer(.reset)))
            let error = try await registryError { _ = try await Self.presence(bench, blob) }
            #expect(error?.disposition == .retryRegistry)
            await bench.registry.stop()
            let refused = try await registryError { _ = try await Self.presence(bench, blob) }
            #expect(refused?.code == "registry-unreachable")
            #expect(refused?.disposition == .retryRegistry)
        }
    }
}

extension Answer {
    fileprivate static let page = Answer(200, headers: [("Content-Type", "text/html; charset=utf-8")], "")
    fileprivate static let otherDigest = Answer(
        200, headers: [("Docker-Content-Digest", Digest(of: [1]).description), ("Content-Length", "1000")])
}

@Suite("Reading a blob", .timeLimit(.minutes(2)))
struct BlobReadingTests {
    @Test("hashes what comes", arguments: [0, 1, 3 << 20])
    func hashes(size: Int) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(size)
            try bench.registry.addBlob(blob.bytes, to: "team/app")
            #expect(try await bench.client.readBlob("team/app", blob.digest, size: blob.size) == blob.digest)
        }
    }

    @Test("a blob of another size, or none, is an error", arguments: [(-1, "digest-mismatch"), (1, "digest-mismatch")])
    func otherSize(difference: Int64, code: String) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1 << 20)
            try bench.registry.addBlob(blob.bytes, to: "team/app")
            let error = try await registryError {
                _ = try await bench.client.readBlob("team/app", blob.digest, size: blob.size + difference)
            }
            #expect(error?.code == code)
            let other = try bench.blob(10)
            let missing = try await registryError {
                _ = try await bench.client.readBlob("team/app", other.digest, size: 10)
            }
            #expect(missing?.isMissingContent == true)
        }
    }

    @Test("ends as soon as more comes than the blob has")
    func endless() async throws {
        let answer = Answer(
            200,
            body: .stream(length: 1 << 40) { send in
                let zeros = [UInt8](repeating: 0, count: 1 << 16)
                while true { try zeros.withUnsafeBytes { try send($0) } }
            })
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(.blob, .respond(answer)))
            let blob = try bench.blob(1000)
            let error = try await registryError {
                _ = try await bench.client.readBlob("team/app", blob.digest, size: 1000)
            }
            #expect(error?.code == "digest-mismatch")
        }
    }
}

@Suite("Mounting a blob", .timeLimit(.minutes(2)))
struct MountTests {
    @Test("links it without a byte; from its own repository it is a question")
    func mounts() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            try bench.registry.addBlob(blob.bytes, to: "team/base")
            guard
                case .session(let session) = try await bench.client.mount(
                    blob.digest, from: "team/app", into: "team/app")
            else {
                Issue.record("it should open an upload")
                return
            }
            await bench.client.cancelUpload("team/app", session)
            #expect(bench.registry.openUploads(in: "team/app") == 0)
            guard case .mounted = try await bench.client.mount(blob.digest, from: "team/base", into: "team/app"),
                case .mounted = try await bench.client.mount(blob.digest, from: "team/app", into: "team/app")
            else {
                Issue.record("not mounted")
                return
            }
            #expect(bench.registry.hasBlob(blob.digest, in: "team/app"))
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("the upload that it opens instead is used: two requests in all")
    func usesTheSession() async throws {
        try await Bench.with(.noMount) { bench in
            let blob = try bench.blob(1 << 20)
            guard
                case .session(let session) = try await bench.client.mount(
                    blob.digest, from: "team/base", into: "team/app")
            else {
                Issue.record("no session")
                return
            }
            #expect(session.isFresh)
            try await bench.upload(blob, session: session)
            #expect(bench.methods == ["POST", "PUT"])
        }
    }

    @Test("field 31: whatever refuses it is no error", arguments: [400, 401, 403, 404, 405, 500])
    func refused(status: Int) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.mount, times: .max, .respond(.refusal(status, "UNSUPPORTED"))))
            guard
                case .refused(let error) = try await bench.client.mount(
                    blob.digest, from: "team/base", into: "team/app")
            else {
                Issue.record("not refused")
                return
            }
            #expect(error.status == status)
        }
    }

    @Test("trouble of the whole registry is thrown", arguments: [429, 503])
    func thrown(status: Int) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(
                Fault(.mount, .respond(.refusal(status, "TOOMANYREQUESTS", headers: [("Retry-After", "7")]))))
            let error = try await registryError {
                _ = try await bench.client.mount(blob.digest, from: "team/base", into: "team/app")
            }
            #expect(error?.disposition == .retryRegistry)
            #expect(error?.retryAfter == .seconds(7))
        }
    }

    @Test("field 31: a source that the login may not read refuses it, and the upload needs no right there")
    func sourceOutOfReach() async throws {
        let service = TestTokenService(user: "ann", password: "secret").with { $0.refusedRepositories = ["other/base"] }
        try await Bench.with(
            authentication: .bearer(service), credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            let blob = try bench.blob(1000)
            switch try await bench.client.mount(blob.digest, from: "other/base", into: "team/app") {
            case .mounted: Issue.record("mounted from where nothing may be read")
            case .session, .refused: break
            }
            try await bench.upload(blob)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }
}
