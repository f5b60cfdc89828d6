import FoundationEssentials
import HTTP
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Registry

@Suite("Whether a registry is spoken to over TLS")
struct SchemeBasisTests {
    private static let caFile = RegistrySettings(tls: TLSOptions(authorityFiles: ["/ca"]))
    private static let client = RegistrySettings(tls: TLSOptions(clientCertificate: "/c", clientKey: "/k"))
    private static let insecure = RegistrySettings(tls: TLSOptions(verify: false))

    @Test(
        "follows from settings that name it, and is to be found out only at this machine",
        arguments: [
            (RegistrySettings(), true, nil), (RegistrySettings(), false, .usual),
            (RegistrySettings(plainHTTP: true), true, .plainHTTP(true)),
            (RegistrySettings(plainHTTP: true), false, .plainHTTP(true)),
            (RegistrySettings(plainHTTP: false), true, .plainHTTP(false)), (caFile, true, .setting("caFile")),
            (client, true, .setting("clientCertificate")), (insecure, true, .setting("insecure")),
            (caFile, false, .usual), (insecure, false, .usual),
        ] as [(RegistrySettings, Bool, SchemeBasis?)])
    func basis(settings: RegistrySettings, isLoopback: Bool, expected: SchemeBasis?) {
        let basis = SchemeBasis(settings: settings, isLoopback: isLoopback)
        #expect(basis == expected)
        #expect(basis.map { $0.scheme == .http } ?? false == (settings.plainHTTP == true))
    }

    @Test(
        "is what an advice speaks of: only what was set is to be taken back",
        arguments: [
            (RegistryError.Cause.wantsTLS, SchemeBasis.plainHTTP(true), "take registries.\"h:1\".plainHttp out"),
            (.wantsTLS, .found, "pushctl registries h:1 --forget"), (.wantsTLS, nil, "leads to another server"),
            (.speaksPlainHTTP, .plainHTTP(false), "set registries.\"h:1\".plainHttp to true"),
            (.speaksPlainHTTP, .usual, "set registries.\"h:1\".plainHttp to true"),
            (.speaksPlainHTTP, .setting("caFile"), "take registries.\"h:1\".caFile out of pushd.json5"),
            (.speaksPlainHTTP, .certificates("/d"), "take the certificates in /d away"),
            (.speaksPlainHTTP, nil, "leads to another server"),
        ] as [(RegistryError.Cause, SchemeBasis?, String)])
    func advice(cause: RegistryError.Cause, basis: SchemeBasis?, expected: String) {
        var error = Attempt(.readManifest, "reach it", at: "h:1", repository: nil).error(cause)
        error.schemeBasis = basis
        #expect(error.advice?.contains(expected) == true, "\(error.advice ?? "")")
        if basis != .plainHTTP(true) { #expect(error.advice?.contains("plainHttp out") == false) }
    }
}

@Suite("The search for a scheme")
struct SchemeSearchTests {
    private static func failure(_ cause: HTTPError.Cause) throws -> HTTPError {
        HTTPError(cause: cause, url: try HTTPURL(parsing: "http://localhost:1/"))
    }

    /// - Parameter plain: nil: it must not be asked.
    private func search(
        _ secure: HTTPError.Cause?, plain: (status: Int, body: String)?, failure: HTTPError.Cause? = nil,
        domain: String = "localhost:5000"
    ) async throws -> SchemeFinding {
        let search = SchemeSearch(
            secure: try HTTPURL(parsing: "https://\(domain)/v2/"), plain: try HTTPURL(parsing: "http://\(domain)/v2/"),
            limits: HTTPLimits()
        ) { request in
            #expect(request.headers.fields.isEmpty, "no login is sent")
            if request.url.scheme == .https {
                #expect(request.limits.connect == SchemeSearch.patience)
                if let secure { throw try Self.failure(secure) }
                return HTTPResponse(status: 401, url: request.url)
            }
            if let failure { throw try Self.failure(failure) }
            let (status, body) = try #require(plain, "plain HTTP is not to be tried")
            return HTTPResponse(
                status: status, headers: ["Content-Type": "text/plain"], body: Array(body.utf8), url: request.url)
        }
        return try await search.run()
    }

    @Test(
        "ends with TLS where anything speaks it, however badly",
        arguments: [
            nil, .tlsUnknownAuthority, .tlsExpired, .tlsWrongHost, .tlsClientCertificateWanted, .responseTimedOut,
            .malformedResponse(reason: "x"),
        ] as [HTTPError.Cause?])
    func speaksTLS(_ cause: HTTPError.Cause?) async throws {
        #expect(try await search(cause, plain: nil) == SchemeFinding(scheme: .https, isSure: true))
    }

    @Test("ends with plain HTTP where that is the answer to TLS")
    func answersInPlain() async throws {
        #expect(
            try await search(.tlsPlainHTTPServer, plain: nil) == SchemeFinding(scheme: .http, isSure: true))
    }

    @Test(
        "asks in plain HTTP where TLS gets no answer that tells",
        arguments: [HTTPError.Cause.connectTimedOut, .connectionBroken(reason: "x"), .tls(reason: "x")])
    func unclear(_ cause: HTTPError.Cause) async throws {
        #expect(try await search(cause, plain: (401, "")) == SchemeFinding(scheme: .http, isSure: true))
        for words in [
            "Client sent an HTTP request to an HTTPS server.\n", "The plain HTTP request was sent to HTTPS port",
            "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        ] {
            #expect(try await search(cause, plain: (400, words)) == SchemeFinding(scheme: .https, isSure: true))
        }
        let alert = try await search(cause, plain: nil, failure: .malformedResponse(reason: "\u{15}"))
        #expect(alert == SchemeFinding(scheme: .https, isSure: true))
    }

