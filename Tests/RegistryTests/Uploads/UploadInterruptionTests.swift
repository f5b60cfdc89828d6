import HTTP
import OCI
import Registry
import Synchronization
import TestSupport
import Testing

@Suite("Upload of a blob, interrupted", .timeLimit(.minutes(2)))
struct UploadInterruptionTests {
    /// More than the systems' buffers take, so that a body breaks off before its last byte has left.
    static let size = 12 << 20
    private static let buffer = 65_536

    @Test("field 19: goes on at the offset that the registry reports", arguments: [1 << 20, 5 << 20])
    func resumes(after held: Int) async throws {
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: Int64(held))))
            let error = try await registryError { try await bench.upload(blob, keeper: keeper) }
            #expect(error?.disposition == .retry)
            #expect(error?.code == "connection-broken")
            #expect(bench.methods == ["POST", "PUT"])

            let result = try await bench.upload(blob, keeper: keeper)
            #expect(bench.methods == ["POST", "PUT", "GET", "PATCH", "PUT"])
            #expect(result.bytesSent == blob.size - Int64(held))
            #expect(bench.registry.bodyBytes(for: blob.digest) == blob.size)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test(
        "asks how far it got, and goes on, where a pooled connection broke before much of it can have been read",
        arguments: [2, 10_000])
    func losesPooledConnection(after held: Int) async throws {
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: Int64(held))))
            try await bench.upload(blob)
            #expect(bench.methods == ["POST", "PUT", "GET", "PATCH", "PUT"])
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.bodyBytes(for: blob.digest) == blob.size, "no byte twice")
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("ends its attempt where the connection of its own breaks too")
    func losesOwnConnection() async throws {
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            bench.registry.faults.add(Fault(.uploadBody, times: .max, .cut(afterBodyBytes: 2)))
            let error = try await registryError { try await bench.upload(blob) }
            #expect(error?.code == "connection-broken")
            #expect(bench.methods == ["POST", "PUT", "GET", "PATCH"])
        }
    }

    @Test("has told where to go on before the first body byte is sent")
    func tellsFirst() async throws {
        let gate = TestGate()
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .stall(afterBodyBytes: 0, until: gate)))
            let registry = bench.registry
            let upload = Task { try await bench.upload(blob, keeper: keeper) }
            try await registry.waitUntil("the body to begin") { registry.count(of: .uploadBody) == 1 }
            let kept = try #require(keeper.session)
            #expect(kept.offset == 0)
            #expect(registry.requests(.uploadBody)[0].target.hasPrefix(kept.location.target))
            upload.cancel()
            await #expect(throws: CancellationError.self) { try await upload.value }
            gate.open()
            try await registry.waitUntil("the registry to notice") { registry.requests(.uploadBody)[0].endedAt != nil }

            try await bench.upload(blob, keeper: keeper)
            #expect(registry.content(of: blob.digest) == blob.bytes)
            #expect(keeper.session == nil)
            #expect(registry.openUploads(in: "team/app") == 0)
        }
    }

    @Test("field 17: starts anew where the session dies with a broken body, and remembers that")
    func learnsFromLostSession() async throws {
        try await Bench.with(.distribution2, receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 1 << 20)))
            _ = try await registryError { try await bench.upload(blob, keeper: keeper) }
            #expect(keeper.facts.values.isEmpty)
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.methods == ["POST", "PUT", "GET", "HEAD", "POST", "PUT"])
            #expect(keeper.facts.values == [.brokenBody(losesSession: true)])
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty)
        }
    }

    @Test("field 17: in chunks, a graceful stop ends at a chunk's end and loses nothing")
    func stopsBetweenChunks() async throws {
        try await Bench.with(.distribution2, receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            let registry = bench.registry
            await #expect(throws: CancellationError.self) {
                try await bench.upload(
                    blob, keeper: keeper, style: .chunked(4 << 20),
                    isStopping: { registry.requests(.uploadBody).contains { $0.status == 202 } })
            }
            #expect(bench.methods == ["POST", "PATCH"])
            try await bench.upload(blob, keeper: keeper, style: .chunked(4 << 20))
            #expect(bench.methods == ["POST", "PATCH", "GET", "PATCH", "PATCH", "PUT"])
            #expect(registry.uploadedBytes == blob.size)
            #expect(registry.content(of: blob.digest) == blob.bytes)
        }
    }

    @Test("a session that has expired is replaced after a look for the blob")
    func replacesExpiredSession() async throws {
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 1 << 20)))
            _ = try await registryError { try await bench.upload(blob, keeper: keeper) }
            bench.registry.expireUploads()
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.methods == ["POST", "PUT", "GET", "HEAD", "POST", "PUT"])
            #expect(keeper.session == nil)
        }
    }

    @Test("a session whose blob was stored meanwhile sends nothing more")
    func findsTheBlob() async throws {
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 1 << 20)))
            _ = try await registryError { try await bench.upload(blob, keeper: keeper) }
            bench.registry.expireUploads()
            try bench.registry.addBlob(blob.bytes, to: "team/app")
            let result = try await bench.upload(blob, keeper: keeper)
            #expect(result == BlobUploadResult(wasFound: true, bytesSent: 0))
            #expect(bench.methods == ["POST", "PUT", "GET", "HEAD"])
            #expect(keeper.session == nil)
        }
    }

    @Test(
        "field 23: 0-0, no Range and a Range beyond what was sent are no offset to go on from",
        arguments: [
            "0-0", nil, "0-99999999", "5-3", "garbage",
        ])
    func distrustsTheRange(_ range: String?) async throws {
        try await Bench.with(receiveBuffer: Self.buffer) { bench in
            let blob = try bench.blob(Self.size)
            let keeper = Keeper()
            bench.registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 1 << 20)))
            _ = try await registryError { try await bench.upload(blob, keeper: keeper) }
            bench.registry.faults.add(
                Fault(.uploadStatus, range.map { .setHeader("Range", $0) } ?? .removeHeader("Range")))
            try await bench.upload(blob, keeper: keeper)
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            // "0-0" here was a lie, and going on from 0 is what it asks for.
            #expect(bench.registry.violations.allSatisfy { range == "0-0" && $0.kind == .overlap })
        }
    }

    @Test("goes through whatever breaks by chance, and every byte is right", arguments: 1...12)
    func survivesChance(seed: Int) async throws {
        let profiles: [TestRegistry.Profile] = [.distribution3, .distribution2, .ecr, .gitea, .zotOld, .google]
        try await Bench.with(profiles[seed % profiles.count]) { bench in
            let blob = try bench.blob(6 << 20, seed: UInt64(seed))
            let keeper = Keeper()
            bench.registry.faults.setRandom(
                RandomFaults(seed: UInt64(seed), cut: 0.3, serverError: 0.1, loseAnswer: 0.1, expireSession: 0.05))
            let style: UploadStyle = seed % 2 == 0 ? .whole : .chunked(5 << 19)
            var attempts = 0
            while true {
                attempts += 1
                guard attempts < 200 else {
                    Issue.record("no success in 200 attempts")
                    return
                }
                let error = try await registryError { try await bench.upload(blob, keeper: keeper, style: style) }
                guard let error else { break }
                #expect(error.disposition == .retry || error.disposition == .retryRegistry, "\(error)")
            }
            #expect(bench.registry.content(of: blob.digest) == blob.bytes)
            #expect(bench.registry.violations.isEmpty, "\(bench.registry.violations)")
            #expect(keeper.session == nil)
        }
    }
}
