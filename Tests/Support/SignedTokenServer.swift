internal import FoundationEssentials

/// A token server beside the test, whose tokens are signed: Debian's registry checks them itself.
///
/// It speaks distribution's token protocol: GET with Basic, and POST with an identity token.
public final class SignedTokenServer: Sendable {
    public enum Algorithm: String, Sendable, CaseIterable { case es256, rs256 }

    /// What it does from the next request on.
    public struct Settings: Sendable, Encodable {
        public var user = DebianRegistry.user
        public var password = DebianRegistry.password
        /// A refresh token that POST takes; nil: POST answers 404.
        public var identityToken: String?
        /// Seconds after which the registry refuses a token.
        public var life = 300
        /// Seconds, as told to the client; nil leaves the member out.
        public var expiresIn: Int? = 300
        /// Seconds by which the server's clock is ahead: in `Date` and `issued_at`.
        public var skew = 0
        /// Whether what the registry checks is of that clock too, without the leeway that honest servers leave.
        public var skewsClaims = false
        /// Repositories in which nobody is granted anything.
        public var refused: [String] = []
        /// Repositories in which only `pull` is granted.
        public var readOnly: [String] = []
        let service = SignedTokenServer.service
        let issuer = SignedTokenServer.issuer

        public init() {}
    }

    /// A request for a token, as it came.
    public struct Request: Sendable, Decodable, Equatable {
        public let method: String
        public let scopes: [String]
        public let account: String?
        public let status: Int
    }

    public static let service = "pushd-test-registry"
    public static let issuer = "pushd-test-issuer"

    public let realm: String
    /// What the registry has to trust.
    public let certificate: String
    private let process: ProcessRunner
    private let settingsFile: @Sendable (Settings) throws -> Void

    private init(
        realm: String, certificate: String, process: ProcessRunner,
        settingsFile: @escaping @Sendable (Settings) throws -> Void
    ) {
        self.realm = realm
        self.certificate = certificate
        self.process = process
        self.settingsFile = settingsFile
    }

    // Debian's own: another Python need not have the package.
    private static let python = "/usr/bin/python3"

    /// Whether Debian's Python and its package for signatures are there.
    public static var isInstalled: Bool {
        get async { (try? await ProcessRunner.run(python, ["-c", "import cryptography"]))?.status == 0 }
    }

    /// Runs `body` with a server that answers, and ends it afterwards.
    public static func with<Result>(
        _ algorithm: Algorithm = .es256, _ settings: Settings = Settings(),
        _ body: (SignedTokenServer) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            let key = try await makeKey(algorithm, in: directory)
            let script = try directory.write(script.utf8, to: "token-server.py")
            // Replaced as a whole: a request never reads half of it.
            let write = { @Sendable (settings: Settings) in
                try JSONEncoder().encode(settings).write(
                    to: URL(filePath: directory.file("settings.json")), options: .atomic)
            }
            try write(settings)
            return try await ProcessRunner.with(
                python, [script, key.certificate, key.key, directory.file("settings.json")]
            ) { process in
                try await process.waitForOutput("listening on ")
                let port = process.output.split(separator: "\n").first?.split(separator: " ").last ?? ""
                return try await body(
                    SignedTokenServer(
                        realm: "http://127.0.0.1:\(port)/token", certificate: key.certificate, process: process,
                        settingsFile: write))
            }
        }
    }

    public func set(_ settings: Settings) throws { try settingsFile(settings) }

    /// All requests up to now, in the order of their answers.
    public var requests: [Request] {
        get throws {
            // What stands behind the last newline may be half a line.
            try process.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().filter {
                $0.hasPrefix("request ")
            }.map { line in
                try JSONDecoder().decode(Request.self, from: Data(line.dropFirst(8).utf8))
            }
        }
    }

    private static func makeKey(
        _ algorithm: Algorithm, in directory: TemporaryDirectory
    ) async throws -> (certificate: String, key: String) {
        let made = (certificate: directory.file("token.crt"), key: directory.file("token.key"))
        let kind =
            switch algorithm {
            case .es256: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
            case .rs256: ["rsa:2048"]
            }
        let result = try await ProcessRunner.run(
            "openssl",
            ["req", "-x509", "-newkey"] + kind + [
                "-nodes", "-days", "2", "-subj", "/CN=pushd test tokens", "-keyout", made.key, "-out",
                made.certificate,
            ])
        guard result.status == 0 else { throw TestSupportError("openssl: \(result.errors)") }
        return made
    }
}
