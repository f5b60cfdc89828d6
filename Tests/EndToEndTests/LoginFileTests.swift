import FoundationEssentials
import OCI
import TestSupport
import Testing

/// What other people's programs write when they log in, as it is.
@Suite("Login files of other programs", .enabled("docker-registry of Debian is needed") { DebianRegistry.isInstalled })
struct LoginFileTests {
    private static func with(
        _ variables: [String: String] = [:], file: String? = nil,
        _ body: (Machine, DebianRegistry) async throws -> Void
    ) async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            if let file { try machine.directory.write(file.utf8, to: ".docker/config.json") }
            try await DebianRegistry.with(login: true) { registry in
                let daemon = try await machine.start(variables: variables)
                defer { daemon.send(9) }
                let refused = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
                #expect(refused.status == 1 && refused.errors.contains("pushctl login"), "\(refused.errors)")
                try await body(machine, registry)
            }
        }
    }

    /// Runs `NAME login` with the registry's password from standard input.
    private static func logIn(
        _ name: String, _ words: [String], _ machine: Machine, _ registry: DebianRegistry,
        _ variables: [String: String] = [:]
    ) async throws {
        guard let program = installedProgram(name) else { throw TestSupportError("\(name) is not installed") }
        let password = try machine.directory.write((DebianRegistry.password + "\n").utf8, to: "password")
        let login = ["login"] + words + ["-u", DebianRegistry.user, "--password-stdin", registry.address]
        let result = try await ProcessRunner.run(
            program, login, environment: machine.environment.merging(variables) { $1 }, input: password)
        guard result.status == 0 else { throw TestSupportError("\(name) login: \(result.output)\(result.errors)") }
    }

    private static func pushes(_ machine: Machine, _ registry: DebianRegistry) async throws {
        let retried = try await machine.pushctl("retry", "1")
        #expect(retried.status == 0, "\(retried.errors)")
        let waited = try await machine.pushctl("wait", "1")
        #expect(waited.status == 0, "\(waited.errors)")
        let verified = try await machine.json("verify", registry.address + "/team/app:1")
        #expect(verified.first?["verified"]?.isTrue == true)
    }

    private static func file(_ machine: Machine, _ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: machine.directory.file(name))), as: UTF8.self)
    }

    @Test(
        "podman's and skopeo's, where XDG_RUNTIME_DIR says, lets pushd push",
        .enabled("podman and skopeo are needed") {
            installedProgram("podman") != nil && installedProgram("skopeo") != nil
        }, arguments: ["podman", "skopeo"])
    func containersTools(_ name: String) async throws {
        try await TemporaryDirectory.with { runtime in
            let variables = ["XDG_RUNTIME_DIR": runtime.path]
            try await Self.with(variables) { machine, registry in
                // Storage of its own, should the program look at it.
                let own = variables.merging(["REGISTRY_AUTH_FILE": runtime.file("containers/auth.json")]) { $1 }
                _ = try runtime.makeDirectory("containers")
                try await Self.logIn(name, ["--tls-verify=false"], machine, registry, own)
                #expect(FileManager.default.fileExists(atPath: runtime.file("containers/auth.json")))
                try await Self.pushes(machine, registry)
            }
        }
    }

    @Test("docker's lets pushd push", .enabled("docker.io is needed") { installedProgram("docker") != nil })
    func docker() async throws {
        try await Self.with { machine, registry in
            // Without an engine, and without pass, which docker would prefer to the file.
            let alone = ["PATH": "/nowhere", "DOCKER_HOST": "unix://" + machine.directory.file("no-engine")]
            try await Self.logIn("docker", [], machine, registry, alone)
            #expect(try Self.file(machine, ".docker/config.json").contains(registry.address))
            try await Self.pushes(machine, registry)
        }
    }

    private static var hasPass: Bool {
        ["gpg", "pass", "docker-credential-pass"].allSatisfy { installedProgram($0) != nil }
    }

    /// A password store with a key of its own; what it needs is in the environment.
    private static func withPass(_ body: ([String: String]) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            let variables = [
                "GNUPGHOME": try directory.makeDirectory("gnupg"), "PASSWORD_STORE_DIR": directory.file("store"),
                "HOME": directory.path, "PATH": "/usr/local/bin:/usr/bin:/bin",
            ]
            func run(_ name: String, _ words: String...) async throws {
                let result = try await ProcessRunner.run(name, words, environment: variables)
                guard result.status == 0 else { throw TestSupportError("\(name): \(result.output)\(result.errors)") }
            }
            try await run("chmod", "700", directory.file("gnupg"))
            try await run(
                "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
                "--quick-generate-key", "pushd test", "default", "default", "never")
            do {
                try await run("pass", "init", "pushd test")
                try await body(variables.filter { ["GNUPGHOME", "PASSWORD_STORE_DIR"].contains($0.key) })
            } catch {
                try await run("gpgconf", "--kill", "all")
                throw error
            }
            try await run("gpgconf", "--kill", "all")
        }
    }

    @Test(
        "docker's, which leaves the password to docker-credential-pass, lets pushd push",
        .enabled("docker.io, pass, gnupg and golang-docker-credential-helpers are needed") {
            hasPass && installedProgram("docker") != nil
        })
    func dockerWithPass() async throws {
        try await Self.withPass { variables in
            // That there was no login yet must not be remembered.
            try await Self.with(variables, file: #"{"credsStore":"pass"}"#) { machine, registry in
                let noEngine = ["DOCKER_HOST": "unix://" + machine.directory.file("no-engine")]
                try await Self.logIn("docker", [], machine, registry, variables.merging(noEngine) { $1 })
                let file = try JSON(parsing: try Self.file(machine, ".docker/config.json"))
                #expect(file["credsStore"]?.string == "pass")
                #expect(file["auths"]?[registry.address] == .object([:]), "the password is not in the file: \(file)")
                try await Self.pushes(machine, registry)
            }
        }
    }

    @Test(
        "pushctl login and logout keep the password in docker-credential-pass where the file says so",
        .enabled("pass, gnupg and golang-docker-credential-helpers are needed") { hasPass })
    func pass() async throws {
        try await Self.withPass { variables in
            try await Self.with(variables, file: #"{"credsStore":"pass"}"#) { machine, registry in
                func helper(_ command: String, _ input: String) async throws -> String {
                    let file = try machine.directory.write(input.utf8, to: "input")
                    return try await ProcessRunner.run(
                        "docker-credential-pass", [command],
                        environment: machine.environment.merging(variables) { $1 }, input: file
                    ).output
                }
                let login = try await machine.logIn(registry.address)
                #expect(login.status == 0, "\(login.errors)")
                #expect(login.output.contains("docker-credential-pass"), "\(login.output)")
                let waited = try await machine.pushctl("wait", "1")
                #expect(waited.status == 0, "\(waited.errors)")
                let kept = try await helper("get", registry.address)
                #expect(try JSON(parsing: kept)["Secret"]?.string == DebianRegistry.password, "\(kept)")
                #expect(!(try Self.file(machine, ".docker/config.json")).contains("\"auth\""))

                let out = try await machine.pushctl("logout", registry.address)
                #expect(out.output.hasPrefix("logged out of \(registry.address)"), "\(out.output)\(out.errors)")
                #expect(try await !helper("list", "").contains(registry.address))
                let refused = try await machine.pushctl("push", "app:1", registry.address + "/team/app:2")
                #expect(refused.status == 1)
                #expect(try await machine.job(2)["error"]?["code"]?.string == "login-missing", "\(refused.errors)")
            }
        }
    }
}
