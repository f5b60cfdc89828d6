import HTTP
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

    @Test("names no more blobs and manifests than any image has, and reads none that is too large")
    func limits() async throws {
        try await TestRegistry.with { registry in
            let client = try RegistryClient(
                domain: registry.address, settings: RegistrySettings(), http: HTTPClient(), credentials: NoCredentials()
            )
            func walk(_ tag: String, _ limits: RemoteWalk.Limits) async throws -> (Int, [VerificationReport.Problem]) {
                let root = try #require(try await client.manifest("r", .tag(tag)))
                var report = VerificationReport(
                    reference: try ImageReference(parsing: registry.address + "/r:" + tag), level: .manifest)
                let blobs = try await RemoteWalk(client: client, repository: "r", limits: limits)
                    .walk(from: root, into: &report)
                return (blobs.count, report.problems)
            }
            let children = (1...6).map { number in
                let image = manifest(layers: [7, 7, 7, 7], seed: number)
                let digest = registry.addManifest(image, mediaType: .ociManifest, to: "r")
                return (digest: digest, type: MediaType.ociManifest, size: image.count)
            }
            registry.addManifest(index(of: children), mediaType: .ociIndex, to: "r", tag: "1")
            #expect(try await walk("1", .init()).0 == 30)
            let (blobs, tooMany) = try await walk("1", .init(blobs: 12))
            #expect(blobs == 12)
            #expect(tooMany.map(\.message) == ["it names more than 12 blobs: the others were not looked at"])
            let asked = registry.requests(.manifest, method: "GET").count
            let (_, cut) = try await walk("1", .init(manifests: 4))
            #expect(cut.map(\.message) == ["it names more than 4 manifests: the others were not looked at"])
            #expect(registry.requests(.manifest, method: "GET").count == asked + 1 + 4)
            // One that is said to be larger than any manifest is not even asked for.
            let huge = [(digest: Digest(of: [9]), type: MediaType.ociManifest, size: 5 << 20)]
            registry.addManifest(index(of: huge), mediaType: .ociIndex, to: "r", tag: "2")
            let before = registry.requests(.manifest, method: "GET").count
            #expect(try await walk("2", .init()).1.map(\.kind) == [.unreadable])
            #expect(registry.requests(.manifest, method: "GET").count == before + 1)
        }
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
