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

    @Test("does not grow with the manifests of an image that is verified: 24 of 3.5 MB go through less than 60 MB more")
    func bigManifests() async throws {
        try await Machine.with { machine in
            try await TestRegistry.with { registry in
                let padding = String(repeating: "x", count: 3_500_000)
                let children = (0..<24).map { number in
                    let text =
                        #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[],"#
                        + #""annotations":{"a":"\#(number)\#(padding)"}}"#
                    let bytes = Array(text.utf8)
                    let digest = registry.addManifest(bytes, mediaType: .ociIndex, to: "big")
                    return #"{"mediaType":"\#(MediaType.ociIndex)","digest":"\#(digest)","size":\#(bytes.count)}"#
                }
                let index =
                    #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":["#
                    + children.joined(separator: ",") + "]}"
                registry.addManifest(Array(index.utf8), mediaType: .ociIndex, to: "big", tag: "1")
                try await machine.withDaemon { daemon async throws in
                    let before = try ProcessMemory(of: daemon).resident
                    let verify = try await machine.pushctl("verify", registry.address + "/big:1")
                    #expect(verify.status == 0, "\(verify.output)\(verify.errors)")
                    let memory = try ProcessMemory(of: daemon)
                    #expect(memory.peak - before < 60_000_000, "\(memory), \(before) before")
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
