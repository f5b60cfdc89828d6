import FoundationEssentials
import Glibc
import HTTP
import Testing

@Suite("TLS")
struct TLSTests {
    private static let now = ("20200101", "20491231")

    private let certificates: Certificates

    init() async throws { certificates = try await Certificates() }

    private func server(
        for alternative: String = "IP:127.0.0.1", days: (String, String) = now, options: [String] = []
    ) async throws -> TLSServer {
        let certificate = try await certificates.issue("server", for: alternative, days: days)
        return try TLSServer(certificate: certificate, key: certificates.path("key.pem"), options: options)
    }

    private var trusting: TLSOptions { TLSOptions(authorityFiles: [certificates.path("ca.pem")]) }

    /// Sends one GET with a client of its own.
    private func get(
        _ url: HTTPURL, _ tls: TLSOptions = TLSOptions(), environment: [String: String] = [:]
    ) async throws -> HTTPResponse {
        let client = HTTPClient(configuration: .init(authorities: AuthorityPlaces(environment: environment)))
        do {
            let response = try await client.send(HTTPRequest(url: url, tls: tls))
            await client.shutdown()
            return response
        } catch {
            await client.shutdown()
            throw error
        }
    }

    @Test("trusts an authority that was given besides the system's, or anything where asked to")
    func trusted() async throws {
        let server = try await server()
        #expect(try await get(server.url(), trusting).status == 200)
        #expect(try await get(server.url(), TLSOptions(verify: false)).status == 200)
        var both = trusting
        both.verify = false
        #expect(try await get(server.url(), both).status == 200)
    }

    @Test("does not let the trust of one request reach another with the same client")
    func separateTrust() async throws {
        let server = try await server()
        let client = HTTPClient()
        let url = try server.url()
        for _ in 0..<2 {
            #expect(try await client.send(HTTPRequest(url: url, tls: TLSOptions(verify: false))).status == 200)
            #expect(try await client.send(HTTPRequest(url: url, tls: trusting)).status == 200)
            let cause = try await cause { try await client.send(HTTPRequest(url: url)) }
            #expect(cause == .tlsUnknownAuthority)
        }
        await client.shutdown()
    }

    @Test("refuses an authority that is not known")
    func unknownAuthority() async throws {
        let server = try await server()
        #expect(try await cause { try await get(server.url(), TLSOptions()) } == .tlsUnknownAuthority)
        let others = try await Certificates()
        let tls = TLSOptions(authorityFiles: [others.path("ca.pem")])
        #expect(try await cause { try await get(server.url(), tls) } == .tlsUnknownAuthority)
    }

    @Test("trusts the authorities in a file or in directories that the environment names")
    func environment() async throws {
        let (server, others) = (try await server(), try await Certificates())
        let (ca, directory) = (certificates.path("ca.pem"), certificates.directory)
        for variables in [
            ["SSL_CERT_FILE": ca], ["SSL_CERT_DIR": directory], ["SSL_CERT_DIR": "/nonexistent:" + directory],
            ["SSL_CERT_FILE": ca, "SSL_CERT_DIR": others.directory],
            ["SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": directory],
        ] {
            #expect(try await get(server.url(), environment: variables).status == 200, "\(variables)")
            // What a request brings is trusted besides.
            let besides = TLSOptions(authorityFiles: [others.path("ca.pem")])
            #expect(try await get(server.url(), besides, environment: variables).status == 200, "\(variables)")
        }
        for variables in [
            ["SSL_CERT_FILE": others.path("ca.pem")], ["SSL_CERT_DIR": others.directory],
            ["SSL_CERT_FILE": "/nonexistent"],
        ] {
            let cause = try await cause { try await get(server.url(), environment: variables) }
            #expect(cause == .tlsUnknownAuthority, "\(variables)")
        }
        let nothing = ["SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": "/nonexistent"]
        let cause = try await cause { try await get(server.url(), environment: nothing) }
        guard case .tls(let reason) = cause else {
            Issue.record("there is nothing to trust")
            return
        }
        #expect(reason.contains("no certificate authorities"))
    }

    @Test("takes over an authority that is put into a directory of the environment's later")
    func laterAuthority() async throws {
        let (server, others) = (try await server(), try await Certificates())
        let client = HTTPClient(
            configuration: .init(authorities: AuthorityPlaces(environment: ["SSL_CERT_DIR": others.directory])))
        let url = try server.url()
        #expect(try await cause { try await client.send(HTTPRequest(url: url)) } == .tlsUnknownAuthority)
        try FileManager.default.copyItem(atPath: certificates.path("ca.pem"), toPath: others.path("new.pem"))
        let end = ContinuousClock.now + .seconds(20)
        while true {  // looked for once a second
            do {
                #expect(try await client.send(HTTPRequest(url: url)).status == 200)
                break
            } catch let error as HTTPError {
                guard ContinuousClock.now < end else { throw error }
            }
        }
        await client.shutdown()
    }

