import HTTP
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite("What a registry leads to")
struct ReachTests {
    private static func step(_ registry: String, _ target: String, _ place: NetworkPlace?, trusting: Set<String> = [])
        throws -> Reach.Step
    {
        try Reach(own: HTTPURL(parsing: registry + "/").origin, trusted: trusting)
            .step(to: try HTTPURL(parsing: target), from: place)
    }

    @Test(
        "is no further inside than it is itself",
        arguments: [
            ("https://registry.example", nil, "https://storage.example/", .follow(within: .world)),
            ("https://registry.example", .world, "https://storage.example/", .follow(within: .world)),
            ("https://registry.example", .world, "https://8.8.8.8/", .follow(within: .world)),
            ("https://registry.example", .world, "https://registry.example:8443/", .follow(within: .world)),
            ("https://registry.example", .world, "https://registry.example/", .follow(within: nil)),
            ("https://registry.example", .ownNetwork, "https://storage.example/", .follow(within: .ownNetwork)),
            ("https://registry.example", .ownNetwork, "https://10.1.2.3/", .follow(within: .ownNetwork)),
            ("https://10.0.0.5:5000", nil, "https://10.0.0.6/", .follow(within: .ownNetwork)),
            ("http://127.0.0.1:5000", nil, "http://127.0.0.1:5001/", .follow(within: .thisMachine)),
            ("http://localhost:5000", nil, "http://[::1]:5001/", .follow(within: .thisMachine)),
            ("http://localhost:5000", .thisMachine, "http://storage.lan/", .follow(within: .thisMachine)),
            ("http://169.254.7.7:5000", nil, "http://169.254.7.7:5001/", .follow(within: nil)),
            ("http://169.254.7.7:5000", nil, "http://storage.lan/", .follow(within: .ownNetwork)),
        ] as [(String, NetworkPlace?, String, Reach.Step)])
    func follows(registry: String, place: NetworkPlace?, target: String, expected: Reach.Step) throws {
        #expect(try Self.step(registry, target, place) == expected)
    }

    @Test(
        "is refused further inside",
        arguments: [
            ("https://registry.example", nil, "https://127.0.0.1/"),
            ("https://registry.example", .world, "https://10.0.0.1/"),
            ("https://registry.example", .world, "https://[fd00::1]/"),
            ("https://8.8.8.8", nil, "https://192.168.1.1/"),
            ("https://registry.example", .world, "https://localhost/"),
            ("https://registry.example", .ownNetwork, "http://127.0.0.1:9000/"),
            ("https://registry.example", .ownNetwork, "http://[::1]:9000/"),
            ("http://10.0.0.5", nil, "http://169.254.169.254/latest/meta-data/"),
            ("http://127.0.0.1:5000", nil, "http://169.254.169.254/latest/meta-data/"),
            ("http://127.0.0.1:5000", nil, "http://[fe80::1]/"), ("http://127.0.0.1:5000", nil, "http://0.0.0.0:5001/"),
            ("http://127.0.0.1:5000", nil, "http://[fd00:ec2::254]/"),
            ("http://127.0.0.1:5000", nil, "http://224.0.0.1/"),
            ("http://169.254.7.7:5000", nil, "http://127.0.0.1:9000/"),
            ("http://169.254.7.7:5000", nil, "http://169.254.169.254/"),
        ] as [(String, NetworkPlace?, String)])
    func refuses(registry: String, place: NetworkPlace?, target: String) throws {
        guard case .refuse = try Self.step(registry, target, place) else {
            Issue.record("it is followed")
            return
        }
    }

    @Test("is followed anywhere where the configuration says that the registry leads there")
    func trusted() throws {
        for (entry, isTrusted) in [
            ("10.0.0.1", true), ("10.0.0.1:9000", true), ("10.0.0.1:9001", false), ("10.0.0.2", false),
        ] {
            let step = try Self.step("https://r.example", "https://10.0.0.1:9000/", .world, trusting: [entry])
            #expect((step == .follow(within: nil)) == isTrusted)
        }
    }

    private static let metadata = "http://169.254.169.254/latest/meta-data"

