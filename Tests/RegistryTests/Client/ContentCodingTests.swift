import HTTP
import OCI
import Registry
import TestSupport
import Testing

/// Servers that code their answers although `identity` alone is asked for.
@Suite("Content in a coding that was not asked for", .timeLimit(.minutes(2)))
struct UnwantedCodingTests {
    /// `{"a":1}` and a line end, by gzip.
    private static let coded: [UInt8] = [
        0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0x02, 0xFF, 0xAB, 0x56, 0x4A, 0x54, 0xB2, 0x32, 0xAC, 0xE5, 0x02, 0, 0x46,
        0xA3, 0xE8, 0x74, 0x08, 0, 0, 0,
    ]
    private static let document = Array("{\"a\":1}\n".utf8)
    private static let digest = Digest(of: document)

    private func answer(_ body: [UInt8], _ coding: String) -> Answer {
        Answer(
            200, headers: [("Content-Encoding", coding), ("Content-Type", "application/octet-stream")],
            body: .bytes(body))
    }

    @Test("is read decoded")
    func decoded() async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(nil, method: "GET", times: .max, .respond(answer(Self.coded, "gzip"))))
            let size = Int64(Self.document.count)
            #expect(try await bench.client.readBlob("team/app", Self.digest, size: size) == Self.digest)
            #expect(try await bench.client.smallBlob("team/app", Self.digest, limit: 100) == Self.document)
            let manifest = try await bench.client.manifest("team/app", .digest(Self.digest))
            #expect(manifest?.bytes == Self.document)
        }
    }

    @Test("is a blob where the bytes as they come have its digest: storage calls a layer gzip because it is one")
    func mislabelled() async throws {
        try await Bench.with { bench in
            for coding in ["gzip", "aws-chunked"] {
                bench.registry.faults.add(Fault(.blob, times: 3, .respond(answer(Self.coded, coding))))
                let digest = Digest(of: Self.coded)
                let size = Int64(Self.coded.count)
                let found = try await bench.client.readBlob("team/app", digest, size: size)
                #expect(found == digest)
                #expect(bench.registry.requests.last?.header("Accept-Encoding") == "identity")
            }
        }
    }

    @Test("that is not the blob in any way is refused by the coding's name", arguments: ["gzip", "zlop"])
    func refused(coding: String) async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(.blob, times: .max, .respond(answer(Self.coded, coding))))
            let other = Digest(of: [1])
            let error = try await registryError { _ = try await bench.client.readBlob("team/app", other, size: 1) }
            #expect(error?.code == "protocol-violation")
            #expect(error?.description.contains("in the coding \(coding), which was not asked for") == true)
        }
    }

    @Test("does not make a blob absent by the coding's size, nor a manifest of it")
    func sizes() async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(Fault(.blob, method: "HEAD", .respond(answer(Self.coded, "gzip"))))
            guard case .present = try await bench.client.blobPresence("team/app", Self.digest, size: 8) else {
                Issue.record("it is there")
                return
            }
            var head = answer(Self.coded, "gzip")
            head.setHeader("Content-Type", MediaType.ociManifest.rawValue)
            head.setHeader("Docker-Content-Digest", Self.digest.description)
            bench.registry.faults.add(Fault(.manifest, times: 2, .respond(head)))
            #expect(try await bench.client.manifestHead("team/app", .tag("1"))?.size == 8)
            #expect(bench.methods == ["HEAD", "HEAD", "GET"])
        }
    }
}
