import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Credentials are for the registry alone: nothing that is written or told holds them.
@Suite("Secrets")
struct SecretTests {
    private static let user = "robot-user"
    private static let password = "pA55w0rd-7f3a9c"
    private static let identityToken = "identity-t0ken-51e2d8"

    struct Login: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The member of Docker's `config.json`.
        let entry: String
        let authentication: TestAuthentication
    }

    private static var encoded: String { Data("\(user):\(password)".utf8).base64EncodedString() }

    private static let logins = [
        Login(
            testDescription: "Basic", entry: #"{"auth":"\#(encoded)"}"#,
            authentication: .basic(user: user, password: password)),
        Login(
            testDescription: "a password for tokens", entry: #"{"auth":"\#(encoded)"}"#,
            authentication: .bearer(TestTokenService(user: user, password: password))),
        Login(
            testDescription: "an identity token", entry: #"{"auth":"","identitytoken":"\#(identityToken)"}"#,
            authentication: .bearer(
                TestTokenService(user: user, password: password).with { $0.identityToken = identityToken })),
    ]

    @Test("stand in no log, database, spool, event or error, whatever fails", arguments: logins)
    func nowhere(login: Login) async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            try await TestRegistry.with(authentication: login.authentication) { registry in
                try machine.directory.write(
                    Array(#"{"auths":{"\#(registry.address)":\#(login.entry)}}"#.utf8), to: ".docker/config.json")
                addFaults(registry)
                let daemon = try await machine.start(
                    "retry: { base: '1ms', cap: '5ms', maximumFailures: 30 }, log: { level: 'debug' }")
                defer { daemon.send(SIGKILL) }
                var told: [String] = []
                let password = try machine.directory.write(Self.password.utf8, to: "password")
                func run(_ words: [String]) async throws -> Int32? {
                    let result = try await ProcessRunner.run(
                        try builtProduct("pushctl"), words, environment: machine.environment, input: password)
                    told.append(result.output + result.errors)
                    return result.status
                }
                let address = registry.address
                let logIn = ["login", "--json", "-u", Self.user, "--password-stdin", address]
                #expect(try await run(["push", "app:1", address + "/team/app:1"]) == 0)
                #expect(try await run(logIn) == 0)
                // A login that is refused, here and for one repository only.
                registry.setAuthentication(.basic(user: "somebody-else", password: "something else"))
                #expect(try await run(["push", "app:1", address + "/other/app:2"]) == 1)
                #expect(try await run(logIn) == 1)
                #expect(try await run(["verify", "--deep", address + "/team/app:1"]) == 1)
                for words in [["show", "1"], ["show", "2"], ["events", "--since", "1h"], ["status"]] {
                    for options in [[], ["--json"]] {
                        let result = try await ProcessRunner.run(
                            try builtProduct("pushctl"), options + words, environment: machine.environment)
                        told.append(result.output + result.errors)
                    }
                }
                #expect(told.joined().contains("team/app:1"), "something was told")
                #expect(daemon.errors.contains("debug: "), "the log tells all: \(daemon.errors)")
                daemon.send(SIGTERM)
                _ = try await daemon.wait(timeout: .seconds(10))

                try search(told.joined(separator: "\n"), "what pushctl said")
                try search(daemon.output + daemon.errors, "the log")
                let files = try FileManager.default.subpathsOfDirectory(atPath: machine.state)
                #expect(files.contains("queue.db"), "\(files)")
                for file in files where !Self.isDirectory(machine.state + "/" + file) {
                    let bytes = try Data(contentsOf: URL(filePath: machine.state + "/" + file))
                    try search(String(decoding: bytes, as: UTF8.self), file)
                }
            }
        }
    }

    /// Every kind of failure on the way, once.
    private func addFaults(_ registry: TestRegistry) {
        let faults = registry.faults
        faults.add(Fault(.manifest, method: "HEAD", .respond(Answer(500, "out of order"))))
        faults.add(Fault(.manifest, method: "HEAD", nth: 2, .cut(afterBodyBytes: 0)))
        faults.add(Fault(.uploadStart, .respond(.init(429, headers: [("Retry-After", "0")], "slower"))))
        faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 100)))
        faults.add(Fault(.uploadBody, nth: 2, .loseAnswer()))
        faults.add(Fault(.uploadBody, nth: 3, .expireSession))
        faults.add(Fault(.uploadBody, nth: 4, .respond(Answer(503, "not now"))))
        faults.add(Fault(.manifest, method: "PUT", .respond(Answer(502, "<html>bad gateway</html>"))))
        faults.add(Fault(.manifest, method: "PUT", nth: 2, .garbage(Array("what?".utf8))))
    }

    private func search(_ text: String, _ place: String) throws {
        let password = Self.password
        for secret in [password, Self.identityToken, Self.encoded, "test-token-", "Basic \(Self.encoded.prefix(6))"] {
            #expect(!text.contains(secret), "\(secret) stands in \(place)")
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }
}
