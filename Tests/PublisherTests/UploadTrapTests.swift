import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// Traps of uploads that other tools fell into, at the level where job, queue and registry meet; single answers are
/// tried in the tests of the upload itself. The numbers are those of `docs/registries.md`.
@Suite("A push through the traps of uploads", .timeLimit(.minutes(2)))
struct UploadTrapTests {
    /// A kind of registry, and what becomes there of a body that broke off.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let profile: RegistryProfile
    }

    private static let kinds = [
        Kind(testDescription: "distribution 3", profile: .distribution3),
        Kind(testDescription: "distribution 2", profile: .distribution2),
        Kind(testDescription: "ECR", profile: .ecr),
        Kind(testDescription: "GHCR", profile: .ghcr),
        Kind(testDescription: "Google", profile: .google),
        Kind(testDescription: "Gitea", profile: .gitea),
        Kind(testDescription: "zot, old", profile: .zotOld),
    ]

    private static func path(_ request: RecordedRequest) -> String { String(request.target.prefix { $0 != "?" }) }

    /// Bodies to uploads whose last body had broken off, with no question in between.
    private static func blindRepeats(_ registry: TestRegistry) -> [String] {
        var broken: Set<String> = []
        var repeats: [String] = []
        for request in registry.requests {
            switch request.kind {
            case .uploadStatus: broken.remove(path(request))
            case .uploadBody:
                if broken.contains(path(request)) { repeats.append(request.line) }
                if request.status == nil { broken.insert(path(request)) }
            default: break
            }
        }
        return repeats
    }

    /// What the queue's database says of the registry.
    private static func facts(_ bench: Bench, _ registry: TestRegistry) async throws -> [String: String] {
        let facts = try await bench.queue.facts(registry: registry.address)
        return Dictionary(facts.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    @Test("takes one attempt where each connection ends after one answer, without a word")
    func oneRequestAConnection() async throws {
        try await TestRegistry.with(beside: { exchange in
            exchange.endsConnectionUnsaid = true
            return false
        }) { registry in
            try await Bench.with { bench in
                let layers = try (1...3).map { try bench.builder.addLayer(size: 20_000, seed: $0) }
                try bench.image("app:1", layers: layers)
                let ended = try await bench.publish("app:1", to: "\(registry.address)/team/app:1")
                #expect(ended.job.attempts == 1)
                #expect(ended.job.failures == 0)
                #expect(Self.blindRepeats(registry).isEmpty)
                #expect(registry.violations.isEmpty)
            }
        }
    }

    @Test("field 17: where a broken body loses all, chunks are sent after a restart, and a finished one is never lost")
    func chunksAfterLoss() async throws {
        try await TestRegistry.with(profile: .distribution2, receiveBuffer: 16_384) { registry in
            try await TemporaryDirectory.with { directory in
                try await Bench.with(in: directory, { $0.chunkSize = 100_000 }) { bench in
                    let layer = try bench.builder.addLayer(size: 450_000, seed: 1)
                    try bench.image("app:1", layers: [layer])
                    registry.faults.add(Fault(.uploadBody, minimumBody: 450_000, .cut(afterBodyBytes: 250_000)))
                    try await bench.publish("app:1", to: registry.address + "/r:1")
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size + 250_000)
                    #expect(try await Self.facts(bench, registry)["broken-body-loses-session"] == "yes")
                }
                try await Bench.with(in: directory, { $0.chunkSize = 100_000 }) { bench in
                    let layer = try bench.builder.addLayer(size: 450_000, seed: 2)
                    try bench.image("app:2", layers: [layer])
                    // The third piece never arrives: what is held ends with the second.
                    let cut = registry.faults.add(
                        Fault(.uploadBody, minimumBody: 50_000, nth: 3, .cut(afterBodyBytes: 0)))
                    let ended = try await bench.publish("app:2", to: registry.address + "/r:2")
                    #expect(registry.faults.fired(cut) == 1)
                    // libcurl itself repeats what dies on a connection that was used before.
                    #expect(ended.job.attempts <= 2)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                    #expect(Set(registry.requests(.uploadBody, method: "PATCH").map(Self.path)).count == 1)
                }
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("field 18: a Range that never moves and a broken chunk cost that chunk alone, also in the next attempt")
    func stuckRange() async throws {
        // 100 kB stand for ECR's 5 MiB; the proxy's limit forces pieces.
        let profile = RegistryProfile.ecr.with {
            $0.minimumChunk = 100_000
            $0.maximumBody = 150_000
        }
        try await TestRegistry.with(profile: profile, receiveBuffer: 16_384) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 450_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                // The first PATCH is refused for its size. After the first cut the attempt goes on, with a new connection.
                let cut = registry.faults.add(
                    Fault(.uploadBody, method: "PATCH", nth: 4, times: 2, .cut(afterBodyBytes: 50_000)))
                let ended = try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.faults.fired(cut) == 2)
                #expect(ended.job.attempts == 2)
                let taken = registry.requests(.uploadBody, method: "PATCH").filter { $0.status == 201 }
                #expect(
                    taken.map { $0.header("Content-Range") }
                        == ["0-112499", "112500-224999", "225000-337499", "337500-449999"])
                #expect(registry.bodyBytes(for: layer.digest) == layer.size + 100_000)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test(
        "field 19: after a broken body asks for the offset or opens a new upload, and never sends to the old one blindly",
        arguments: kinds)
    func neverRepeatsBlindly(_ kind: Kind) async throws {
        try await TestRegistry.with(profile: kind.profile, receiveBuffer: 16_384) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 500_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let cut = registry.faults.add(
                    Fault(.uploadBody, minimumBody: 50_000, times: 3, .cut(afterBodyBytes: 40_000)))
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.faults.fired(cut) == 3)
                #expect(registry.requests(.uploadBody).count { $0.status == nil } == 3, "a broken body is seen")
                #expect(Self.blindRepeats(registry) == [])
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("field 20: an upload that is ended again and again, as by a time limit, gets on, and no end is a failure")
    func timeLimit() async throws {
        try await TestRegistry.with(profile: .ghcr, receiveBuffer: 16_384) { registry in
            try await Bench.with({ $0.retry.maximumFailures = 3 }) { bench in
                let layer = try bench.builder.addLayer(size: 900_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let cut = registry.faults.add(
                    Fault(.uploadBody, minimumBody: 140_001, times: .max, .cut(afterBodyBytes: 140_000)))
                let ended = try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.faults.fired(cut) == 6)
                #expect(ended.job.attempts == 7, "three failures in a row would have ended it")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("field 22: a proxy's 413 to PUT and PATCH leads to chunks that fit, and a restart knows them")
    func proxyLimit() async throws {
        try await TestRegistry.with(profile: .proxyCapped(100_000)) { registry in
            try await TemporaryDirectory.with { directory in
                try await Bench.with(in: directory) { bench in
                    let layer = try bench.builder.addLayer(size: 450_000, seed: 1)
                    try bench.image("app:1", layers: [layer])
                    let ended = try await bench.publish("app:1", to: registry.address + "/r:1")
                    #expect(ended.job.attempts == 1, "nobody is asked, and no attempt fails")
                    let refused = registry.requests(.uploadBody).filter { $0.status == 413 }
                    #expect(refused.map(\.method) == ["PUT", "PATCH", "PATCH"])
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                    #expect(try await Self.facts(bench, registry)["maximum-body"] == "56250")
                }
                let seen = registry.requests.count
                try await Bench.with(in: directory) { bench in
                    let layer = try bench.builder.addLayer(size: 450_000, seed: 2)
                    try bench.image("app:2", layers: [layer])
                    try await bench.publish("app:2", to: registry.address + "/r:2")
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
                #expect(registry.requests.dropFirst(seen).allSatisfy { $0.status != 413 })
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test(
        "field 26: a blob that shows only after the attempt that sent it had failed is found, and not sent again",
        arguments: [502, 504, 500])
    func lateCommit(status: Int) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.registry.commitPatience = .zero }) { bench in
                let layer = try bench.builder.addLayer(size: 450_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                registry.faults.add(Fault(.uploadBody, minimumBody: 450_000, .hideCommit(looks: 1)))
                registry.faults.add(
                    Fault(.uploadBody, minimumBody: 450_000, .replaceAnswer(.proxyPage(status, "Gateway"))))
                let ended = try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(ended.job.attempts > 1)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                let end = try #require(registry.requests.firstIndex { $0.status == status })
                #expect(registry.requests[end + 1].line.hasPrefix("HEAD /v2/r/blobs/\(layer.digest)"))
            }
        }
    }

    @Test("field 27: a success that means nothing, and refusals of valid data, are survived in one attempt")
    func flakes() async throws {
        try await TestRegistry.with(profile: .noMount) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let faults = [
                    Fault(.uploadStart, nth: 3, .respond(Answer(200, "Healthcheck requested"))),
                    Fault(.uploadBody, minimumBody: 200_000, .respond(.refusal(400, "BLOB_UPLOAD_INVALID"))),
                    Fault(.manifest, method: "PUT", .respond(.refusal(400, "MANIFEST_INVALID"))),
                ].map { registry.faults.add($0) }
                let ended = try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(faults.map { registry.faults.fired($0) } == [1, 1, 1])
                #expect(ended.job.attempts == 1)
            }
        }
    }

    @Test("field 29: no body byte of an image is sent before the login is known", arguments: [false, true])
    func logsInFirst(isBroken: Bool) async throws {
        try await TestRegistry.with(authentication: .bearer(TestTokenService()), receiveBuffer: 16_384) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 500_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                if isBroken {
                    registry.faults.add(Fault(.uploadBody, minimumBody: 500_000, .cut(afterBodyBytes: 100_000)))
                }
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(registry.requests.first?.status == 401, "it wants a login")
                let bodies = registry.requests.filter { ["PUT", "PATCH"].contains($0.method) }
                #expect(bodies.allSatisfy { $0.header("Authorization") != nil && $0.status != 401 })
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }
}
