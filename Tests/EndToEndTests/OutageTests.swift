import OCI
import TestSupport
import Testing

@Suite("After an outage")
struct OutageTests {
    @Test("the return is noticed within a tenth of it and two seconds, and 200 pushes that waited all go")
    func manyPushes() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 100_000)
            try builder.addImage(layers: [layer], name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                // The settings that people have.
                try await machine.withDaemon("") { _ async throws in
                    registry.pause()
                    let start = ContinuousClock.now
                    for group in 0..<4 {
                        let places = (0..<50).map { "\(registry.address)/r\(group * 50 + $0):1" }
                        #expect(try await machine.pushctl(["push", "-d", "app:1"] + places).status == 0)
                    }
                    // Of those under way when it is found out some fail too; each one more is a probe, which tells the time.
                    func failed() async throws -> Int {
                        try await machine.json("status", "--state", "waiting").first?["jobs"]?.list?.count ?? 0
                    }
                    try await eventually("it was found out") { try await failed() > 0 }
                    let atFirst = try await failed()
                    try await eventually("four more have failed") { try await failed() >= atFirst + 4 }
                    let back = ContinuousClock.now
                    try registry.resume()
                    try await registry.waitUntil("the first question") { !registry.requests.isEmpty }
                    let noticed = try #require(registry.requests.first).at - back
                    #expect(noticed <= (back - start) * 0.1 + .seconds(2), "after \(back - start)")
                    let jobs = (1...200).map(String.init)
                    for part in [jobs[..<100], jobs[100...]] {
                        #expect(try await machine.pushctl(["wait"] + part).status == 0)
                    }
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size, "sent once for all")
                    print(
                        "200 pushes, away for \(back - start): seen after \(noticed), done \(ContinuousClock.now - back)"
                    )
                }
            }
        }
    }
}
