import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

private let member: uid_t = 12_346

/// What a member of the control group can't do with files: attacks by another user, with real uids and real links.
@Suite(
    "A member's files",
    .enabled(if: geteuid() == 0 && installedProgram("setpriv") != nil, "root and setpriv are needed"),
    .timeLimit(.minutes(5)))
struct MemberFilesTests {
    private static let quick = "retry: { base: '5ms', cap: '40ms' }"

    private struct Parts {
        let machine: Machine
        let registry: TestRegistry
        /// The member's own directory, closed to all others.
        var home: String { machine.directory.file("member") }

        /// A layout of one layer, which is the member's.
        func makeLayout(_ name: String, size: Int = 300_000, seed: UInt64 = 7) async throws -> (String, Descriptor) {
            let builder = try LayoutBuilder(directory: "\(home)/\(name)")
            let layer = try builder.addLayer(size: size, seed: seed)
            try builder.addImage(layers: [layer], name: "app:1")
            try builder.writeIndexJSON()
            try await machine.tool("chown", "-R", "\(member)", home)
            return (builder.directory, layer)
        }

        func pushctl(_ words: String...) async throws -> ProcessRunner.Result {
            let program = machine.directory.file("pushctl")
            if !FileManager.default.fileExists(atPath: program) {
                try FileManager.default.copyItem(atPath: builtProduct("pushctl"), toPath: program)
            }
            let group = try #require(getgrnam("users")).pointee.gr_gid
            return try await ProcessRunner.run(
                "setpriv", ["--reuid=\(member)", "--regid=\(member)", "--groups=\(group)", program] + words,
                environment: machine.environment.merging(["HOME": home]) { $1 })
        }
    }

    private func with(_ body: (Parts) async throws -> Void) async throws {
        try await TestRegistry.with { registry in
            try await Machine.with { machine in
                #expect(chmod(machine.directory.path, 0o755) == 0)
                let parts = Parts(machine: machine, registry: registry)
                #expect(mkdir(parts.home, 0o700) == 0 && chown(parts.home, member, member) == 0)
                let allow = "allow: [{ group: 'users', to: ['\(registry.address)/**'] }]"
                let daemon = try await machine.start("\(Self.quick), control: { group: 'users', \(allow) }")
                try await body(parts)
                await daemon.end()
            }
        }
    }

    @Test("are opened as the member: a closed layout of the member's is pushed, from a copy")
    func own() async throws {
        try await with { parts in
            let (layout, layer) = try await parts.makeLayout("app")
            parts.registry.pause()
            let push = try await parts.pushctl("push", "-d", "oci:\(layout):app:1", parts.registry.address + "/m/app:1")
            #expect(push.status == 0, "\(push.errors)")
            var status = stat()
            #expect(stat("\(layout)/blobs/sha256/\(layer.digest.hex)", &status) == 0 && status.st_nlink == 1)
            // What lies under the layer's name from now on is not what was accepted.
            let path = "\(layout)/blobs/sha256/\(layer.digest.hex)"
            #expect(unlink(path) == 0 && symlink("/etc/shadow", path) == 0)
            try parts.registry.resume()
            #expect(try await parts.pushctl("wait", "1").status == 0)
            #expect(parts.registry.bodyBytes(for: layer.digest) == layer.size)
            #expect(parts.registry.tags("m/app").count == 1)
        }
    }

    @Test("are not those that are closed to the member: layouts, stores of the configuration, and the spool")
    func closed() async throws {
        try await with { parts in
            try CommandTests.image(parts.machine, name: "closed:1")
            #expect(chmod(parts.machine.layout, 0o700) == 0)
            try await parts.machine.pushctl("push", "closed:1", parts.registry.address + "/root/app:1")
            let destination = parts.registry.address + "/m/app:1"
            let named = try await parts.pushctl("push", "oci:\(parts.machine.layout):closed:1", destination)
            #expect(named.status != 0 && named.errors.contains("Permission denied"), "\(named.errors)")
            let bare = try await parts.pushctl("push", "closed:1", destination)
            #expect(bare.status == 4, "\(bare.errors)")
            let images = try await parts.pushctl("images")
            #expect(!images.output.contains("closed"), "\(images.output)")
            let verify = try await parts.pushctl(
                "verify", parts.registry.address + "/root/app:1", "--against", "oci:\(parts.machine.layout):closed:1")
            #expect(verify.status != 0 && verify.errors.contains("Permission denied"), "\(verify.errors)")
            #expect(parts.registry.tags("m/app").isEmpty)
        }
    }

