import OCI
import TestSupport
import Testing

/// What a push costs the registry, counted at the registry.
@Suite("The cost of a push")
struct CostTests {
    @Test(
        "is 3+2N requests for N new blobs, one for a tag that has the digest, two for a second tag; verification included"
    )
    func requests() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            for name in ["first", "app"] {
                let seed = UInt64(name.utf8.count)
                let layers = try (0..<3).map { try builder.addLayer(size: 200_000, seed: seed * 10 + $0) }
                try builder.addImage(layers: layers, name: "\(name):1", label: name)
            }
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    var seen = 0
                    func cost(_ image: String, _ destination: String) async throws -> Int {
                        let push = try await machine.pushctl("push", image, registry.address + destination)
                        #expect(push.status == 0, "\(push.errors)")
                        defer { seen = registry.requests.count }
                        return registry.requests.count - seen
                    }
                    let blobs = 4
                    // The very first push to a registry learns, with one request, what can be asked of it.
                    #expect(try await cost("first:1", "/team/first:1") <= 4 + 2 * blobs)
                    #expect(try await cost("app:1", "/team/app:1") <= 3 + 2 * blobs, "\(registry.requests.map(\.line))")
                    #expect(try await cost("app:1", "/team/app:1") == 1)
                    #expect(try await cost("app:1", "/team/app:2") == 2)
                    #expect(try await cost("app:1", "/team/app:2") == 1)
                    #expect(registry.tags("team/app").count == 2)
                    #expect(registry.violations.isEmpty, "\(registry.violations)")
                }
            }
        }
    }

    @Test("is the layers' bytes once for ten images that share them, to ten repositories")
    func tenSharing() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let shared = try (1...4).map { try builder.addLayer(size: 500_000, seed: UInt64($0)) }
            var own: [Descriptor] = []
            for number in 0..<10 {
                own.append(try builder.addLayer(size: 20_000, seed: UInt64(100 + number)))
                try builder.addImage(layers: shared + [own[number]], name: "app\(number):1")
            }
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    var jobs: [Int] = []
                    for number in 0..<10 {
                        jobs.append(try await machine.enqueue("app\(number):1", "\(registry.address)/r\(number)/app:1"))
                    }
                    for job in jobs { #expect(try await machine.pushctl("wait", String(job)).status == 0) }
                    for layer in shared + own {
                        #expect(registry.bodyBytes(for: layer.digest) == layer.size, "\(layer.digest)")
                    }
                    for number in 0..<10 { #expect(registry.tags("r\(number)/app").count == 1) }
                    #expect(registry.violations.isEmpty, "\(registry.violations)")
                }
            }
        }
    }
}
