import FoundationEssentials
import OCI
import TestSupport
import Testing

@Suite("Commands about registries")
struct RegistryCommandTests {
    @Test("an upload obeys a limit at once, and goes on at full speed when it is lifted")
    func limit() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 3_000_000, seed: 1)
            try builder.addImage(layers: [layer], name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let set = try await machine.pushctl("limit", registry.address, "1kB/s")
                    #expect(set.output.contains("\(registry.address)  1.00 kB/s  set by hand"), "\(set.output)")
                    let job = try await machine.enqueue("app:1", "\(registry.address)/app:1")
                    // The kernel takes in what it is given; what was not given to it does not come.
                    try await registry.waitUntil("the layer's first bytes") {
                        registry.requests(.uploadBody).contains {
                            $0.header("Content-Length") == "3000000" && $0.bodyBytes > 0
                        }
                    }
                    #expect(try await machine.job(job)["state"]?.string == "running")
                    #expect(registry.uploadedBytes < 1_000_000)
                    #expect(try await machine.pushctl("limit", registry.address, "none").status == 0)
                    #expect(try await machine.pushctl("wait", String(job)).status == 0)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                    let limits = try await machine.json("limit", "default").first?["limits"]?.list
                    #expect(limits?.count == 2)
                    let back = try await machine.json("limit", registry.address, "default").first?["limits"]?.list
                    #expect(back?.count == 1)
                }
            }
        }
    }

    @Test("the configuration's limits are in force, by the time of the week, and after a reload")
    func configured() async throws {
        try await Machine.with { machine in
            let always = "bandwidthWindows: [{ from: '00:00', to: '24:00', bandwidth: '2MB/s' }]"
            try await machine.withDaemon("limits: { bandwidth: '9MB/s', \(always) }") { daemon in
                #expect(try await machine.pushctl("limit").output == "all together  2.00 MB/s\n")
                try machine.configure("limits: { bandwidth: '9MB/s' }")
                daemon.send(1)
                try await daemon.waitForOutput("configuration")
                let end = ContinuousClock.now + .seconds(20)
                while try await machine.pushctl("limit").output != "all together  9.00 MB/s\n" {
                    guard ContinuousClock.now < end else { throw TestSupportError("the reload changed nothing") }
                }
            }
        }
    }

    @Test(
        "doctor finds what is wrong at a real registry, and that nothing is, and leaves no upload",
        .enabled(if: DebianRegistry.isInstalled))
    func doctor() async throws {
        try await Machine.with { machine in
            try await DebianRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let good = try await machine.pushctl("doctor", registry.address)
                    #expect(good.status == 0, "\(good.output)\(good.errors)")
                    let kinds = good.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
                    #expect(kinds.prefix(4) == ["resolve", "connect", "api", "login"])
                    #expect(good.output.contains("an upload to pushd-doctor was opened and given up"))
                }
                try await machine.withDaemon("registries: { '\(registry.address)': { plainHttp: false } }") { _ in
                    let bad = try await machine.pushctl("doctor", registry.address)
                    #expect(bad.status == 1)
                    #expect(bad.output.contains("it speaks plain HTTP"), "\(bad.output)")
                    let steps = try await ProcessRunner.run(
                        try builtProduct("pushctl"), ["--json", "doctor", registry.address],
                        environment: machine.environment)
                    let last = try #require(steps.output.split(separator: "\n").last)
                    let step = try JSON(parsing: String(last))
                    #expect(step["kind"]?.string == "tls")
                    #expect(step["outcome"]?.string == "bad")
                }
            }
        }
    }

    @Test("what a registry cannot do is learned, shown, kept over a restart, and forgotten by command")
    func learned() async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            try await TestRegistry.with(profile: .proxyCapped(100_000)) { registry in
                let address = registry.address
                func facts() async throws -> [String] {
                    let known = try await machine.json("registries", address).first?["registries"]?.list?.first
                    return known?["learned"]?.list?.compactMap { $0["name"]?.string } ?? []
                }
                try await machine.withDaemon { _ in
                    #expect(try await facts().isEmpty)
                    let pushed = try await machine.pushctl("push", "app:1", "\(address)/app:1")
                    #expect(pushed.status == 0, "\(pushed.errors)")
                    #expect(try await facts().contains("maximum-body"))
                }
                try await machine.withDaemon { _ in
                    let kept = try await facts()
                    #expect(kept.contains("maximum-body"))
                    let shown = try await machine.pushctl("registries", address).output
                    #expect(shown.hasPrefix("\(address)\n  state    open"), "\(shown)")
                    #expect(shown.contains("learned"))
                    #expect(try await machine.pushctl("registries", address, "--forget").status == 0)
                    #expect(try await facts().isEmpty)
                }
            }
        }
    }

    @Test("completions and pause run no program that keeps logins, registries does")
    func programs() async throws {
        try await Machine.with { machine in
            let log = machine.directory.file("log")
            try await machine.directory.makeProgram(
                """
                #!/bin/sh
                echo "$1" >>'\(log)'
                echo '{"Username":"me","Secret":"s"}'
                """, as: "docker-credential-noting")
            try machine.directory.write(
                #"{"credHelpers":{"registry.example":"noting"}}"#.utf8, to: ".docker/config.json")
            let path = machine.directory.path + ":/usr/bin:/bin"
            let daemon = try await machine.start(
                "registries: { 'registry.example': {} }", variables: ["PATH": path])
            let offered = try await machine.pushctl("__complete", "--", "resume", "")
            #expect(offered.output.contains("registry.example\n"), "\(offered.output)\(offered.errors)")
            let paused = try await machine.pushctl("pause", "registry.example")
            #expect(paused.status == 0 && !paused.output.contains("no job has been for"), "\(paused.output)")
            #expect(!FileManager.default.fileExists(atPath: log))
            #expect(try await machine.pushctl("registries").output.contains("me, from "))
            #expect(FileManager.default.fileExists(atPath: log))
            await daemon.end()
        }
    }

    @Test("a push takes the caller's own login along where it is told to, and only then")
    func callersLogin() async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            let authentication = TestAuthentication.basic(user: "caller", password: "callers-secret")
            try await TestRegistry.with(authentication: authentication) { registry in
                let encoded = Data("caller:callers-secret".utf8).base64EncodedString()
                let document = #"{"auths":{"\#(registry.address)":{"auth":"\#(encoded)"}}}"#
                let home = try machine.directory.makeDirectory("callers-home")
                _ = try machine.directory.makeDirectory("callers-home/.docker")
                try machine.directory.write(document.utf8, to: "callers-home/.docker/config.json")
                let aliases =
                    "aliases: { both: ['\(registry.address)/d/{name}:{tag}', 'other.example/{name}:{tag}'], one: "
                    + "'\(registry.address)/d/{name}:{tag}' }, defaults: { registry: '\(registry.address)' }"
                try await machine.withDaemon("retry: { base: '5ms', cap: '40ms' }, \(aliases)") { _ in
                    func push(_ words: String..., input: String? = nil) async throws -> ProcessRunner.Result {
                        try await ProcessRunner.run(
                            try builtProduct("pushctl"), ["push"] + words,
                            environment: machine.environment.merging(["HOME": home]) { $1 }, input: input)
                    }
                    let without = try await push("app:1", "\(registry.address)/a:1")
                    #expect(without.status == 1)
                    #expect(without.errors.contains("none is stored"))
                    let own = try await push("--my-login", "app:1", "\(registry.address)/b:1")
                    #expect(own.status == 0, "\(own.errors)")
                    for (place, file) in [("DOCKER_CONFIG", ""), ("REGISTRY_AUTH_FILE", "/config.json")] {
                        let elsewhere = try await ProcessRunner.run(
                            try builtProduct("pushctl"), ["push", "--my-login", "app:1", "\(registry.address)/e:1"],
                            environment: machine.environment.merging([place: home + "/.docker" + file]) { $1 })
                        #expect(elsewhere.status == 0, "\(place): \(elsewhere.errors)")
                    }
                    let password = try machine.directory.write("callers-secret\n".utf8, to: "password")
                    let given = try await push(
                        "-u", "caller", "--password-stdin", "app:1", "\(registry.address)/c:1", input: password)
                    #expect(given.status == 0, "\(given.errors)")
                    // An alias that leads to one registry is as good as its name; a password goes to no other unnamed.
                    let alias = try await push("-u", "caller", "--password-stdin", "app:1", "one", input: password)
                    #expect(alias.status == 0, "\(alias.errors)")
                    let several = try await push("-u", "caller", "--password-stdin", "app:1", "both", input: password)
                    #expect(several.status == 1)
                    #expect(
                        several.errors.contains(
                            "the login would go to 2 registries: \(registry.address), other.example"),
                        "\(several.errors)")
                    for words in [["-u", "caller", "--password-stdin"], ["--my-login"]] {
                        let namespace = try await ProcessRunner.run(
                            try builtProduct("pushctl"), ["push", "-d"] + words + ["app:1", "mine:2"],
                            environment: machine.environment.merging(["HOME": home]) { $1 }, input: password)
                        #expect(namespace.output.contains("\(registry.address)/caller/mine:2"), "\(namespace.errors)")
                    }
                    let other = try await push("--my-login", "app:1", "other.example/a:1")
                    #expect(other.errors.contains("you have no login for other.example"), "\(other.errors)")
                }
            }
        }
    }
}
