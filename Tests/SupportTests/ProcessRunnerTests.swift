import Glibc
import TestSupport
import Testing

@Suite("A program beside a test")
struct ProcessRunnerTests {
    @Test("gives its status and both outputs")
    func run() async throws {
        let result = try await ProcessRunner.run("sh", ["-c", "echo out; echo err >&2; exit 3"])
        #expect(result.status == 3)
        #expect(result.output == "out\n")
        #expect(result.errors == "err\n")
    }

    @Test("runs in a directory, with an environment and an input of its own")
    func surroundings() async throws {
        try await TemporaryDirectory.with { directory in
            let input = try directory.write(Array("hello".utf8), to: "in")
            let result = try await ProcessRunner.run(
                "/bin/sh", ["-c", "pwd; echo $ONLY$HOME; cat"], environment: ["ONLY": "this", "PATH": "/usr/bin:/bin"],
                directory: directory.path, input: input)
            #expect(result.output == "\(directory.path)\nthis\nhello")
        }
    }

    @Test("is waited for by what it writes, and is killed at the end")
    func killed() async throws {
        let process = try await ProcessRunner.with("sh", ["-c", "echo ready; exec sleep 1000"]) { process in
            try await process.waitForOutput("ready")
            #expect(process.isRunning)
            return process
        }
        let result = try await process.wait()
        #expect(result.status == nil)
        #expect(result.signal == SIGKILL)
    }

    @Test("that ends too early says what it wrote")
    func endsEarly() async throws {
        let process = try ProcessRunner("sh", ["-c", "echo broken >&2; exit 1"])
        let error = await #expect(throws: TestSupportError.self) { try await process.waitForOutput("ready") }
        #expect(error?.description.contains("broken") == true)
    }

    @Test("that does not exist is an error that names it")
    func missing() async throws {
        let error = #expect(throws: TestSupportError.self) { try ProcessRunner("/nowhere/program") }
        #expect(error?.description.contains("/nowhere/program") == true)
        #expect(installedProgram("no-such-program-at-all") == nil)
    }

    @Test("that writes without end fills no memory")
    func bounded() async throws {
        let process = try ProcessRunner("sh", ["-c", "head -c 10000000 /dev/zero"], outputLimit: 1000)
        #expect(try await process.wait().output.utf8.count == 1000)
    }

    @Test("can be one of this package's own")
    func products() throws {
        #expect(try builtProduct("pushctl").hasSuffix("/pushctl"))
        #expect(throws: TestSupportError.self) { try builtProduct("no-such-product") }
    }

    @Test("can be a real registry", .enabled(if: DebianRegistry.isInstalled))
    func registry() async throws {
        try await DebianRegistry.with(login: true) { registry in
            let port = try #require(Int(registry.address.split(separator: ":")[1]))
            let client = try RawClient(port: port)
            #expect(try client.ask("GET", "/v2/").status == 401)
            let login = ("Authorization", "Basic cHVzaGVyOmNvcnJlY3QgaG9yc2U=")
            #expect(try client.ask("GET", "/v2/", headers: [login]).status == 200)
        }
    }

    @Test(
        "can be a real registry over TLS", .enabled(if: DebianRegistry.isInstalled && installedProgram("curl") != nil))
    func registryOverTLS() async throws {
        try await TemporaryDirectory.with { directory in
            let certificate = try await TestCertificate.make(in: directory)
            try await DebianRegistry.with(certificate: certificate) { registry in
                let result = try await ProcessRunner.run(
                    "curl", ["-sS", "--cacert", certificate.certificate, "https://\(registry.address)/v2/"])
                #expect(result.output == "{}")
            }
        }
    }
}