    @Test("finds nothing where nothing answers, and says why")
    func nothing() async throws {
        let refused = await #expect(throws: HTTPError.self) { try await search(.refused, plain: nil) }
        #expect(refused?.cause == .refused)
        let broken = await #expect(throws: HTTPError.self) {
            try await search(.connectionBroken(reason: "a"), plain: nil, failure: .connectionBroken(reason: "b"))
        }
        #expect(broken?.cause == .connectionBroken(reason: "b"))
        let failing = try await search(.tls(reason: "a"), plain: nil, failure: .connectionBroken(reason: "b"))
        #expect(failing == SchemeFinding(scheme: .https, isSure: false))
    }

    @Test("tries both ports where the name has none")
    func ports() async throws {
        let found = try await search(.refused, plain: (200, ""), domain: "localhost")
        #expect(found == SchemeFinding(scheme: .http, isSure: true))
    }
}

@Suite("A registry of this machine that nothing is set for", .timeLimit(.minutes(2)))
struct LoopbackRegistryTests {
    /// What outlives a client.
    private final class Kept: Sendable {
        let value: Mutex<String?>
        init(_ value: String? = nil) { self.value = Mutex(value) }
        var memory: SchemeMemory {
            SchemeMemory(
                recall: { self.value.withLock { $0 } }, keep: { fact in self.value.withLock { $0 = fact.value } })
        }
    }

    private func withClient(
        _ address: String, _ kept: Kept, settings: RegistrySettings = RegistrySettings(),
        _ body: (RegistryClient) async throws -> Void
    ) async throws {
        let http = HTTPClient()
        let client = try RegistryClient(
            domain: address, settings: settings, http: http, credentials: NoCredentials(), schemes: kept.memory)
        do { try await body(client) } catch {
            await http.shutdown()
            throw error
        }
        await http.shutdown()
    }

    @Test("is asked once whether it speaks TLS, by all that come at a time, and never again")
    func once() async throws {
        try await TestRegistry.with { registry in
            let kept = Kept()
            try await withClient(registry.address, kept) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<10 { group.addTask { try await client.checkLogin() } }
                    try await group.waitForAll()
                }
                #expect(registry.server.greetingsInTLS == 1)
                #expect(registry.methods.count == 10, "no request besides")
            }
            #expect(kept.value.withLock { $0 } == "http")
            try await withClient(registry.address, kept) { try await $0.checkLogin() }
            #expect(registry.server.greetingsInTLS == 1)
        }
    }

    @Test("is not asked where the settings say it")
    func stated() async throws {
        try await TestRegistry.with { registry in
            let kept = Kept()
            try await withClient(registry.address, kept, settings: RegistrySettings(plainHTTP: true)) {
                try await $0.checkLogin()
            }
            #expect(registry.server.greetingsInTLS == 0)
            #expect(kept.value.withLock { $0 } == nil)
        }
    }

    @Test("is looked at anew when what is remembered does not fit any more: it speaks plain HTTP now")
    func plainNow() async throws {
        try await TestRegistry.with { registry in
            let kept = Kept("https")
            try await withClient(registry.address, kept) { try await $0.checkLogin() }
            #expect(kept.value.withLock { $0 } == "http")
            #expect(registry.methods == ["GET"])
        }
    }

    @Test("is looked at anew: it speaks TLS now", .enabled(if: DebianRegistry.isInstalled))
    func secureNow() async throws {
        try await TemporaryDirectory.with { directory in
            let certificate = try await TestCertificate.make(in: directory)
            try await DebianRegistry.with(certificate: certificate) { registry in
                let kept = Kept("http")
                try await withClient(registry.address, kept) { client in
                    let error = try await registryError { try await client.checkLogin() }
                    #expect(error?.code == "certificate-untrusted")
                }
                #expect(kept.value.withLock { $0 } == "https")
            }
        }
    }

    @Test(
        "speaks TLS by its certificates, in a directory or by a setting, also where plain HTTP was found before",
        .enabled(if: DebianRegistry.isInstalled), arguments: [true, false])
    func certificates(inDirectory: Bool) async throws {
        try await TemporaryDirectory.with { directory in
            let certificate = try await TestCertificate.make(in: directory)
            try await DebianRegistry.with(certificate: certificate) { registry in
                var settings = RegistrySettings()
                if inDirectory {
                    settings.certificateDirectories = [directory.file("certs.d")]
                    let place = try directory.makeDirectory("certs.d/\(registry.address)")
                    try FileManager.default.copyItem(atPath: certificate.certificate, toPath: place + "/ca.crt")
                } else {
                    settings.tls.authorityFiles = [certificate.certificate]
                }
                try await withClient(registry.address, Kept("http"), settings: settings) { try await $0.checkLogin() }
            }
        }
    }

    @Test("that is down is not taken for either")
    func down() async throws {
        try await TestRegistry.with { registry in
            let kept = Kept()
            registry.pause()
            try await withClient(registry.address, kept) { client in
                let error = try await registryError { try await client.checkLogin() }
                #expect(error?.code == "registry-unreachable")
                #expect(kept.value.withLock { $0 } == nil)
                try registry.resume()
                try await client.checkLogin()
                #expect(kept.value.withLock { $0 } == "http")
            }
        }
    }
}
