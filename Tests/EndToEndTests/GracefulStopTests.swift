import Glibc
import OCI
import TestSupport
import Testing

@Suite("SIGTERM")
struct GracefulStopTests {
    private static let wide = "limits: { jobs: 32, jobsPerRegistry: 32, uploads: 32, uploadsPerRegistry: 32 }"

    /// How much slower than alone everything goes on a machine that has more to do than it has cores.
    private static var slowness: Double {
        var load = 0.0
        guard getloadavg(&load, 1) == 1 else { return 1 }
        return max(1, load / Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    @Test("ends within five seconds though every push is stuck, counts no attempt, and all go on afterwards")
    func manyRunning() async throws {
        try await Machine.with { machine in
            let count = 16
            let builder = try LayoutBuilder(directory: machine.layout)
            for number in 0..<count {
                let layer = try builder.addLayer(size: 400_000, seed: UInt64(number))
                try builder.addImage(layers: [layer], name: "app:\(number)")
            }
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                // Every body is stuck: of each push the first one, which is the configuration, and maybe the layer too.
                let gate = TestGate()
                registry.faults.add(
                    Fault(.uploadBody, times: .max, .stall(afterBodyBytes: 100_000, until: gate)))
                let daemon = try await machine.start(Self.wide)
                defer { daemon.send(SIGKILL) }
                var jobs: [Int] = []
                for number in 0..<count {
                    jobs.append(try await machine.enqueue("app:\(number)", "\(registry.address)/r\(number):1"))
                }
                try await gate.waitForArrival(count)
                let start = ContinuousClock.now
                daemon.send(SIGTERM)
                let ended = try await daemon.wait(timeout: .seconds(10))
                #expect(ContinuousClock.now - start < .seconds(5) * Self.slowness)
                #expect(ended.status == 0)
                #expect(daemon.errors.contains("stopped"), "\(daemon.errors)")

                registry.faults.removeAll()
                gate.open()
                try await machine.withDaemon(Self.wide) { again async throws in
                    for job in jobs { #expect(try await machine.pushctl("wait", String(job)).status == 0) }
                    for job in try await machine.json("status").first?["jobs"]?.list ?? [] {
                        #expect(job["state"]?.string == "succeeded")
                        #expect(job["attempts"]?.integer == 1, "a stop is no failed attempt: \(job)")
                    }
                    #expect(!again.errors.contains("interrupted"), "nothing was left as running: \(again.errors)")
                }
                #expect(registry.repositories.count == count)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("sends the piece that is under way to its end, and begins no other")
    func pieces() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 8 << 20)
            try builder.addImage(layers: [layer], name: "app:1")
            try builder.writeIndexJSON()
            // Larger bodies are refused: that is how it shows that it needs pieces.
            try await TestRegistry.with(profile: .proxyCapped(3 << 19), receiveBuffer: 16_384) { registry in
                let gate = TestGate()
                let pieceSize: Int64 = 1 << 20
                registry.faults.add(
                    Fault(
                        // The first two are of 4 and of 2 MiB, and refused.
                        .uploadBody, method: "PATCH", minimumBody: pieceSize, nth: 4,
                        .stall(afterBodyBytes: pieceSize / 2, until: gate)))
                let manager = try NotifySocket(path: machine.directory.file("notify"))
                let configuration = "limits: { chunkSize: '1MiB' }, retry: { base: '5ms', cap: '40ms' }"
                let daemon = try await machine.start(configuration, variables: ["NOTIFY_SOCKET": manager.path])
                defer { daemon.send(SIGKILL) }
                let job = try await machine.enqueue("app:1", registry.address + "/app:1")
                try await gate.waitForArrival()
                daemon.send(SIGTERM)
                try await manager.wait(for: "STOPPING=1") { $0.last == "STOPPING=1" }
                gate.open()
                #expect(try await daemon.wait(timeout: .seconds(10)).status == 0)
                let pieces = registry.requests(.uploadBody, method: "PATCH").filter { $0.status != 413 }
                #expect(pieces.allSatisfy { $0.bodyBytes == pieceSize }, "\(pieces.map(\.bodyBytes))")
                #expect((2...3).contains(pieces.count), "the gate may open just before the stop is seen")
                try await machine.withDaemon(configuration) { _ async throws in
                    #expect(try await machine.pushctl("wait", String(job)).status == 0)
                }
                #expect(
                    registry.requests(.uploadBody, method: "PATCH").allSatisfy {
                        $0.status == 413 || $0.bodyBytes <= pieceSize
                    })
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("tells those who follow, and pushctl wait goes on with the next daemon")
    func waiter() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 400_000)], name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                let gate = TestGate()
                registry.faults.add(Fault(.uploadBody, nth: 2, .stall(afterBodyBytes: 1000, until: gate)))
                let daemon = try await machine.start()
                defer { daemon.send(SIGKILL) }
                let push = try machine.startPushctl("push", "app:1", registry.address + "/app:1")
                defer { push.send(SIGKILL) }
                try await gate.waitForArrival()
                daemon.send(SIGTERM)
                #expect(try await daemon.wait(timeout: .seconds(10)).status == 0)
                gate.open()
                try await machine.withDaemon { _ async throws in
                    #expect(try await push.wait().status == 0, "\(push.output)\(push.errors)")
                    #expect(registry.tags("app").count == 1)
                }
            }
        }
    }
}
