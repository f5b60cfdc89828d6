import HTTP
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite("Redirects")
struct RedirectTests {
    static func step(
        _ method: HTTPMethod, _ status: Int, to location: String?, from: String = "https://registry.test/v2/a"
    ) throws -> Redirects.Step {
        let url = try HTTPURL(parsing: from)
        var redirects = Redirects(method: method, scheme: url.scheme)
        var headers: HTTPHeaders = [:]
        if let location { headers["Location"] = location }
        return redirects.next(after: HTTPResponse(status: status, headers: headers, url: url))
    }

    @Test(
        "are followed where nothing can get lost",
        arguments: [
            (.get, 302, "https://storage.test/b"), (.head, 307, "https://storage.test/b"), (.get, 303, "/b"),
            (.put, 307, "https://storage.test/b"), (.post, 308, "/b"), (.post, 301, "/v2/a/"), (.patch, 302, "b"),
        ] as [(HTTPMethod, Int, String)])
    func followed(_ method: HTTPMethod, _ status: Int, _ location: String) throws {
        guard case .follow = try Self.step(method, status, to: location) else {
            Issue.record("not followed")
            return
        }
    }

    @Test(
        "show no client certificate to another host, port or scheme, and trust the registry's authority at its host alone",
        arguments: [
            ("https://registry.test/v2/a", true, true), ("https://registry.test:443/b", true, true),
            ("https://registry.test:8443/v2/a", false, true), ("https://storage.test/b", false, false),
            ("https://registry.test.storage.test/b", false, false), ("http://registry.test/v2/a", false, true),
        ])
    func clientCertificate(address: String, isShown: Bool, isTrusted: Bool) async throws {
        var settings = RegistrySettings()
        settings.tls = TLSOptions(
            authorityFiles: ["/ca.pem"], clientCertificate: "/client.pem", clientKey: "/client.key", verify: false)
        let http = HTTPClient()
        let client = try RegistryClient(
            domain: "registry.test", settings: settings, http: http, credentials: NoCredentials())
        let attempt = Attempt(.readBlob, "read", at: "registry.test", repository: "a")
        let call = Courier.Call(method: .get, url: try HTTPURL(parsing: address), scopes: [], attempt: attempt)
        let request = try await client.courier.request(for: call, nil)
        #expect(request.tls.clientCertificate == (isShown ? "/client.pem" : nil))
        #expect(request.tls.clientKey == (isShown ? "/client.key" : nil))
        #expect(request.tls.authorityFiles == (isTrusted ? ["/ca.pem"] : []))
        #expect(request.tls.verify != isTrusted)
        await http.shutdown()
    }

    @Test(
        "are refused elsewhere",
        arguments: [
            (.get, 302, "http://registry.test/b"), (.put, 307, "http://storage.test/b"),
            (.post, 302, "https://other.test/"), (.post, 301, "https://registry.test:8443/"), (.put, 303, "/b"),
            (.get, 302, nil), (.get, 302, "ftp://a/"), (.get, 307, "https://user@host/"),
        ] as [(HTTPMethod, Int, String?)])
    func refused(_ method: HTTPMethod, _ status: Int, _ location: String?) throws {
        guard case .refuse = try Self.step(method, status, to: location) else {
            Issue.record("not refused")
            return
        }
    }

    @Test("end after ten")
    func end() async throws {
        try await Bench.with { bench in
            let blob = try bench.blob(10)
            bench.registry.faults.add(
                Fault(.blob, times: .max, .redirect(to: "http://\(bench.registry.address)", status: 302)))
            let error = try await registryError {
                _ = try await bench.client.readBlob("team/app", blob.digest, size: 10)
            }
            #expect(error?.code == "redirect-refused")
            #expect(bench.registry.count(of: .blob) == 11)
        }
    }

    @Test("of a read go to another host without the login")
    func dropTheLogin() async throws {
        try await Bench.with(
            authentication: .basic(user: "ann", password: "secret"),
            credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            try await TestRegistry.with { storage in
                let blob = try bench.blob(70_000)
                try storage.addBlob(blob.bytes, to: "team/app")
                bench.registry.faults.add(Fault(.blob, times: .max, .redirect(to: "http://\(storage.address)")))
                let read = try await bench.client.readBlob("team/app", blob.digest, size: blob.size)
                #expect(read == blob.digest)
                #expect(storage.requests.map { $0.header("Authorization") } == [nil])
                #expect(storage.violations.isEmpty)
                #expect(bench.registry.requests.map { $0.header("Authorization") } == [nil, "Basic …"])
            }
        }
    }

