import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

/// What a registry says of an image is only a claim.
@Suite("Verifying an image that a registry made up")
struct VerifyTests {
    private func manifest(layers: [Int64]) -> [UInt8] {
        func blob(_ number: Int, _ size: Int64) -> String {
            let digest = Digest(of: Array("\(number)".utf8))
            return #"{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"\#(digest)","size":\#(size)}"#
        }
        let parts = layers.enumerated().map { blob($0.offset + 1, $0.element) }.joined(separator: ",")
        return Array(
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":\#(blob(0, 2)),"layers":[\#(parts)]}"#
                .utf8)
    }

    private func index(of children: [(digest: Digest, type: MediaType, size: Int)]) -> [UInt8] {
        let list = children.map { #"{"mediaType":"\#($0.type)","digest":"\#($0.digest)","size":\#($0.size)}"# }
        return Array(
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[\#(list.joined(separator: ","))]}"#
                .utf8)
    }

    @Test("of the largest sizes that there are names what is missing")
    func sizes() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let most = Descriptor.maximumSize
                registry.addManifest(manifest(layers: [most, most]), mediaType: .ociManifest, to: "r", tag: "1")
                let reference = try ImageReference(parsing: registry.address + "/r:1")
                let report = try #require(
                    try await bench.publisher.verify(reference, against: nil, level: .blobs))
                #expect(report.bytes == 2 * most + 2 && report.blobs == 3)
                #expect(report.problems.map(\.kind) == [.missingBlob, .missingBlob, .missingBlob])
                registry.addManifest(manifest(layers: [.max]), mediaType: .ociManifest, to: "r", tag: "2")
                let larger = try #require(
                    try await bench.publisher.verify(reference.withTag("2"), against: nil, level: .blobs))
                #expect(larger.problems.map(\.kind) == [.unreadable])
            }
        }
    }

    @Test("asks once for each manifest, however often indexes name it")
    func repeated() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let image = manifest(layers: [7])
                var child = (
                    digest: registry.addManifest(image, mediaType: .ociManifest, to: "r"), type: MediaType.ociManifest,
                    size: image.count
                )
                for level in 0..<5 {
                    let bytes = index(of: Array(repeating: child, count: 4))
                    let tag = level == 4 ? "1" : nil
                    let digest = registry.addManifest(bytes, mediaType: .ociIndex, to: "r", tag: tag)
                    child = (digest, .ociIndex, bytes.count)
                }
                let reference = try ImageReference(parsing: registry.address + "/r:1")
                let report = try #require(
                    try await bench.publisher.verify(reference, against: nil, level: .manifest))
                #expect(report.isVerified)
                #expect(registry.requests(.manifest, method: "GET").count == 6)
            }
        }
    }
}