    @Test("refuses a certificate that signs itself")
    func selfSigned() async throws {
        let server = try TLSServer(certificate: certificates.path("ca.pem"), key: certificates.path("ca.key"))
        #expect(try await cause { try await get(server.url(), TLSOptions()) } == .tlsUnknownAuthority)
    }

    @Test(
        "refuses a certificate for another name",
        arguments: ["DNS:example.org", "IP:127.0.0.2", "DNS:127.0.0.1.example.org"])
    func wrongHost(alternative: String) async throws {
        let server = try await server(for: alternative)
        #expect(try await cause { try await get(server.url(), trusting) } == .tlsWrongHost)
    }

    @Test("accepts a certificate for the name used")
    func rightName() async throws {
        let server = try await server(for: "DNS:localhost")
        #expect(try await get(server.url(host: "localhost"), trusting).status == 200)
    }

    @Test("tells certificates that are out of date")
    func outOfDate() async throws {
        let old = try await server(days: ("20200101", "20210101"))
        #expect(try await cause { try await get(old.url(), trusting) } == .tlsExpired)
        let new = try await server(days: ("20480101", "20491231"))
        #expect(try await cause { try await get(new.url(), trusting) } == .tlsNotYetValid)
    }

    @Test(
        "shows a client certificate where one is wanted, and says so where it has none",
        arguments: ["-tls1_3", "-tls1_2"])
    func clientCertificate(version: String) async throws {
        let server = try await server(options: [
            version, "-Verify", "1", "-verify_return_error", "-CAfile", certificates.path("ca.pem"),
        ])
        var tls = trusting
        let cause = try await cause { try await get(server.url(), tls) }
        if version == "-tls1_3" {
            #expect(cause == .tlsClientCertificateWanted)
        } else if case .tls = cause {  // TLS 1.2 has no alert of its own for it
        } else {
            throw UnexpectedCause(cause: cause)
        }
        tls.clientCertificate = try await certificates.issue("client", days: Self.now)
        tls.clientKey = certificates.path("key.pem")
        #expect(try await get(server.url(), tls).status == 200)
    }

    @Test("names the file that it cannot use")
    func files() async throws {
        let server = try await server()
        let url = try server.url()
        let missing = certificates.path("missing.pem")
        try certificates.write("no certificate", to: "garbage.pem")
        #expect(
            try await cause { try await get(url, TLSOptions(authorityFiles: [missing])) }
                == .localRead(path: missing, errno: ENOENT))
        let garbage = try await cause {
            try await get(url, TLSOptions(authorityFiles: [certificates.path("garbage.pem")]))
        }
        guard case .tls(let reason) = garbage else { throw UnexpectedCause(cause: garbage) }
        #expect(reason.contains("garbage.pem"))
        var tls = trusting
        tls.clientCertificate = missing
        #expect(try await cause { try await get(url, tls) } == .localRead(path: missing, errno: ENOENT))
    }

    @Test("trusts what the file holds now, not what it held")
    func changedFile() async throws {
        let server = try await server()
        let url = try server.url()
        let client = HTTPClient()
        let others = try await Certificates()
        let tls = TLSOptions(authorityFiles: [certificates.path("now.pem")])
        for name in [others.path("ca.pem"), certificates.path("ca.pem"), others.path("ca.pem")] {
            try certificates.write(contents(of: name), to: "now.pem")
            if name == certificates.path("ca.pem") {
                #expect(try await client.send(HTTPRequest(url: url, tls: tls)).status == 200)
            } else {
                let cause = try await cause { try await client.send(HTTPRequest(url: url, tls: tls)) }
                #expect(cause == .tlsUnknownAuthority)
            }
        }
        await client.shutdown()
    }

    @Test("speaks no version before 1.2")
    func oldVersion() async throws {
        let server = try await server(options: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        let cause = try await cause { try await get(server.url(), trusting) }
        guard case .tls = cause else { throw UnexpectedCause(cause: cause) }
    }

    @Test("tells a server that speaks plain HTTP")
    func plainHTTP() async throws {
        let server = try RawServer { connection in
            _ = connection.read(10)
            connection.answer("400 Bad Request")
        }
        #expect(try await cause { try await get(server.url(scheme: "https"), TLSOptions()) } == .tlsPlainHTTPServer)
        server.stop()
    }

    @Test("that is broken off is a broken connection")
    func brokenOff() async throws {
        let server = try RawServer { connection in
            _ = connection.read(10)
            connection.reset()
        }
        let cause = try await cause { try await get(server.url(scheme: "https"), TLSOptions()) }
        guard case .connectionBroken = cause else { throw UnexpectedCause(cause: cause) }
        server.stop()
    }

    private func contents(of path: String) -> String {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 100_000)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