    @Test("is not asked by a redirect of a read, by one of a push, nor by the place where an upload goes on")
    func overTheWire() async throws {
        let digest = Digest(of: [1])
        try await ScriptedServer.with({ exchange in
            let isUpload = exchange.head.target.contains("uploads")
            let isRedirect = !isUpload || exchange.head.target.contains("moved")
            try exchange.send(
                Answer(isRedirect ? 307 : 202, headers: [("Location", Self.metadata + "?x=\(exchange.head.target)")]))
        }) { server in
            try await Bench.withClient(server.address) { client, _, _ in
                var errors: [RegistryError?] = []
                errors.append(try await registryError { _ = try await client.manifest("a", .tag("1")) })
                errors.append(try await registryError { _ = try await client.readBlob("a", digest, size: 1) })
                errors.append(try await registryError { _ = try await client.startUpload("moved") })
                let session = try await client.startUpload("a")
                errors.append(try await registryError { _ = try await client.uploadStatus("a", session, size: 9) })
                for error in errors {
                    #expect(error?.code == "leads-inside", "\(String(describing: error))")
                    #expect(error?.disposition == .waitForPerson)
                    #expect(
                        error?.description.contains("it leads to 169.254.169.254, an address that belongs to") == true)
                    #expect(error?.advice?.contains(#".leadsTo: ["169.254.169.254"]"#) == true)
                }
                #expect(server.requests.count == 4)
                // No later attempt goes on there either, also where the registry is mended meanwhile.
                try await TemporaryDirectory.with { directory in
                    let blob = try TestBlob(size: 9, seed: 1, in: directory)
                    let keeper = Keeper()
                    let error = try await registryError { try await client.upload(blob, keeper: keeper) }
                    #expect(error?.code == "leads-inside")
                    #expect(keeper.session == nil && !keeper.sessions.values.isEmpty)
                }
            }
        }
    }

    @Test("is not asked for a token")
    func realm() async throws {
        try await ScriptedServer.with({ exchange in
            let challenge = "Bearer realm=\"\(Self.metadata)\",service=\"x\""
            try exchange.send(Answer(401, headers: [("WWW-Authenticate", challenge)]))
        }) { server in
            try await Bench.withClient(server.address) { client, _, _ in
                let error = try await registryError { _ = try await client.manifest("a", .tag("1")) }
                #expect(error?.code == "login-unusable")
            }
        }
    }

    @Test("keeps its reach from what the registry's own address is, also for its token server and after a restart")
    func reaches() async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator()
        for place in [NetworkPlace.world, .ownNetwork, .thisMachine] {
            var refusal = try HTTPResponse.refusal(
                #"Bearer realm="https://auth.example/\#(place)",service="registry.example""#)
            refusal.place = place
            authenticator.address.answered(from: place)
            _ = try await authenticator.answer(refusal, for: [], sent: nil)
            #expect(wire.requests.last?.reach == place)
        }
        // An upload that goes on elsewhere is asked for only after the registry has shown where it is.
        try await ScriptedServer.with({ try $0.send(Answer(200)) }) { server in
            try await ScriptedServer.with({ try $0.send(Answer(204, headers: [("Range", "0-4")])) }) { storage in
                try await Bench.withClient(server.address) { client, _, _ in
                    let session = UploadSession(
                        location: try HTTPURL(parsing: "http://\(storage.address)/u"), offset: 0)
                    #expect(try await client.uploadStatus("a", session, size: 9)?.offset == 5)
                    #expect(server.requests.isEmpty, "an address shows where it is")
                }
            }
        }
    }

    @Test("never has its words in an error: who chose the registry may not be meant to read them")
    func words() async throws {
        let secret = "instance-credentials"
        try await ScriptedServer.with({ exchange in
            try exchange.send(
                Answer(
                    403,
                    headers: [
                        ("Content-Type", "application/json"), ("X-Request-Id", secret),
                        ("Location", "http://\(secret) x"),
                    ], #"{"errors":[{"code":"DENIED","message":"\#(secret)"}],"message":"\#(secret)"}"#))
        }) { storage in
            try await ScriptedServer.with({ exchange in
                if exchange.head.target.hasPrefix("/v2/own") {
                    try exchange.send(
                        Answer(403, headers: [("Content-Type", "application/json")], #"{"message":"\#(secret)"}"#))
                } else {
                    try exchange.send(Answer(307, headers: [("Location", storage.url("/b"))]))
                }
            }) { server in
                try await Bench.withClient(server.address) { client, _, _ in
                    let error = try await registryError { _ = try await client.manifest("a", .tag("1")) }
                    #expect(error?.code == "denied")
                    #expect(error?.description.contains(secret) == false, "\(String(describing: error))")
                    #expect(error?.serverMessage == nil && error?.requestID == nil && error?.serverCode == nil)
                    // The registry's own words are.
                    let own = try await registryError { _ = try await client.manifest("own", .tag("1")) }
                    #expect(own?.description.contains(secret) == true)
                }
            }
        }
    }

    @Test(
        "says in a token server's name only what token servers say",
        arguments: [
            (#"{"details":"wrong"}"#, true), (#"{"error":"x","error_description":"wrong"}"#, true),
            (#"{"errors":[{"message":"wrong"}]}"#, true), (#"{"message":"wrong"}"#, false),
            (#"{"detail":"wrong"}"#, false),
            ("wrong", false), (#"{"Code":"Success","Token":"wrong"}"#, false),
        ])
    func tokenWords(body: String, isShown: Bool) async throws {
        let wire = AuthenticationWire { request, _ in .json(body, status: 400, from: request) }
        let error = try await authenticationError {
            try await wire.authenticator(login: .alice).answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
        }
        #expect(error?.description.contains("wrong") == isShown, "\(String(describing: error))")
    }

    @Test("is not in plain HTTP after TLS, whoever says so")
    func downgrade() throws {
        let elsewhere = try HTTPURL(parsing: "https://storage.example/b")
        var redirects = Redirects(method: .get, scheme: .http)
        let answer = HTTPResponse(status: 302, headers: ["Location": "http://other.example/"], url: elsewhere)
        guard case .refuse = redirects.next(after: answer) else {
            Issue.record("it is followed")
            return
        }
        let endpoint = try RegistryEndpoint(domain: "r.lan", settings: RegistrySettings(plainHTTP: true))
        let attempt = Attempt(.upload, "upload", at: "r.lan", repository: nil)
        #expect(throws: RegistryError.self) {
            try UploadLocation.next(
                after: HTTPResponse(status: 202, headers: ["Location": "http://other.example/"], url: elsewhere),
                endpoint: endpoint, attempt: attempt)
        }
    }
}

@Suite("How another server that a registry leads to is authenticated")
struct ServerTLSTests {
    @Test("is by what is set for that server and lies in its directory, not by what is the registry's")
    func options() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write([], to: "storage.example:9000/own.crt")
            try directory.write([], to: "registry.example/registry.crt")
            try directory.write([], to: "auth.example:443/auth.crt")
            var settings = RegistrySettings()
            settings.tls = TLSOptions(authorityFiles: ["/ca"], clientCertificate: "/c", clientKey: "/k", verify: false)
            settings.certificateDirectories = [directory.path]
            settings.tlsOfOthers = ["auth.example": TLSOptions(authorityFiles: ["/auth"])]
            let own = CertificateDirectories(in: [directory.path], for: "registry.example")
            let tls = ServerTLS(settings: settings, own: own)
            let registry = try HTTPURL(parsing: "https://registry.example/").origin
            func options(_ url: String) async throws -> TLSOptions {
                try await tls.options(for: try HTTPURL(parsing: url), of: registry)
            }
            let ours = try await options("https://registry.example/v2/")
            #expect(ours.authorityFiles == ["/ca", directory.file("registry.example/registry.crt")])
            #expect(!ours.verify && ours.clientCertificate == "/c")
            let otherPort = try await options("https://registry.example:8443/")
            #expect(otherPort.clientCertificate == nil && otherPort.clientKey == nil)
            let storage = try await options("https://storage.example:9000/b")
            #expect(storage == TLSOptions(authorityFiles: [directory.file("storage.example:9000/own.crt")]))
            let auth = try await options("https://auth.example/token")
            #expect(auth == TLSOptions(authorityFiles: ["/auth", directory.file("auth.example:443/auth.crt")]))
            #expect(try await options("https://other.example/") == TLSOptions())
        }
    }
}
