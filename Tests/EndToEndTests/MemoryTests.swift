import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

@Suite("The daemon's memory")
struct MemoryTests {
    @Test("does not grow with the layer: one of 1 GiB goes through less than 60 MB")
    func bigLayer() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addSparseLayer(size: 1 << 30)
            try builder.addImage(layers: [layer], name: "big:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with(verifiesDigests: false, keepsContent: false) { registry in
                try await machine.withDaemon { daemon async throws in
                    let push = try await machine.pushctl("push", "big:1", registry.address + "/big:1")
                    #expect(push.status == 0, "\(push.output)\(push.errors)")
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                    let memory = try ProcessMemory(of: daemon)
                    #expect(memory.peak < 60_000_000, "\(memory)")
                }
            }
        }
    }

    private static var release: String {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        return package + "/.build/release/pushd"
    }

    @Test(
        "is less than 25 MB when it idles",
        .enabled(if: FileManager.default.isExecutableFile(atPath: release), "a release build is measured"))
    func idle() async throws {
        try await Machine.with { machine in
            try machine.configure("")
            let daemon = try ProcessRunner(
                Self.release, machine.daemonArguments(stores: [machine.layout]), environment: machine.environment)
            defer { daemon.send(SIGKILL) }
            try await daemon.waitForOutput("listens on")
            #expect(try await machine.pushctl("status").status == 0)
            let memory = try ProcessMemory(of: daemon)
            #expect(memory.resident < 25_000_000, "\(memory)")
        }
    }
}