    @Test("are not what the member's links lead to", arguments: ["a layer", "the directory of blobs"])
    func links(what: String) async throws {
        try await with { parts in
            let closed = try CommandTests.image(parts.machine, name: "closed:1")
            #expect(chmod(parts.machine.layout, 0o700) == 0)
            let (layout, _) = try await parts.makeLayout("app")
            let blobs = layout + "/blobs"
            if what == "a layer" {
                let builder = try LayoutBuilder(directory: layout)
                try builder.addImage(layers: [closed], name: "app:1")
                try builder.writeIndexJSON()
                let name = "/sha256/" + closed.digest.hex
                #expect(symlink(parts.machine.layout + "/blobs" + name, blobs + name) == 0)
            } else {
                try FileManager.default.removeItem(atPath: blobs)
                #expect(symlink(parts.machine.layout + "/blobs", blobs) == 0)
                #expect(unlink(layout + "/index.json") == 0)
                try FileManager.default.copyItem(
                    atPath: parts.machine.layout + "/index.json", toPath: layout + "/index.json")
            }
            try await parts.machine.tool("chown", "-hR", "\(member)", parts.home)
            let name = what == "a layer" ? "app:1" : "closed:1"
            let push = try await parts.pushctl("push", "oci:\(layout):\(name)", parts.registry.address + "/m/app:1")
            #expect(push.status != 0, "\(push.output)")
            #expect(push.errors.contains("is a link, and does not lead to a file"), "\(push.errors)")
            #expect(parts.registry.bodyBytes(for: closed.digest) == 0)
        }
    }

    @Test("of the right name and size, and of zeros, bring the member no layer of others")
    func zeros() async throws {
        try await with { parts in
            let secret = try CommandTests.image(parts.machine, name: "secret:1")
            #expect(chmod(parts.machine.layout, 0o700) == 0)
            try await parts.machine.pushctl("push", "secret:1", parts.registry.address + "/private/app:1")
            let (layout, _) = try await parts.makeLayout("app")
            let builder = try LayoutBuilder(directory: layout)
            try builder.addImage(layers: [secret], name: "app:1")
            try builder.writeIndexJSON()
            let path = "\(layout)/blobs/sha256/\(secret.digest.hex)"
            let file = open(path, O_WRONLY | O_CREAT, 0o644)
            #expect(ftruncate(file, off_t(secret.size)) == 0)
            close(file)
            try await parts.machine.tool("chown", "-R", "\(member)", parts.home)
            let push = try await parts.pushctl("push", "oci:\(layout):app:1", parts.registry.address + "/m/app:1")
            #expect(push.status != 0)
            #expect(push.errors.contains("is damaged: the bytes stored as"), "\(push.errors)")
            #expect(parts.registry.tags("m/app").isEmpty)
            #expect(!parts.registry.requests.contains { $0.repository == "m/app" }, "no question about it either")
        }
    }

    @Test("are opened again as the member by a retry, and after a restart")
    func later() async throws {
        try await with { parts in
            let (layout, layer) = try await parts.makeLayout("app")
            let push = try await parts.pushctl("push", "-d", "oci:\(layout):app:1", parts.registry.address + "/m/app:1")
            #expect(push.status == 0, "\(push.errors)")
            #expect(try await parts.pushctl("wait", "1").status == 0)
            parts.registry.pause()
            let second = try await parts.pushctl(
                "push", "-d", "oci:\(layout):app:1", parts.registry.address + "/m/app:2")
            #expect(second.status == 0, "\(second.errors)")
            #expect(try await parts.pushctl("cancel", "2").status == 0)
            // The layout is closed to the member now: no retry opens it with other rights.
            #expect(chown(layout, 0, 0) == 0 && chmod(layout, 0o700) == 0)
            let refused = try await parts.machine.pushctl("retry", "2")
            #expect(refused.status != 0 && refused.errors.contains("Permission denied"), "\(refused.errors)")
            #expect(chown(layout, member, member) == 0)
            try parts.registry.resume()
            let retried = try await parts.machine.pushctl("retry", "2")
            #expect(retried.status == 0, "\(retried.errors)")
            #expect(try await parts.pushctl("wait", "2").status == 0)
            #expect(parts.registry.bodyBytes(for: layer.digest) == layer.size)
        }
    }
}