    @Test("to a storage whose signature is for GET alone are asked by reading the first byte")
    func signedForGet() async throws {
        try await Bench.with { bench in
            try await TestRegistry.with { storage in
                let blob = try bench.blob(70_000)
                try storage.addBlob(blob.bytes, to: "team/app")
                bench.registry.faults.add(Fault(.blob, times: .max, .redirect(to: "http://\(storage.address)")))
                storage.faults.add(Fault(.blob, method: "HEAD", times: .max, .respond(Answer(403))))
                guard case .present = try await bench.client.blobPresence("team/app", blob.digest, size: blob.size)
                else {
                    Issue.record("it is there")
                    return
                }
                #expect(storage.methods == ["HEAD", "GET"])
                #expect(storage.requests.last?.header("Range") == "bytes=0-0")
            }
        }
    }

    @Test("to a server that refuses name that server, and not the registry", arguments: [401, 403])
    func refusedElsewhere(status: Int) async throws {
        try await Bench.with(
            authentication: .basic(user: "ann", password: "secret"),
            credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            try await TestRegistry.with { storage in
                let place = "http://\(storage.address)"
                bench.registry.faults.add(Fault(.manifest, times: .max, .redirect(to: place)))
                storage.faults.add(
                    Fault(
                        .manifest, times: .max,
                        .respond(Answer(status, headers: [("WWW-Authenticate", "Basic realm=\"x\"")]))))
                let error = try await registryError {
                    _ = try await bench.client.manifest("team/app", .tag("1"))
                }
                #expect(error?.code == (status == 401 ? "login-missing" : "denied"))
                #expect(error?.disposition == .waitForPerson)
                #expect(error?.description.contains("it sends us to \(place), which") == true)
                #expect(error?.advice?.contains("if \(place) is the registry's new address") == true)
                #expect(error?.advice?.contains("pushctl login") == false)
                #expect(storage.requests.allSatisfy { $0.header("Authorization") == nil })
            }
        }
    }

    @Test("of an upload repeat its body from the start, without the login")
    func repeatTheBody() async throws {
        try await Bench.with(
            authentication: .basic(user: "ann", password: "secret"),
            credentials: TestLogin(user: "ann", password: "secret")
        ) { bench in
            try await TestRegistry.with { storage in
                let blob = try bench.blob(3 << 20)
                let session = try await Bench.withClient(storage.address) { client, _, _ in
                    try await client.startUpload("team/app")
                }
                bench.registry.faults.add(
                    Fault(
                        .uploadBody,
                        .answerEarly(
                            afterBodyBytes: 5000,
                            Answer(
                                307, headers: [("Location", "\(session.location.absoluteString)&digest=\(blob.digest)")]
                            ))
                    ))
                let progress = TransferProgress()
                try await bench.upload(blob, progress: progress)
                #expect(storage.content(of: blob.digest) == blob.bytes)
                #expect(storage.violations.isEmpty)
                #expect(storage.requests(.uploadBody).map { $0.header("Authorization") } == [nil])
            }
        }
    }
}

@Suite("The location of an upload")
struct UploadLocationTests {
    @Test(
        "field 25: keeps its query and the scheme that the registry is spoken to with",
        arguments: [
            ("https://registry.test", "/v2/u?_state=a%2Fb==&x", "https://registry.test/v2/u?_state=a%2Fb==&x"),
            ("https://registry.test", "http://registry.test/v2/u?s=1", "https://registry.test/v2/u?s=1"),
            ("https://registry.test", "https://storage.test/u?sig=%2b", "https://storage.test/u?sig=%2b"),
            ("https://registry.test:5000", "http://registry.test:5000/u", "https://registry.test:5000/u"),
            ("https://registry.test:5000", "http://registry.test/u", "https://registry.test:5000/u"),
            ("https://registry.test", "http://storage.test/u", nil),
            ("https://registry.test", "", "https://registry.test/v2/a"),
            ("https://registry.test", "http://a b/", nil),
        ] as [(String, String, String?)])
    func keeps(_ registry: String, _ location: String, _ expected: String?) throws {
        let domain = String(registry.dropFirst("https://".count))
        let endpoint = try RegistryEndpoint(domain: domain, settings: RegistrySettings())
        let response = HTTPResponse(
            status: 202, headers: ["Location": location], url: try HTTPURL(parsing: registry + "/v2/a"))
        let attempt = Attempt(.upload, "upload", at: domain, repository: nil)
        if let expected {
            let next = try UploadLocation.next(after: response, endpoint: endpoint, attempt: attempt)
            #expect(next?.absoluteString == expected)
        } else {
            #expect(throws: RegistryError.self) {
                try UploadLocation.next(after: response, endpoint: endpoint, attempt: attempt)
            }
        }
    }
}
