import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

/// Layers whose type says that they may not be distributed.
@Suite("A push of layers that are not distributed", .timeLimit(.minutes(2)))
struct WithheldLayerTests {
    private static let type = MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")

    /// An image of one such layer and an ordinary one; returns the first.
    private static func image(_ bench: Bench, urls: [String]?, isLocal: Bool = true) throws -> Descriptor {
        let layer = try bench.builder.addLayer(size: 3000, seed: 1, mediaType: type)
        if !isLocal { try TestFiles.remove(bench.builder.path(of: layer.digest)) }
        let listed = Descriptor(mediaType: type, digest: layer.digest, size: layer.size, urls: urls)
        try bench.image("win:1", layers: [listed, try bench.builder.addLayer(size: 300, seed: 2)])
        return layer
    }

    private static let addresses = ["https://elsewhere.test/layer"]

    @Test("without an address sends them like any other")
    func withoutAddress() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try Self.image(bench, urls: nil)
                try await bench.publish("win:1", to: registry.address + "/r:1")
                #expect(registry.hasBlob(layer.digest, in: "r"))
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("with an address leaves them out")
    func withAddress() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try Self.image(bench, urls: Self.addresses)
                try await bench.publish("win:1", to: registry.address + "/r:1")
                #expect(!registry.hasBlob(layer.digest, in: "r"))
                #expect(registry.manifest("r", "1") != nil)
            }
        }
    }

    /// What a registry says that misses the layer.
    enum Words: CaseIterable {
        /// distribution 2.8: its complaint of the address has no code, so the status is 500.
        case distribution2
        case namesIt, namesNothing

        func answer(_ layer: Digest) -> Answer {
            let json = [("Content-Type", "application/json")]
            return switch self {
            case .distribution2:
                Answer(
                    500, headers: json,
                    #"{"errors":[{"code":"UNKNOWN","message":"unknown error"},"#
                        + #"{"code":"UNKNOWN","message":"unknown error","detail":{}},"#
                        + #"{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","detail":"\#(layer)"}]}"#
                )
            case .namesIt: .refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown: \(layer)")
            case .namesNothing: .refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
            }
        }
    }

    @Test("that a registry wants all the same fails for good, and says whose they are", arguments: Words.allCases)
    func wanted(_ words: Words) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try Self.image(bench, urls: Self.addresses)
                registry.faults.add(
                    Fault(.manifest, method: "PUT", times: .max, .respond(words.answer(layer.digest))))
                let ended = try await bench.settled(try await bench.push("win:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .failed)
                #expect(ended.job.attempts == 1)
                let error = try #require(ended.job.error)
                #expect(error.code == "manifest-refused")
                #expect(error.message.contains("may not be distributed: sha256:\(layer.digest.hex.prefix(12))"))
                #expect(error.advice?.contains("validation.manifests.urls") == true)
                let puts = registry.requests.count { $0.kind == .manifest && $0.method == "PUT" }
                #expect(puts == (words == .namesNothing ? 2 : 1), "sending again is no use where just they are named")
            }
        }
    }

    @Test("that are nowhere advises to copy the image anew")
    func nowhere() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try Self.image(bench, urls: nil, isLocal: false)
                registry.faults.add(
                    Fault(.manifest, method: "PUT", times: .max, .respond(Words.namesIt.answer(layer.digest))))
                let ended = try await bench.settled(try await bench.push("win:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .failed)
                #expect(ended.job.error?.code == "manifest-refused")
                #expect(
                    ended.job.error?.advice?.hasPrefix("they have no address and are not in the local store") == true)
            }
        }
    }

    @Test("whose registry misses another blob sends that again")
    func otherMissing() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                _ = try Self.image(bench, urls: Self.addresses)
                let ordinary = try bench.builder.addLayer(size: 300, seed: 2)
                registry.faults.add(
                    Fault(.manifest, method: "PUT", .respond(Words.namesIt.answer(ordinary.digest))))
                try await bench.publish("win:1", to: registry.address + "/r:1")
                #expect(registry.manifest("r", "1") != nil)
            }
        }
    }
}
