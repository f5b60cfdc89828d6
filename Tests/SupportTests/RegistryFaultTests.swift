import Dispatch
import OCI
import TestSupport
import Testing

@Suite("A test registry, out of order")
struct RegistryFaultTests {
    private let blob = PseudoRandomBytes.make(size: 100_000, seed: 5)
    private var digest: Digest { Digest(of: blob) }

    private func with(
        _ fault: Fault, _ body: (RawClient, TestRegistry) async throws -> Void
    ) async throws {
        try await TestRegistry.with { registry in
            let id = registry.faults.add(fault)
            try await body(try RawClient(port: registry.port), registry)
            #expect(registry.faults.fired(id) == 1)
            #expect(registry.violations.isEmpty)
        }
    }

    /// The raw client blocks, and while a gate is closed the test's own threads must not.
    private static func onThread<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
        }
    }

    @Test("hits the request that was meant, no other")
    func matching() async throws {
        try await TestRegistry.with { registry in
            registry.faults.add(
                Fault(.blob, method: "HEAD", repository: "app", nth: 2, times: 2, .respond(Answer(503))))
            let client = try RawClient(port: registry.port)
            let path = "/v2/app/blobs/\(digest)"
            #expect(try client.ask("HEAD", path).status == 404)
            #expect(try client.ask("GET", path).status == 404)
            #expect(try client.ask("HEAD", path.replacing("app", with: "other")).status == 404)
            #expect(try client.ask("HEAD", path).status == 503)
            #expect(try client.ask("HEAD", path).status == 503)
            #expect(try client.ask("HEAD", path).status == 404)
            #expect(registry.requests(.blob).map(\.status) == [404, 404, 404, 503, 503, 404])
        }
    }

    @Test("answers with any status and headers instead of serving")
    func respond() async throws {
        let answer = Answer.refusal(429, "TOOMANYREQUESTS", headers: [("Retry-After", "3600")])
        try await with(Fault(.uploadStart, .respond(answer))) { client, registry throws in
            #expect(try client.open("app", query: "?mount=\(digest)&from=base").header("Retry-After") == "3600")
            #expect(registry.openUploads(in: "app") == 0)
            #expect(try client.open("app").status == 202)
        }
    }

    @Test("cuts a body and keeps exactly so many bytes", arguments: [Exchange.CutKind.reset, .fin], [0, 1, 65_537])
    func cut(kind: Exchange.CutKind, after count: Int) async throws {
        try await with(Fault(.uploadBody, .cut(afterBodyBytes: Int64(count), kind))) { client, registry throws in
            let location = try client.open("app").location
            #expect(throws: (any Error).self) { try client.close(location, digest, blob) }
            let other = try RawClient(port: registry.port)
            let status = try other.ask("GET", location)
            #expect(status.header("Range") == "0-\(max(count - 1, 0))")
            #expect(try other.close(status.location, digest, Array(blob[count...])).status == 201)
            #expect(registry.bodyBytes(for: digest) == Int64(blob.count))
            #expect(registry.requests(.uploadBody).map(\.bodyBytes) == [Int64(count), Int64(blob.count - count)])
        }
    }

    @Test("answers in the middle of a body")
    func early() async throws {
        try await with(Fault(.uploadBody, .answerEarly(afterBodyBytes: 500, Answer(401)))) { client, registry throws in
            let location = try client.open("app").location
            #expect(try client.patch(location, blob).status == 401)
            #expect(registry.requests(.uploadBody).map(\.bodyBytes) == [500])
        }
    }

    @Test("stalls in the middle of a body until it is let go on")
    func stall() async throws {
        let gate = TestGate()
        try await with(Fault(.uploadBody, .stall(afterBodyBytes: 500, until: gate))) { client, registry throws in
            let location = try client.open("app").location
            async let sent = Self.onThread { [digest, blob] in
                try RawClient(port: registry.port).close(location, digest, blob).status
            }
            try await gate.waitForArrival()
            #expect(registry.uploadedBytes == 500)
            #expect(registry.peakUploads == 1)
            gate.open()
            #expect(try await sent == 201)
        }
    }

    @Test("loses an answer although the work is done", arguments: [Exchange.CutKind.reset, .fin])
    func loseAnswer(kind: Exchange.CutKind) async throws {
        try await with(Fault(.uploadBody, .loseAnswer(kind))) { client, registry throws in
            let location = try client.open("app").location
            #expect(throws: (any Error).self) { try client.close(location, digest, blob) }
            #expect(registry.content(of: digest) == blob)
        }
    }

    @Test("keeps a blob and says 502")
    func replaceAnswer() async throws {
        try await with(Fault(.uploadBody, .replaceAnswer(.proxyPage(502, "Bad Gateway")))) { client, registry throws in
            let location = try client.open("app").location
            #expect(try client.close(location, digest, blob).status == 502)
            #expect(try client.ask("HEAD", "/v2/app/blobs/\(digest)").status == 200)
        }
    }

    @Test("shows what was committed only after some looks")
    func hideCommit() async throws {
        try await with(Fault(.uploadBody, .hideCommit(looks: 2))) { client, registry throws in
            try client.push(blob, to: "app")
            let path = "/v2/app/blobs/\(digest)"
            #expect(try client.ask("HEAD", path).status == 404)
            #expect(try client.ask("GET", path).status == 404)
            #expect(try client.ask("HEAD", path).status == 200)

            registry.faults.add(Fault(.manifest, method: "PUT", .hideCommit(looks: 1)))
            #expect(try client.putManifest(manifest(of: [blob]), "app", "v1").status == 201)
            #expect(try client.ask("GET", "/v2/app/manifests/v1", headers: [acceptAll]).status == 404)
            #expect(try client.ask("GET", "/v2/app/manifests/v1", headers: [acceptAll]).status == 200)
        }
    }

    @Test("claims to have a blob, and refuses the manifest that needs it")
    func claimPresent() async throws {
        try await with(Fault(.blob, method: "HEAD", .claimPresent(size: 100_000))) { client, _ throws in
            let head = try client.ask("HEAD", "/v2/app/blobs/\(digest)")
            #expect(head.status == 200)
            #expect(head.header("Content-Length") == "100000")
            #expect(try client.putManifest(manifest(of: [blob]), "app", "v1").code == "MANIFEST_BLOB_UNKNOWN")
        }
    }

    @Test("damages a byte on the way, so that the digest is refused")
    func corrupt() async throws {
        try await with(Fault(.uploadBody, .corrupt(bodyByte: 99_999))) { client, _ throws in
            let location = try client.open("app").location
            #expect(try client.close(location, digest, blob).code == "DIGEST_INVALID")
            try client.push(blob, to: "app")
        }
    }

    @Test("forgets an upload")
    func expire() async throws {
        try await with(Fault(.uploadStatus, .expireSession)) { client, _ throws in
            let location = try client.open("app").location
            #expect(try client.ask("GET", location).code == "BLOB_UPLOAD_UNKNOWN")
        }
    }

    @Test("sends to another place, changes and leaves out headers")
    func headers() async throws {
        try await with(Fault(.blob, .redirect(to: "http://127.0.0.1:1"))) { client, registry throws in
            let moved = try client.ask("GET", "/v2/app/blobs/\(digest)")
            #expect(moved.status == 307)
            #expect(moved.header("Location") == "http://127.0.0.1:1/v2/app/blobs/\(digest)")
            try client.push(blob, to: "app")
            registry.faults.add(Fault(.blob, .setHeader("Docker-Content-Digest", "sha256:0")))
            #expect(try client.ask("HEAD", "/v2/app/blobs/\(digest)").header("docker-content-digest") == "sha256:0")
            registry.faults.add(Fault(.blob, .removeHeader("Docker-Content-Digest")))
            #expect(try client.ask("HEAD", "/v2/app/blobs/\(digest)").header("docker-content-digest") == nil)
        }
    }

    @Test("sends answers that are too long or too short, and garbage")
    func malformed() async throws {
        try await with(Fault(.tags, .oversizedAnswer(bytes: 9_000_000))) { client, registry throws in
            registry.createRepository("app")
            #expect(try client.ask("GET", "/v2/app/tags/list").body.count == 9_000_000)
            registry.faults.add(Fault(.tags, .oversizedHeaders(bytes: 100_000)))
            #expect(try client.ask("GET", "/v2/app/tags/list").header("X-Padding")?.utf8.count == 100_000)
            registry.faults.add(Fault(.tags, .truncateAnswer(afterBytes: 3)))
            #expect(throws: RawClient.Failure.ended(received: 3)) { try client.ask("GET", "/v2/app/tags/list") }
            registry.faults.add(Fault(.ping, .garbage([1, 2, 3])))
            let other = try RawClient(port: registry.port)
            try other.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try other.readToEnd() == [1, 2, 3])
        }
    }

    @Test("answers late")
    func late() async throws {
        let gate = TestGate()
        try await with(Fault(.uploadBody, .stallAnswer(until: gate))) { client, registry throws in
            let location = try client.open("app").location
            async let sent = Self.onThread { [digest, blob] in
                try RawClient(port: registry.port).close(location, digest, blob).status
            }
            try await gate.waitForArrival()
            #expect(registry.hasBlob(digest, in: "app"))
            #expect(registry.requests(.uploadBody).map(\.status) == [nil])
            gate.open()
            #expect(try await sent == 201)
        }
    }

    @Test("reads slowly")
    func slow() async throws {
        try await with(Fault(.uploadBody, .slow(bytesPerSecond: 500_000))) { client, _ throws in
            let start = ContinuousClock.now
            try client.push(blob, to: "app")
            #expect(ContinuousClock.now - start > .milliseconds(150))
        }
    }

    @Test("fails by chance, the same way for the same seed", arguments: [1, 2] as [UInt64])
    func chance(seed: UInt64) async throws {
        var histories: [[Int?]] = []
        for _ in 0..<2 {
            try await TestRegistry.with { registry in
                registry.faults.setRandom(
                    RandomFaults(seed: seed, cut: 0.3, serverError: 0.2, loseAnswer: 0.1, expireSession: 0.1))
                for _ in 0..<60 where !registry.hasBlob(digest, in: "app") || registry.faults.fired < 10 {
                    let client = try RawClient(port: registry.port)
                    guard let opened = try? client.open("app"), opened.status == 202 else { continue }
                    _ = try? client.close(opened.location, digest, blob)
                }
                #expect(registry.content(of: digest) == blob)
                #expect(registry.faults.fired >= 10)
                histories.append(registry.requests.map(\.status))
            }
        }
        #expect(histories[0] == histories[1])
    }

    @Test("is down, and keeps what it had")
    func outage() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            try client.push(blob, to: "app")
            registry.pause()
            #expect(throws: (any Error).self) { try RawClient(port: registry.port).open("app") }
            try registry.resume()
            #expect(try RawClient(port: registry.port).ask("HEAD", "/v2/app/blobs/\(digest)").status == 200)
        }
    }
}
