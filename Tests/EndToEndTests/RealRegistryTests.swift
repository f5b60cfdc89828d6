import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

/// The two executables, Debian's registry, and images that other people's tools made and read back.
@Suite("Against a real registry", .enabled(if: DebianRegistry.isInstalled && installedProgram("skopeo") != nil))
struct RealRegistryTests {
    /// The image under `name` in the layout, as its exact bytes.
    private func local(_ machine: Machine, _ name: String) async throws -> String {
        try await machine.tool("skopeo", "inspect", "--raw", "oci:\(machine.layout):\(name)")
    }

    private func remote(_ machine: Machine, _ reference: String) async throws -> String {
        try await machine.tool("skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + reference)
    }

    @Test("a single image arrives byte for byte, is proven, and comes back whole")
    func singleImage() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layers = [try builder.addLayer(size: 3_000_000, seed: 1), try builder.addLayer(size: 10, seed: 2)]
            let image = try builder.addImage(layers: layers, name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let destination = registry.address + "/team/app:1"
                    let push = try await machine.pushctl("push", "app:1", destination)
                    #expect(push.status == 0, "\(push.output)\(push.errors)")
                    #expect(try await remote(machine, destination) == local(machine, "app:1"))

                    let verified = try await machine.json("verify", "--deep", destination, "--against", "app:1")
                    #expect(verified.first?["verified"]?.isTrue == true)
                    #expect(verified.first?["digest"]?.string == image.digest.description)
                    #expect(verified.first?["blobs"]?.integer == 3)

                    let back = machine.directory.file("back")
                    try await machine.tool(
                        "skopeo", "copy", "--src-tls-verify=false", "docker://" + destination, "oci:\(back):x")
                    for blob in layers + [image] {
                        let path = "/blobs/sha256/" + blob.digest.hex
                        #expect(
                            try Data(contentsOf: URL(filePath: back + path))
                                == Data(contentsOf: URL(filePath: machine.layout + path)))
                    }
                }
            }
        }
    }

    @Test("fifty tags of one image, pushed at once, need one attempt each, and one mount")
    func manyTags() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let base = try builder.addLayer(size: 200_000, seed: 1)
            try builder.addImage(layers: [base], name: "base:1")
            try builder.addImage(layers: [base, try builder.addLayer(size: 50_000, seed: 2)], name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let first = try await machine.pushctl("push", "base:1", "\(registry.address)/base:1")
                    #expect(first.status == 0, "\(first.errors)")
                    let destinations = (0..<50).map { "\(registry.address)/app:\($0)" }
                    let push = try await machine.pushctl(["push", "app:1"] + destinations)
                    #expect(push.status == 0, "\(push.errors)")
                    let jobs = try #require(
                        try await machine.json("status", "--limit", "50").first?["jobs"]?.list)
                    #expect(jobs.count == 50)
                    #expect(jobs.allSatisfy { $0["attempts"]?.integer == 1 })
                    #expect(jobs.count { ($0["bytesMounted"]?.integer ?? 0) > 0 } == 1)
                }
            }
        }
    }

    @Test("a multi-platform index with attestations arrives with all its children, the tag last")
    func index() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let shared = try builder.addLayer(size: 100_000, seed: 1)
            let amd = try builder.addImage(
                layers: [shared, try builder.addLayer(size: 5000, seed: 2)],
                platform: Platform(os: "linux", architecture: "amd64"))
            let arm = try builder.addImage(
                layers: [shared, try builder.addLayer(size: 5000, seed: 3)],
                platform: Platform(os: "linux", architecture: "arm64"))
            let attestation = try builder.addAttestation(for: amd)
            _ = try builder.addIndex(of: [amd, arm, attestation], name: "multi:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let destination = registry.address + "/team/multi:1"
                    let push = try await machine.pushctl("push", "multi:1", destination, "--verify", "blobs")
                    #expect(push.status == 0, "\(push.output)\(push.errors)")
                    #expect(try await remote(machine, destination) == local(machine, "multi:1"))
                    for child in [amd, arm, attestation] {
                        _ = try await remote(machine, "\(registry.address)/team/multi@\(child.digest)")
                    }
                    let one = try await machine.pushctl(
                        "push", "multi:1", registry.address + "/team/one:1", "--platform", "linux/arm64")
                    #expect(one.status == 0, "\(one.output)\(one.errors)")
                    let inspected = try await machine.json("inspect", registry.address + "/team/one:1")
                    #expect(inspected.first?["digest"]?.string == arm.digest.description)
                    #expect(inspected.first?["platforms"]?.list?.map { $0["platform"]?.string } == ["linux/arm64"])
                    let whole = try await machine.json("inspect", destination).first?["platforms"]?.list
                    #expect(whole?.map { $0["platform"]?.string } == ["linux/amd64", "linux/arm64"])
                }
            }
        }
    }

    @Test("tags and repositories are listed page by page", .enabled(if: DebianRegistry.isInstalled))
    func lists() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 1000, seed: 1)], name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let tags = ["1", "1.1", "latest"]
                    let destinations = tags.map { "\(registry.address)/team/app:\($0)" } + ["\(registry.address)/b:1"]
                    let push = try await machine.pushctl(["push", "app:1"] + destinations)
                    #expect(push.status == 0, "\(push.errors)")
                    let listed = try await machine.pushctl("tags", "\(registry.address)/team/app")
                    #expect(listed.output.split(separator: "\n").map(String.init).sorted() == tags)
                    let one = try await machine.json("tags", "\(registry.address)/team/app", "--limit", "1")
                    #expect(one.count == 1 && one.first?["tag"]?.string != nil)
                    let repositories = try await machine.pushctl("repos", registry.address)
                    #expect(repositories.output == "b\nteam/app\n")
                    let missing = try await machine.pushctl("tags", "\(registry.address)/nope")
                    #expect(missing.status == 4)
                    #expect(missing.errors.contains("there is no repository nope at \(registry.address)"))
                    #expect(try await machine.pushctl("repos", "\(registry.address)/team").status == 2)
                    let tagged = try await machine.pushctl("tags", "\(registry.address)/team/app:1")
                    #expect(tagged.status == 2 && tagged.errors.contains("leave the tag out"))
                }
            }
        }
    }

    @Test("a layout written by buildah is published as it is", .enabled(if: installedProgram("buildah") != nil))
    func buildah() async throws {
        try await Machine.with { machine in
            let store = [
                "--root", machine.directory.file("root"), "--runroot", machine.directory.file("runroot"),
                "--storage-driver", "vfs",
            ]
            func buildah(_ words: String...) async throws -> String {
                guard let program = installedProgram("buildah") else { throw TestSupportError("no buildah") }
                let result = try await ProcessRunner.run(
                    program, store + words,
                    environment: ["PATH": "/usr/bin:/bin", "HOME": machine.directory.path], timeout: .seconds(120))
                guard result.status == 0 else { throw TestSupportError("buildah \(words): \(result.errors)") }
                return result.output.split(separator: "\n").last.map(String.init) ?? ""
            }
            let file = try machine.directory.write(PseudoRandomBytes.make(size: 400_000, seed: 5), to: "file")
            let container = try await buildah("from", "scratch")
            _ = try await buildah("copy", container, file, "/file")
            _ = try await buildah("commit", container, "built")
            _ = try await buildah("push", "built", "oci:\(machine.layout):built:1")
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let destination = registry.address + "/built:1"
                    let push = try await machine.pushctl("push", "oci:\(machine.layout):built:1", destination)
                    #expect(push.status == 0, "\(push.output)\(push.errors)")
                    #expect(try await remote(machine, destination) == local(machine, "built:1"))
                    let verified = try await machine.json("verify", destination, "--deep")
                    #expect(verified.first?["verified"]?.isTrue == true)
                }
            }
        }
    }

    @Test("a registry with a login takes the push with the file's credentials, and without them says what to do")
    func login() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 1000)], name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with(login: true) { registry in
                let destination = registry.address + "/team/app:1"
                try await machine.withDaemon { _ in
                    let refused = try await machine.pushctl("push", "app:1", destination)
                    #expect(refused.status == 1)
                    #expect(refused.errors.contains("login"), "\(refused.errors)")
                    #expect(try await machine.job(1)["state"]?.string == "blocked")
                    #expect(try await machine.job(1)["error"]?["code"]?.string == "login-missing")

                    let login = Data("\(DebianRegistry.user):\(DebianRegistry.password)".utf8).base64EncodedString()
                    _ = try machine.directory.makeDirectory(".docker")
                    try machine.directory.write(
                        Array(#"{"auths":{"\#(registry.address)":{"auth":"\#(login)"}}}"#.utf8),
                        to: ".docker/config.json")
                    let retried = try await machine.pushctl("retry", "1")
                    #expect(retried.status == 0, "\(retried.errors)")
                    #expect(try await machine.pushctl("wait", "1").status == 0)
                    #expect(try await machine.job(1)["state"]?.string == "succeeded")
                }
            }
        }
    }

    @Test("pushctl login is checked, kept where skopeo finds it, and lets the blocked job go on")
    func loginCommand() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 1000)], name: "app:1")
            try builder.writeIndexJSON()
            try await DebianRegistry.with(login: true) { registry in
                try await machine.withDaemon { _ in
                    let destination = "\(registry.address)/team/app:1"
                    #expect(try await machine.pushctl("push", "app:1", destination).status == 1)
                    func login(_ password: String) async throws -> ProcessRunner.Result {
                        let file = try machine.directory.write((password + "\n").utf8, to: "password")
                        return try await ProcessRunner.run(
                            try builtProduct("pushctl"),
                            ["login", "-u", DebianRegistry.user, "--password-stdin", registry.address],
                            environment: machine.environment, input: file)
                    }
                    let wrong = try await login("wrong")
                    #expect(wrong.status == 1)
                    #expect(wrong.errors.contains("rejected the login of \(DebianRegistry.user)"), "\(wrong.errors)")
                    #expect(!FileManager.default.fileExists(atPath: machine.directory.file(".docker/config.json")))
                    #expect(try await machine.job(1)["state"]?.string == "blocked")

                    let right = try await login(DebianRegistry.password)
                    #expect(right.status == 0, "\(right.errors)")
                    #expect(right.output.contains("job 1 goes on"))
                    #expect(try await machine.pushctl("wait", "1").status == 0)
                    _ = try await machine.tool(
                        "skopeo", "inspect", "--tls-verify=false", "docker://" + destination)

                    let out = try await machine.pushctl("logout", registry.address)
                    #expect(out.output.hasPrefix("logged out of \(registry.address)"), "\(out.output)\(out.errors)")
                    #expect(try await machine.pushctl("inspect", destination).status == 1)
                    #expect(try await machine.pushctl("push", "app:1", destination + "2").status == 1)
                    let attempts = try await machine.job(2)["attempts"]?.integer
                    // Logging out makes no job try again.
                    _ = try await machine.pushctl("logout", registry.address)
                    #expect(try await machine.job(2)["state"]?.string == "blocked")
                    #expect(try await machine.job(2)["attempts"]?.integer == attempts)
                }
            }
        }
    }

    @Test("a daemon that was told no HOME looks for logins in the one that the system knows")
    func homeless() async throws {
        let home = String(cString: try #require(getpwuid(geteuid())).pointee.pw_dir)
        try await Machine.with { machine in
            try await TestRegistry.with(authentication: .basic(user: "u", password: "p")) { registry in
                try machine.configure("")
                let daemon = try ProcessRunner(
                    try builtProduct("pushd"), machine.daemonArguments(stores: []),
                    environment: ["PATH": "/usr/bin:/bin"])
                defer { daemon.send(9) }
                try await daemon.waitForOutput("listens on")
                let found = try await machine.pushctl("doctor", registry.address)
                #expect(found.output.contains(home + "/.docker/config.json"), "\(found.output)\(found.errors)")
            }
        }
    }
}
