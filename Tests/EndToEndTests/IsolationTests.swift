import OCI
import TestSupport
import Testing

@Suite("A registry that is well")
struct IsolationTests {
    /// Ways to hold on to a connection for ever.
    enum Hold: CaseIterable, Sendable { case silent, trickling }

    @Test("is pushed to at once while two others hold all that they are given", arguments: Hold.allCases)
    func twoHold(hold: Hold) async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            for number in 0..<20 {
                let layer = try builder.addLayer(size: 100_000, seed: UInt64(number))
                try builder.addImage(layers: [layer], name: "app:\(number)")
            }
            try builder.writeIndexJSON()
            try await TestRegistry.with(receiveBuffer: 4096) { first in
                try await TestRegistry.with(receiveBuffer: 4096) { second in
                    try await TestRegistry.with { well in
                        let gate = TestGate()
                        defer { gate.open() }
                        for registry in [first, second] {
                            switch hold {
                            case .silent: registry.faults.add(Fault(nil, times: .max, .stallAnswer(until: gate)))
                            case .trickling:
                                registry.faults.add(Fault(.uploadBody, times: .max, .slow(bytesPerSecond: 1)))
                            }
                        }
                        try await machine.withDaemon("") { _ async throws in
                            for registry in [first, second] {
                                for number in 0..<20 {
                                    _ = try await machine.enqueue("app:\(number)", "\(registry.address)/r\(number):1")
                                }
                            }
                            // All that two may have: 28 jobs, or of the bodies six.
                            let held = hold == .silent ? 28 : 6
                            try await eventually("the two hold all that they get") {
                                let asked = [first, second].map { registry in
                                    hold == .silent ? registry.requests.count : registry.count(of: .uploadBody)
                                }
                                return asked.reduce(0, +) >= held
                            }
                            let start = ContinuousClock.now
                            for number in 0..<20 {
                                let push = try await machine.pushctl(
                                    "push", "app:\(number)", "\(well.address)/r\(number):1")
                                #expect(push.status == 0, "\(push.errors)")
                            }
                            #expect(ContinuousClock.now - start < .seconds(50), "before anything times out")
                        }
                    }
                }
            }
        }
    }
}
