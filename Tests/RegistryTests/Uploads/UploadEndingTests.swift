import HTTP
import OCI
import Registry
import System
import TestSupport
import Testing

@Suite("The end of an upload", .timeLimit(.minutes(2)))
struct UploadEndingTests {
    @Test(
        "field 26: a closing PUT that fails although the blob is stored is followed by a look, and no byte",
        arguments: [
            Fault.Action.replaceAnswer(.proxyPage(502, "Bad Gateway")),
            .replaceAnswer(.proxyPage(504, "Gateway Timeout")),
            .replaceAnswer(.refusal(500, "UNKNOWN")), .loseAnswer(.fin), .loseAnswer(.reset),
            .replaceAnswer(Answer(202)),
            .replaceAnswer(Answer(200, "Healthcheck requested")),
        ])
    func looksForTheBlob(_ fault: Fault.Action) async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, fault))
            let result = try await bench.upload(blob, keeper: keeper)
            #expect(result.wasFound)
            #expect(bench.methods == ["POST", "PUT", "HEAD"])
            #expect(bench.registry.uploadedBytes == blob.size)
            #expect(keeper.session == nil)
        }
    }

    @Test("field 26: a slow commit is waited for, with growing pauses")
    func waitsForTheCommit() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1 << 20)
            bench.registry.faults.add(Fault(.uploadBody, .hideCommit(looks: 4)))
            bench.registry.faults.add(Fault(.uploadBody, .replaceAnswer(.proxyPage(504, "Gateway Timeout"))))
            #expect(try await bench.upload(blob).wasFound)
            #expect(bench.waits.values == [1, 2, 4, 8].map { .seconds($0) })
            #expect(bench.registry.uploadedBytes == blob.size)
        }
    }

    @Test("field 26: patience ends as configured, with the first error and the session kept")
    func patienceEnds() async throws {
        try await Bench.with(settings: RegistrySettings(commitPatience: .seconds(10))) { bench in
            let blob = try bench.blob(1 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .hideCommit(looks: 6)))
            bench.registry.faults.add(Fault(.uploadBody, .replaceAnswer(.proxyPage(504, "Gateway Timeout"))))
            let error = try await registryError { try await bench.upload(blob, keeper: keeper) }
            #expect(error?.cause == .unavailable)
            #expect(error?.status == 504)
            #expect(bench.waits.values == [1, 2, 4, 3].map { .seconds($0) })
            #expect(keeper.session != nil)
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("field 26: the patience grows with the blob, a second for each 20 MiB")
    func patienceGrows() async throws {
        try await Bench.with(settings: RegistrySettings(commitPatience: .seconds(1))) { bench in
            let blob = try bench.blob(40 << 20)
            bench.registry.faults.add(Fault(.uploadBody, .hideCommit(looks: 100)))
            bench.registry.faults.add(Fault(.uploadBody, .replaceAnswer(.proxyPage(504, "Gateway Timeout"))))
            _ = try await registryError { try await bench.upload(blob) }
            #expect(bench.waits.values == [1, 2].map { .seconds($0) })
        }
    }

    @Test("field 26: the time for the answer to the last byte grows with the blob, too")
    func answerTimeGrows() async throws {
        let limits = HTTPLimits(response: .seconds(2), answer: .seconds(2))
        try await Bench.with(settings: RegistrySettings(limits: limits)) { bench in
            let blob = try bench.blob(60 << 20)
            bench.registry.faults.add(Fault(.uploadBody, .delayAnswer(.seconds(3))))
            #expect(try await !bench.upload(blob).wasFound)
            #expect(bench.registry.uploadedBytes == blob.size)
        }
    }

    @Test("field 26: a gateway's error in the middle of the body can't be a slow commit: nothing is looked for")
    func errorInTheMiddle() async throws {
        try await Bench.with(receiveBuffer: 65_536) { bench in
            let blob = try bench.blob(20 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(
                Fault(.uploadBody, .answerEarly(afterBodyBytes: 1 << 20, .proxyPage(504, "Gateway Timeout"))))
            let error = try await registryError { try await bench.upload(blob, keeper: keeper) }
            #expect(error?.cause == .unavailable)
            #expect(bench.methods == ["POST", "PUT"])
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.methods == ["POST", "PUT", "GET", "PATCH", "PUT"])
            #expect(bench.registry.bodyBytes(for: blob.digest) == blob.size)
        }
    }

    @Test("field 26: an answer that does not come in time is as good as none")
    func answerStalls() async throws {
        let gate = TestGate()
        let limits = HTTPLimits(response: .milliseconds(200))
        try await Bench.with(settings: RegistrySettings(limits: limits)) { bench in
            let blob = try bench.blob(100_000)
            bench.registry.faults.add(Fault(.uploadBody, .stallAnswer(until: gate)))
            #expect(try await bench.upload(blob).wasFound)
            #expect(bench.registry.uploadedBytes == blob.size)
            gate.open()
        }
    }

    @Test("field 27: a success that opens no upload is asked for once more")
    func misfitToPost() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1000)
            bench.registry.faults.add(Fault(.uploadStart, .respond(Answer(200, "Healthcheck requested"))))
            try await bench.upload(blob)
            #expect(bench.methods == ["POST", "POST", "PUT"])

            bench.registry.faults.add(Fault(.uploadStart, times: 2, .respond(Answer(200, "Healthcheck requested"))))
            let error = try await registryError { try await bench.upload(try bench.blob(1000, seed: 8)) }
            #expect(error?.code == "protocol-violation")
            #expect(error?.disposition == .retry)
        }
    }

    @Test("field 27: a refusal without a reason is tried once more from the start")
    func vagueRefusal() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .respond(.refusal(400, "BLOB_UPLOAD_INVALID"))))
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("bytes that arrive changed are sent once more, then it is damage on the way")
    func damageOnTheWay() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1 << 20)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .corrupt(bodyByte: 4711)))
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.methods == ["POST", "PUT", "POST", "PUT"])
            #expect(keeper.looksAtTheFile.values == [true])

            let other = try bench.blob(1 << 20, seed: 8)
            bench.registry.faults.add(Fault(.uploadBody, times: 2, .corrupt(bodyByte: 4711)))
            let error = try await registryError { try await bench.upload(other) }
            #expect(error?.cause == .damagedOnTheWay)
            #expect(error?.digest == other.digest)
        }
    }

    @Test("a local blob that is damaged ends the attempt at once")
    func localDamage() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(1 << 20)
            bench.registry.faults.add(Fault(.uploadBody, .corrupt(bodyByte: 4711)))
            let error = try await registryError { try await bench.upload(blob, isIntact: false) }
            #expect(error?.cause == .localBlobDamaged)
            #expect(error?.disposition == .waitForFile)
            #expect(bench.methods == ["POST", "PUT"])
        }
    }

    @Test("field 28: a login that ends before or in a body is renewed, and the upload goes on from the offset")
    func loginEnds() async throws {
        try await Bench.with(authentication: .bearer(TestTokenService())) { bench in
            let blob = try bench.blob(3 << 20)
            let (registry, clock) = (bench.registry, bench.clock)
            let upload = BlobUpload(
                repository: "team/app", digest: blob.digest, size: blob.size,
                file: try ReadableFile(opening: blob.file),
                sessionChanged: { session in
                    // Told first before the body.
                    guard session != nil, registry.count(of: .uploadBody) == 0 else { return }
                    registry.expireTokens()
                    clock.advance(by: .seconds(20))
                })
            _ = try await bench.client.upload(upload)
            #expect(bench.methods == ["POST", "POST", "PUT", "GET", "PATCH", "PUT"])
            #expect(registry.requests(.uploadBody).map(\.status) == [401, 202, 201])
            #expect(registry.count(of: .token) == 2)
            #expect(registry.content(of: blob.digest) == blob.bytes)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("field 28: a login that has no right in the middle of a body is not renewed for ever")
    func loginHasNoRight() async throws {
        try await Bench.with(authentication: .bearer(TestTokenService())) { bench in
            let blob = try bench.blob(3 << 20)
            let challenge = "Bearer realm=\"http://\(bench.registry.address)/token\",service=\"test-registry\""
            let answer = Answer.refusal(401, "UNAUTHORIZED", headers: [("WWW-Authenticate", challenge)])
            bench.registry.faults.add(
                Fault(.uploadBody, times: .max, .answerEarly(afterBodyBytes: 1 << 20, answer)))
            let error = try await registryError { try await bench.upload(blob) }
            #expect(error?.disposition == .waitForPerson)
            #expect(bench.registry.count(of: .uploadBody) == 1)
        }
    }

    @Test("field 28: a token that may not outlive the body is renewed before it")
    func renewsBeforeTheBody() async throws {
        let service = TestTokenService().with { $0.expiresIn = 60 }
        try await Bench.with(authentication: .bearer(service)) { bench in
            try await bench.upload(try bench.blob(1000))
            bench.clock.advance(by: .seconds(35))
            try await bench.upload(try bench.blob(1000, seed: 8))
            #expect(bench.registry.count(of: .token) == 1)
            try await bench.upload(try bench.blob(32 << 20, seed: 9))  // half a minute at the speed that is assumed
            #expect(bench.registry.count(of: .token) == 2)
            #expect(bench.methods == ["POST", "POST", "PUT", "POST", "PUT", "POST", "PUT"])
        }
    }

    @Test(
        "field 29: no body byte is sent before the login is known",
        arguments: [
            TestAuthentication.basic(user: "ann", password: "secret"),
            .bearer(TestTokenService(user: "ann", password: "secret")),
        ])
    func logsInFirst(_ authentication: TestAuthentication) async throws {
        try await Bench.with(
            authentication: authentication, credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            try await bench.upload(try bench.blob(3 << 20))
            #expect(bench.methods == ["POST", "POST", "PUT"])
            #expect(bench.registry.requests.filter { $0.kind != .token }.map(\.status) == [401, 202, 201])
        }
    }

    @Test("field 29: a final answer in the middle of the body ends it at once")
    func earlyAnswer() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(8 << 20)
            bench.registry.faults.add(
                Fault(.uploadBody, .answerEarly(afterBodyBytes: 1000, .refusal(403, "DENIED", "quota exceeded"))))
            let error = try await registryError { try await bench.upload(blob) }
            #expect(error?.cause == .quotaExceeded)
            #expect(error?.serverMessage == "quota exceeded")
        }
    }
}
