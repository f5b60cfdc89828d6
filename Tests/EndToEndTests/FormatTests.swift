import FoundationEssentials
import OCI
import TestSupport
import Testing

@Suite(
    "A push in Docker's format", .enabled(if: DebianRegistry.isInstalled && installedProgram("skopeo") != nil),
    .timeLimit(.minutes(3)))
struct FormatTests {
    @Test("is the very image that skopeo makes of the same, and skopeo reads it back")
    func skopeo() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 50_000)
            let image = try builder.addImage(layers: [layer, try builder.addLayer(size: 700, seed: 2)], name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let push = try await machine.pushctl(
                        "push", "--format", "docker", "app:1", "\(registry.address)/ours:1")
                    #expect(push.status == 0, "\(push.errors)")
                    #expect(push.output.contains("made from \(image.digest), in Docker's format"), "\(push.output)")
                    try await machine.tool(
                        "skopeo", "copy", "--format", "v2s2", "--dest-tls-verify=false", "oci:\(machine.layout):app:1",
                        "docker://\(registry.address)/theirs:1")
                    func raw(_ name: String) async throws -> String {
                        try await machine.tool(
                            "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://\(registry.address)/\(name):1"
                        )
                    }
                    let (ours, theirs) = (try await raw("ours"), try await raw("theirs"))
                    let (mine, other) = (try JSON(parsing: ours), try JSON(parsing: theirs))
                    #expect(mine == other, "\(ours) \(theirs)")
                    #expect(ours == theirs, "the same bytes, and so the same digest")
                    #expect(mine["config"]?["digest"]?.string?.hasPrefix("sha256:") == true)
                    #expect(mine["layers"]?.list?.first?["digest"]?.string == layer.digest.description)
                    let job = try await machine.job(1)
                    #expect(job["digest"]?.string == Digest(of: Array(ours.utf8)).description)
                    #expect(job["sourceDigest"]?.string == image.digest.description)
                    #expect(job["format"]?.string == "docker")
                    let show = try await machine.pushctl("show", "1")
                    #expect(show.output.contains("made from     \(image.digest)"), "\(show.output)")

                    try await machine.tool(
                        "skopeo", "copy", "--src-tls-verify=false", "docker://\(registry.address)/ours:1",
                        "dir:\(machine.directory.file("copy"))")
                    let verified = try await machine.pushctl("verify", "--deep", "\(registry.address)/ours:1")
                    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
                    let same = try await machine.pushctl("verify", "--against", "app:1", "\(registry.address)/ours:1")
                    #expect(same.status == 0, "\(same.output)\(same.errors)")
                }
            }
        }
    }

    @Test("is what the error of a registry that is older than OCI's format says, and works there")
    func advised() async throws {
        try await Machine.with { machine in
            let layer = try CommandTests.image(machine)
            let profile = RegistryProfile.distribution2.with {
                $0.ociRefusal = .refusal(400, "MANIFEST_INVALID", "manifest invalid")
            }
            try await TestRegistry.with(profile: profile) { registry in
                try await machine.withDaemon { _ in
                    let refused = try await machine.pushctl("push", "app:1", registry.address + "/app:1")
                    #expect(refused.status == 1)
                    #expect(refused.errors.contains("pushctl push --format docker"), "\(refused.errors)")
                    let push = try await machine.pushctl(
                        "push", "--format", "docker", "app:1", registry.address + "/app:1")
                    #expect(push.status == 0, "\(push.errors)")
                    #expect(registry.tags("app").count == 1)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size, "the layer went out once")
                }
            }
        }
    }

    @Test("of several platforms is one that skopeo copies whole")
    func index() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 50_000)
            let amd = try builder.addImage(layers: [layer])
            let arm = try builder.addImage(
                layers: [layer], platform: Platform(os: "linux", architecture: "arm", variant: "v7"))
            try builder.addIndex(of: [amd, arm, try builder.addAttestation(for: amd)], name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let plan = try await machine.json(
                        "push", "--dry-run", "--format", "docker", "app:1", "\(registry.address)/app:1")
                    let planned = try #require(plan.first?["plan"]?.list?.first)
                    #expect(planned["leftOut"]?.string == "1 attestation")
                    let push = try await machine.pushctl(
                        "push", "--format", "docker", "app:1", "\(registry.address)/app:1")
                    #expect(push.status == 0, "\(push.errors)")
                    #expect(push.output.contains("without 1 attestation"), "\(push.output)")
                    try await machine.tool(
                        "skopeo", "copy", "--all", "--src-tls-verify=false", "docker://\(registry.address)/app:1",
                        "dir:\(machine.directory.file("copy"))")
                    let raw = try await machine.tool(
                        "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://\(registry.address)/app:1")
                    #expect(Digest(of: Array(raw.utf8)).description == planned["digest"]?.string)
                    let list = try JSON(parsing: raw)["manifests"]?.list ?? []
                    #expect(list.map { $0["platform"]?["variant"]?.string } == [nil, "v7"])
                }
            }
        }
    }
}
