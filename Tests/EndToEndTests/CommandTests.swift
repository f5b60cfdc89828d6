import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

/// What commands do to jobs that run, wait or have ended.
@Suite("pushctl and the jobs")
struct CommandTests {
    static let quick = "retry: { base: '5ms', cap: '40ms' }"

    @discardableResult
    static func image(_ machine: Machine, name: String = "app:1", size: Int = 400_000) throws -> Descriptor {
        let builder = try LayoutBuilder(directory: machine.layout)
        let layer = try builder.addLayer(size: size)
        try builder.addImage(layers: [layer], name: name)
        try builder.writeIndexJSON()
        return layer
    }

    /// Runs `body` while the layer of a running push is stuck in its middle.
    private func whileStuck(
        size: Int = 400_000, _ body: (Machine, TestRegistry, TestGate, Descriptor) async throws -> Void
    ) async throws {
        try await Machine.with { machine in
            let layer = try Self.image(machine, size: size)
            try await TestRegistry.with(receiveBuffer: 65_536) { registry in
                let gate = TestGate()
                registry.faults.add(Fault(.uploadBody, nth: 2, .stall(afterBodyBytes: 100_000, until: gate)))
                try await machine.withDaemon(Self.quick) { _ in try await body(machine, registry, gate, layer) }
            }
        }
    }

    @Test("Ctrl-C ends the following and says how to go on; the job goes on by itself", arguments: [SIGINT, SIGTERM])
    func interrupt(signal: Int32) async throws {
        try await whileStuck { machine, registry, gate, _ in
            let push = try machine.startPushctl("push", "app:1", registry.address + "/app:1")
            defer { push.send(SIGKILL) }
            try await gate.waitForArrival()
            try await push.waitForOutput("1")
            push.send(signal)
            #expect(try await push.wait(timeout: .seconds(10)).status == 128 + signal)
            #expect(push.errors.contains("pushctl status 1"), "\(push.errors)")
            #expect(try await machine.job(1)["state"]?.string == "running")
            gate.open()
            #expect(try await machine.pushctl("wait", "1").status == 0)
            #expect(registry.tags("app").count == 1)
        }
    }

    @Test("wait gives up after its time with exit status 5, and the job goes on")
    func waitTimeout() async throws {
        try await whileStuck { machine, registry, gate, _ in
            let job = try await machine.enqueue("app:1", registry.address + "/app:1")
            try await gate.waitForArrival()
            let result = try await machine.pushctl("wait", "--timeout", "50ms", String(job))
            #expect(result.status == 5, "\(result.errors)")
            #expect(try await machine.job(job)["state"]?.string == "running")
            gate.open()
            #expect(try await machine.pushctl("wait", "--timeout", "60s", String(job)).status == 0)
        }
    }

    @Test("cancel stops the upload of a running push and frees its space; a push of the same starts anew")
    func cancel() async throws {
        // More than the kernel takes in for a registry that does not read.
        try await whileStuck(size: 20_000_000) { machine, registry, gate, layer in
            let job = try await machine.enqueue("app:1", registry.address + "/app:1")
            try await gate.waitForArrival()
            #expect(try await machine.pushctl("cancel", String(job)).status == 0)
            #expect(try await machine.job(job)["state"]?.string == "canceled")
            try await eventually("the spool is empty") { try machine.spooledFiles.isEmpty }
            #expect(try await machine.pushctl("wait", String(job)).status == 1)
            try await sendsNoMore(registry, gate, layer)
            let again = try await machine.pushctl("push", "app:1", registry.address + "/app:1")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try await machine.job(job)["state"]?.string == "canceled")
        }
    }

    /// Lets the registry read on: it sees the end of the connection and not the end of the layer.
    private func sendsNoMore(_ registry: TestRegistry, _ gate: TestGate, _ layer: Descriptor) async throws {
        gate.open()
        try await registry.waitUntil("the body has ended") {
            registry.requests(.uploadBody).allSatisfy { $0.endedAt != nil }
        }
        #expect(registry.content(of: layer.digest) == nil)
        #expect(registry.uploadedBytes < layer.size)
    }

    @Test("retry of a failed push sends what is missing, from an image that is still there")
    func retry() async throws {
        try await Machine.with { machine in
            let layer = try Self.image(machine)
            try await TestRegistry.with { registry in
                let fault = registry.faults.add(
                    Fault(.manifest, method: "PUT", times: .max, .respond(Answer(500, "broken"))))
                let configuration = "retry: { base: '1ms', cap: '2ms', maximumFailures: 3 }"
                try await machine.withDaemon(configuration) { _ async throws in
                    let push = try await machine.pushctl("push", "app:1", registry.address + "/app:1")
                    #expect(push.status == 1)
                    let failed = try await machine.job(1)
                    #expect(failed["state"]?.string == "failed")
                    #expect(failed["error"]?["message"]?.string?.contains("500") == true, "\(failed)")
                    try await eventually("the spool is empty") { try machine.spooledFiles.isEmpty }

                    registry.faults.remove(fault)
                    #expect(try await machine.pushctl("retry", "--failed").status == 0)
                    #expect(try await machine.pushctl("wait", "1").status == 0)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size, "the layer went out once")
                }
            }
        }
    }

    @Test("push --timeout gives the job up in time, also while its registry is away")
    func timeout() async throws {
        try await Machine.with { machine in
            try Self.image(machine)
            try await TestRegistry.with { registry in
                registry.pause()
                try await machine.withDaemon(Self.quick) { _ async throws in
                    let push = try await machine.pushctl(
                        "push", "--timeout", "300ms", "app:1", registry.address + "/app:1", timeout: .seconds(15))
                    #expect(push.status == 5, "\(push.errors)")
                    let job = try await machine.job(1)
                    #expect(job["state"]?.string == "failed", "\(job)")
                    #expect(job["error"]?["code"]?.string == "timeout", "\(job)")
                    try await eventually("the spool is empty") { try machine.spooledFiles.isEmpty }
                }
            }
        }
    }

    @Test("push --timeout ends a push that is under way, too")
    func timeoutWhileRunning() async throws {
        try await whileStuck(size: 20_000_000) { machine, registry, gate, layer in
            let push = try machine.startPushctl("push", "--timeout", "6s", "app:1", registry.address + "/app:1")
            defer { push.send(SIGKILL) }
            try await gate.waitForArrival()
            #expect(try await push.wait(timeout: .seconds(20)).status == 5, "\(push.errors)")
            #expect(try await machine.job(1)["state"]?.string == "failed")
            try await sendsNoMore(registry, gate, layer)
        }
    }

    @Test("with one slot the highest priority goes first, and equals in their order")
    func priority() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            for number in 1...5 { try builder.addImage(layers: [], name: "app:\(number)", label: "\(number)") }
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon(Self.quick + ", limits: { jobs: 1 }") { _ async throws in
                    try await machine.pushctl("pause")
                    for (number, priority) in [(1, 0), (2, 5), (3, -3), (4, 5), (5, 100)] {
                        _ = try await machine.enqueue(
                            "app:\(number)", "\(registry.address)/app:\(number)", "--priority", String(priority))
                    }
                    try await machine.pushctl("resume")
                    for job in 1...5 { #expect(try await machine.pushctl("wait", String(job)).status == 0) }
                    let order = registry.requests(.manifest, method: "PUT").compactMap { $0.target.last }
                    #expect(order == ["5", "2", "4", "1", "3"])
                }
            }
        }
    }
}
