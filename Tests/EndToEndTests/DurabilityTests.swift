import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

/// What survives: the end of the daemon, however it ends, and the end of the local image.
@Suite("Durability")
struct DurabilityTests {
    private func image(_ machine: Machine, layers: [Int], name: String = "app:1", seed: UInt64 = 1) throws
        -> [Descriptor]
    {
        let builder = try LayoutBuilder(directory: machine.layout)
        let layers = try layers.enumerated().map { try builder.addLayer(size: $1, seed: seed + UInt64($0)) }
        try builder.addImage(layers: layers, name: name)
        try builder.writeIndexJSON()
        return layers
    }

    @Test("an image may be deleted as soon as its push is accepted, and the spool frees itself")
    func deletedImage() async throws {
        try await Machine.with { machine in
            _ = try image(machine, layers: [400_000, 50_000])
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    try await machine.pushctl("pause")
                    let job = try await machine.enqueue("app:1", registry.address + "/team/app:1")
                    try FileManager.default.removeItem(atPath: machine.layout)
                    try await machine.pushctl("resume")
                    #expect(try await machine.pushctl("wait", String(job)).status == 0)
                    #expect(registry.tags("team/app").count == 1)
                    try await eventually("the spool is empty") {
                        try machine.spooledFiles.isEmpty
                    }
                }
            }
        }
    }

    @Test("an upload goes on at the registry's offset after SIGTERM and after kill -9", arguments: [SIGTERM, SIGKILL])
    func resumes(signal: Int32) async throws {
        try await Machine.with { machine in
            let size = 8_000_000
            let layer = try image(machine, layers: [size])[0]
            try await TestRegistry.with { registry in
                let gate = TestGate()
                let held: Int64 = 3_000_000
                _ = registry.faults.add(Fault(.uploadBody, nth: 2, .stall(afterBodyBytes: held, until: gate)))
                let first = try await machine.start()
                let job = try await machine.enqueue("app:1", registry.address + "/team/app:1")
                try await gate.waitForArrival()
                let start = ContinuousClock.now
                first.send(signal)
                _ = try await first.wait(timeout: .seconds(10))
                if signal == SIGTERM { #expect(ContinuousClock.now - start < .seconds(5)) }
                gate.open()
                try await machine.withDaemon { _ async throws in
                    #expect(try await machine.pushctl("wait", String(job)).status == 0)
                    #expect(try await machine.job(job)["state"]?.string == "succeeded")
                }
                #expect(registry.size(of: layer.digest) == layer.size)
                #expect(registry.bodyBytes(for: layer.digest) <= layer.size + 1_000_000, "resumed, not repeated")
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    /// The promise itself: 200 times `kill -9` at random moments, through a registry that breaks bodies, answers 500 and
    /// loses answers. In the end every accepted job has succeeded and every manifest is right.
    @Test("200 crashes at random moments lose no accepted push", .timeLimit(.minutes(8)))
    func crashes() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let base = try builder.addLayer(size: 2_000_000, seed: 1)
            var layerBytes = base.size
            var roots: [Int: Digest] = [:]
            let images = 20
            for number in 0..<images {
                let own = try builder.addLayer(size: 300_000 + number * 10_000, seed: UInt64(100 + number))
                layerBytes += own.size
                roots[number] = try builder.addImage(layers: [base, own], name: "app\(number):1").digest
            }
            try builder.writeIndexJSON()
            var random = SystemRandomNumberGenerator()
            try await TestRegistry.with { registry in
                registry.faults.setRandom(
                    RandomFaults(seed: random.next(), cut: 0.15, serverError: 0.05, loseAnswer: 0.05))
                let destination = { (number: Int) in "\(registry.address)/crash/r\(number % 5):v\(number)" }
                var jobs: [Int: Int] = [:]
                for round in 0..<200 {
                    let daemon = try await machine.start("retry: { base: '2ms', cap: '10ms' }")
                    if round % 10 == 0 {
                        let number = round / 10
                        jobs[number] = try await machine.enqueue("app\(number):1", destination(number))
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<60, using: &random)))
                    daemon.send(SIGKILL)
                    _ = try await daemon.wait()
                }
                #expect(jobs.count == images)
                registry.faults.setRandom(nil)
                try await machine.withDaemon { _ async throws in
                    for (number, job) in jobs {
                        let result = try await machine.pushctl("wait", String(job))
                        #expect(result.status == 0, "job \(job): \(result.errors)")
                        #expect(try await machine.job(job)["state"]?.string == "succeeded")
                        #expect(registry.tags("crash/r\(number % 5)")["v\(number)"] == roots[number])
                    }
                    let left = try await machine.json("status").first?["jobs"]?.list ?? []
                    #expect(left.allSatisfy { $0["state"]?.string == "succeeded" })
                    try await eventually("the spool is empty") {
                        try machine.spooledFiles.isEmpty
                    }
                }
                // Where each byte went. The session of a layer is on disk before the first byte is sent into it, this
                // registry keeps what arrived of a body that broke off, and a body refused with a 500 is not read. So
                // whatever was cut, lost or killed, a layer's bytes arrive once for each repository that could not
                // mount it: the first, and at most one for each mount between repositories that was refused with a 500.
                // Blobs up to 64 KiB, here the configurations, are sent again instead: at most one in each request.
                let bodies = registry.requests(.uploadBody)
                let received = bodies.reduce(0) { $0 + $1.bodyBytes }
                let refusedMounts = registry.requests(.mount).filter { mount in
                    mount.status == 500 && mount.target.contains(base.digest.hex)
                        && !mount.target.hasSuffix("from=\(mount.repository ?? "")")
                }
                #expect(received >= layerBytes)
                #expect(
                    received <= layerBytes + base.size * Int64(refusedMounts.count) + 500 * Int64(bodies.count),
                    "in \(bodies.count) bodies, with \(refusedMounts.count) mounts refused")
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
            #expect(try SQLiteFile.execute("PRAGMA integrity_check", at: machine.state + "/queue.db") == "ok")
        }
    }
}

/// Looks again and again, for things that no event tells; fails after ten seconds.
func eventually(_ what: String, _ check: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while try await !check() {
        guard ContinuousClock.now < end else { throw TestSupportError("it never came true that \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
