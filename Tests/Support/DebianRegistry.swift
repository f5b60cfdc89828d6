/// The real `docker-registry` of Debian (distribution 2.8), serving from a directory of the test's own.
public final class DebianRegistry: Sendable {
    /// The one login of a registry with `login: true`.
    public static let user = "pusher"
    public static let password = "correct horse"
    // bcrypt, the only form that the registry takes, of the password above.
    private static let passwordHash = "$2y$05$pushdpushdpushdpushdpur9VFEGk285awXmsesfGlAmV9j7GtYva"

    /// `127.0.0.1:PORT`, or at the address that was wanted.
    public let address: String
    public let process: ProcessRunner

    private init(address: String, process: ProcessRunner) {
        self.address = address
        self.process = process
    }

    /// Whether the program is there; tests that need it are left out otherwise.
    public static var isInstalled: Bool { installedProgram("docker-registry") != nil }

    /// Runs `body` with a registry that answers, and ends it afterwards.
    ///
    /// - Parameters:
    ///   - login: whether it wants ``user`` and ``password``, by Basic.
    ///   - certificate: for HTTPS; nil: plain HTTP.
    ///   - host: the address to listen at.
    ///   - client: a certificate that every client must show; nil: none.
    ///   - tokens: a server whose tokens it wants; nil: none.
    public static func with<Result>(
        login: Bool = false, certificate: TestCertificate? = nil, client: TestCertificate? = nil,
        tokens: SignedTokenServer? = nil, host: String = "127.0.0.1", _ body: (DebianRegistry) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            let registry = try await start(in: directory, host) { address in
                configuration(address, directory, login: login, certificate, client, tokens)
            }
            do {
                let result = try await body(registry)
                await registry.process.end()
                return result
            } catch {
                await registry.process.end()
                throw error
            }
        }
    }

    private static func start(
        in directory: TemporaryDirectory, _ host: String, configuration: (_ address: String) -> String
    ) async throws -> DebianRegistry {
        guard let program = installedProgram("docker-registry") else {
            throw TestSupportError("docker-registry is not installed")
        }
        try directory.write(Array("\(user):\(passwordHash)\n".utf8), to: "htpasswd")
        var lastError: (any Error)?
        for _ in 0..<5 {
            let address = "\(host):\(try freePort())"
            let file = try directory.write(
                Array(configuration(address).utf8), to: "registry.yml")
            let process = try ProcessRunner(
                program, ["serve", file], environment: ["PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"])
            do {
                try await process.waitForOutput("listening on")
                return DebianRegistry(address: address, process: process)
            } catch {
                await process.end()
                lastError = error
                guard process.errors.contains("address already in use") else { break }
            }
        }
        throw lastError ?? TestSupportError("docker-registry does not start")
    }

    private static func configuration(
        _ address: String, _ directory: TemporaryDirectory, login: Bool, _ certificate: TestCertificate?,
        _ client: TestCertificate?, _ tokens: SignedTokenServer?
    ) -> String {
        var lines = [
            "version: 0.1", "log: {level: info, accesslog: {disabled: true}}", "storage:",
            "  filesystem: {rootdirectory: \"\(directory.file("registry"))\"}", "  delete: {enabled: true}", "http:",
            "  addr: \"\(address)\"", "  secret: pushd-test",
        ]
        if let certificate {
            let clients = client.map { ", clientcas: [\"\($0.certificate)\"]" } ?? ""
            lines.append("  tls: {certificate: \"\(certificate.certificate)\", key: \"\(certificate.key)\"\(clients)}")
        }
        if login { lines += ["auth:", "  htpasswd: {realm: test, path: \"\(directory.file("htpasswd"))\"}"] }
        if let tokens {
            lines += [
                "auth:", "  token:", "    realm: \(tokens.realm)", "    service: \(SignedTokenServer.service)",
                "    issuer: \(SignedTokenServer.issuer)", "    rootcertbundle: \"\(tokens.certificate)\"",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
