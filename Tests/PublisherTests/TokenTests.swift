import Glibc
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

@Suite("A push whose tokens")
struct TokenTests {
    /// `PUSHD_TEST_LAYER_MIB` makes it smaller or larger.
    private static var size: Int {
        (getenv("PUSHD_TEST_LAYER_MIB").flatMap { Int(String(cString: $0)) } ?? 2048) << 20
    }

    /// How the registry takes the layer.
    enum Way: CaseIterable { case wholeBodies, chunks }

    @Test("end every five seconds sends each byte of 2 GiB once", arguments: Way.allCases)
    func bigLayer(_ way: Way) async throws {
        let service = TestTokenService().with {
            $0.expiresIn = 5
            $0.lifetime = .seconds(5)
            // The hardest kind: also what is under way ends with its token.
            $0.endsBodies = way == .wholeBodies
        }
        let profile = RegistryProfile.distribution3.with { if way == .chunks { $0.maximumBody = 64 << 20 } }
        try await TestRegistry.with(
            profile: profile, authentication: .bearer(service), verifiesDigests: false, keepsContent: false
        ) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addSparseLayer(size: Self.size)
                try bench.image("big:1", layers: [layer])
                // Slow enough for some tokens to end on the way.
                registry.faults.add(
                    Fault(.uploadBody, minimumBody: 1 << 20, times: .max, .slow(bytesPerSecond: 160 << 20)))
                let start = ContinuousClock.now
                let ended = try await bench.publish("big:1", to: registry.address + "/r:1")
                let took = ContinuousClock.now - start
                let refused = registry.requests(.uploadBody).count { $0.status == 401 }
                print(
                    "2 GiB, \(way): \(took), \(registry.count(of: .token)) tokens,",
                    "\(registry.count(of: .uploadBody)) bodies, \(refused) of them ended by 401,",
                    "\(registry.bodyBytes(for: layer.digest) - layer.size) bytes too many")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                #expect(ended.job.attempts == 1)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
                if Self.size >= 2 << 30 { #expect(registry.count(of: .token) >= 3, "some have ended") }
                // A chunk is sent with a token that outlives it; a body of 2 GiB can't be.
                if way == .chunks { #expect(refused == 0) }
            }
        }
    }

    @Test("come empty, with 200, waits for the token server and goes on when it is mended")
    func emptyToken() async throws {
        let service = TestTokenService()
        try await TestRegistry.with(authentication: .bearer(service.with { $0.sendsEmptyToken = true })) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let id = try await bench.push("app:1", to: registry.address + "/r:1")
                try await registry.waitUntil("three tries") { registry.count(of: .token) >= 3 }
                let waiting = try #require(try await bench.publisher.snapshot(id)).job
                #expect(waiting.error?.code == "token-server-down", "\(String(describing: waiting.error))")
                #expect(registry.count(of: .uploadStart) == 0, "nothing goes without a login")
                registry.setAuthentication(.bearer(service))
                let ended = try await bench.settled(id)
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
            }
        }
    }
}
