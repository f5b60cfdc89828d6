import OCI
import TestSupport
import Testing

/// What a push costs the registry, counted at the registry.
@Suite("The cost of a push")
struct CostTests {
    @Test("is one request for a tag that has the digest, and two for a second tag")
    func nothingToDo() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(
                layers: [try builder.addLayer(size: 200_000, seed: 1), try builder.addLayer(size: 300_000, seed: 2)],
                name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let repository = registry.address + "/team/app"
                    let first = try await machine.pushctl("push", "app:1", repository + ":1", "--verify", "none")
                    #expect(first.status == 0, "\(first.errors)")
                    let cold = registry.requests.count
                    #expect(cold <= 3 + 2 * 3, "\(registry.requests.map(\.line))")

                    #expect(try await machine.pushctl("push", "app:1", repository + ":1").status == 0)
                    #expect(registry.requests.count == cold + 1, "\(registry.requests[cold...].map(\.line))")

                    #expect(
                        try await machine.pushctl("push", "app:1", repository + ":2", "--verify", "none").status == 0)
                    #expect(registry.requests.count == cold + 3, "\(registry.requests[cold...].map(\.line))")
                    #expect(registry.tags("team/app").count == 2)
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
