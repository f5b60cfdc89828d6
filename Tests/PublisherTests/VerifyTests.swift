import Glibc
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// What a registry says of an image is only a claim.
@Suite("Verifying an image that a registry made up")
struct VerifyTests {
    private func manifest(layers: [Int64], seed: Int = 0) -> [UInt8] {
        func blob(_ number: Int, _ size: Int64) -> String {
            let digest = Digest(of: Array((seed == 0 ? "\(number)" : "\(seed)-\(number)").utf8))
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

    @Test(
        "reads few manifests at a time, and names no more blobs and manifests than any image has",
        .timeLimit(.minutes(3)))
    func large() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                // Each as large as registries take, and each with other layers.
                let count = 24
                let children = (0..<count).map { number in
                    let image = manifest(layers: Array(repeating: 7, count: 24_000), seed: number)
                    let digest = registry.addManifest(image, mediaType: .ociManifest, to: "r")
                    return (digest: digest, type: MediaType.ociManifest, size: image.count)
                }
                #expect(children.allSatisfy { $0.size > 3 << 20 && $0.size <= 4 << 20 }, "\(children[0].size)")
                registry.addManifest(index(of: children), mediaType: .ociIndex, to: "r", tag: "1")
                let reference = try ImageReference(parsing: registry.address + "/r:1")
                let before = Self.peakMemory()
                let report = try #require(
                    try await bench.publisher.verify(reference, against: nil, level: .manifest))
                #expect(report.problems.map(\.kind) == [.unreadable])
                #expect(report.problems.first?.message.contains("more than 50000 blobs") == true)
                #expect(registry.requests(.manifest, method: "GET").count == count + 1)
                let grown = (Self.peakMemory() - before) >> 20
                #expect(grown < 250, "\(grown) MiB more")

                let many = (0..<1200).map { number in
                    (digest: Digest(of: Array("\(number)".utf8)), type: MediaType.ociManifest, size: 7)
                }
                registry.addManifest(index(of: many), mediaType: .ociIndex, to: "r", tag: "2")
                let cut = try #require(
                    try await bench.publisher.verify(reference.withTag("2"), against: nil, level: .manifest))
                #expect(cut.problems.count == 1001)
                #expect(cut.problems.contains { $0.message.contains("more than 1000 manifests") })
                // One that is said to be larger than any manifest is not even asked for.
                let huge = [(digest: Digest(of: [9]), type: MediaType.ociManifest, size: 5 << 20)]
                registry.addManifest(index(of: huge), mediaType: .ociIndex, to: "r", tag: "3")
                let asked = registry.requests(.manifest, method: "GET").count
                let refused = try #require(
                    try await bench.publisher.verify(reference.withTag("3"), against: nil, level: .manifest))
                #expect(refused.problems.map(\.kind) == [.unreadable])
                #expect(registry.requests(.manifest, method: "GET").count == asked + 1)
            }
        }
    }

    /// Of this process, in bytes.
    private static func peakMemory() -> Int {
        var usage = rusage()
        getrusage(0, &usage)  // RUSAGE_SELF
        return usage.ru_maxrss << 10
    }

    @Test("asks for the right to read, and for no more")
    func scopes() async throws {
        let service = TestTokenService(user: "ann", password: "secret")
        let login = OneLogin(user: "ann", password: Secret("secret"), origin: "a test")
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            try await Bench.with(credentials: login) { bench in
                registry.addManifest(manifest(layers: [7]), mediaType: .ociManifest, to: "r", tag: "1")
                let reference = try ImageReference(parsing: registry.address + "/r:1")
                _ = try await bench.publisher.verify(reference, against: nil, level: .deep)
                _ = try await bench.publisher.inspect(reference, withPlatforms: true)
                _ = try await bench.publisher.tags(of: reference, limit: nil).next()
                let targets = registry.requests(.token).map(\.target)
                #expect(!targets.isEmpty)
                #expect(targets.allSatisfy { $0.contains("repository:r:pull") && !$0.contains("push") }, "\(targets)")
                // A push asks for what it needs.
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                try await bench.publish("app:1", to: registry.address + "/r:2")
                #expect(registry.requests(.token).contains { $0.target.contains("push") })
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
