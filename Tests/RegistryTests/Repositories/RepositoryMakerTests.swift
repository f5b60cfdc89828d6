import HTTP
import TestSupport
import Testing

@testable import Registry

@Suite("Repositories that are missing", .timeLimit(.minutes(1)))
struct RepositoryMakerTests {
    private static let login = OneLogin(user: "me", password: Secret("pass word"), origin: "/auth.json")

    /// A client of a registry that is only asked for repositories, here by Docker Hub's interface.
    private static func hub(
        _ interface: HubInterface, _ visibility: RepositoryCreation.Visibility = .private,
        credentials: any CredentialProvider = login,
        _ body: (RepositoryMaker, ScriptedServer, Recorder<String>) async throws -> Void
    ) async throws {
        try await ScriptedServer.with({ try interface.handle($0) }) { server in
            try await with(.hub(visibility), at: "registry.invalid", hub: server.url(), credentials) { maker, made in
                try await body(maker, server, made)
            }
            #expect(server.problems.isEmpty, "\(server.problems)")
        }
    }

    private static func with(
        _ creation: RepositoryCreation, at domain: String, hub: String = RepositoryMaker.hubAddress,
        _ credentials: any CredentialProvider, clock: TestClock? = nil,
        _ body: (RepositoryMaker, Recorder<String>) async throws -> Void
    ) async throws {
        let http = HTTPClient()
        let made = Recorder<String>()
        let clock = clock ?? TestClock()
        var settings = RegistrySettings()
        settings.createRepository = creation
        let client = try RegistryClient(
            domain: domain, settings: settings, http: http, credentials: credentials, hub: hub,
            repositoryMade: { made.add($0) }, clock: { clock.now })
        do {
            try await body(try #require(client.repositories), made)
            await http.shutdown()
        } catch {
            await http.shutdown()
            throw error
        }
    }

    @Test(
        "are made at Docker Hub as wanted, before anything is pushed", arguments: RepositoryCreation.Visibility.allCases
    )
    func hub(visibility: RepositoryCreation.Visibility) async throws {
        let interface = HubInterface(user: "me", password: "pass word", namespaces: ["team"])
        try await Self.hub(interface, visibility) { maker, server, made in
            try await maker.prepare("team/app")
            #expect(interface.repositories == ["team/app": visibility == .private])
            #expect(made.values == ["team/app"])
            #expect(
                server.requests.map(\.line) == [
                    "POST /v2/auth/token", "HEAD /v2/namespaces/team/repositories/app",
                    "POST /v2/namespaces/team/repositories",
                ])
            try await maker.prepare("team/app")
            #expect(server.requests.count == 3, "what is there is not looked for again")
        }
    }

    @Test("that exist at Docker Hub keep their visibility")
    func hubExisting() async throws {
        let interface = HubInterface(
            user: "me", password: "pass word", namespaces: ["team"], repositories: ["team/app": false])
        try await Self.hub(interface, .private) { maker, server, made in
            try await maker.prepare("team/app")
            #expect(interface.repositories == ["team/app": false])
            #expect(made.values.isEmpty)
            #expect(server.requests.map(\.method) == ["POST", "HEAD"])
        }
    }

    @Test("are looked for again after a while: one that was deleted must not come back public")
    func forgotten() async throws {
        let interface = HubInterface(user: "me", password: "pass word", namespaces: ["team"])
        let clock = TestClock()
        try await ScriptedServer.with({ try interface.handle($0) }) { server in
            let place = server.url()
            try await Self.with(.hub(.private), at: "registry.invalid", hub: place, Self.login, clock: clock) {
                maker, made in
                try await maker.prepare("team/app")
                interface.remove("team/app")
                try await maker.prepare("team/app")
                #expect(made.values == ["team/app"])
                clock.advance(by: .seconds(601))
                try await maker.prepare("team/app")
                #expect(made.values == ["team/app", "team/app"] && interface.repositories == ["team/app": true])
            }
        }
    }

    @Test("are made once for all who want them at the same time")
    func shared() async throws {
        let gate = TestGate()
        let interface = HubInterface(user: "me", password: "pass word", namespaces: ["team"])
        let handler: ScriptedServer.Handler = { exchange in
            if exchange.head.method == "HEAD" { try exchange.wait(for: gate) }
            try interface.handle(exchange)
        }
        try await ScriptedServer.with(handler) { server in
            try await Self.with(.hub(.private), at: "registry.invalid", hub: server.url(), Self.login) { maker, made in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 { group.addTask { try await maker.prepare("team/app") } }
                    try await gate.waitForArrival()
                    gate.open()
                    try await group.waitForAll()
                }
                #expect(made.values == ["team/app"])
                #expect(server.requests.count { $0.method == "HEAD" } == 1)
            }
        }
    }

    @Test("are not made by who may not: the error names the login, what it lacks and what the interface says")
    func hubRefusals() async throws {
        let interface = HubInterface(user: "me", password: "pass word", namespaces: ["team"])
        try await Self.hub(interface) { maker, _, _ in
            let error = try #require(try await registryError { try await maker.prepare("others/app") })
            #expect(error.code == "repository-creation-refused" && error.disposition == .waitForPerson)
            #expect(error.description.contains("login of me from /auth.json (HTTP status 403)"), "\(error)")
            #expect(error.advice?.contains("create repositories of others: pushctl login registry.invalid") == true)
            let name = try #require(try await registryError { try await maker.prepare("a/b/c") })
            #expect(name.description.contains("named NAMESPACE/NAME, not a/b/c"), "\(name)")
        }
        let wrong = OneLogin(user: "me", password: Secret("other"), origin: "/auth.json")
        try await Self.hub(interface, credentials: wrong) { maker, _, _ in
            let error = try #require(try await registryError { try await maker.prepare("team/app") })
            #expect(error.description.contains("rejects the login of me from /auth.json (HTTP status 401)"), "\(error)")
            #expect(error.description.contains("Incorrect authentication credentials"), "\(error)")
            #expect(!"\(error) \(error.advice ?? "")".contains("other"))
        }
        try await Self.hub(interface, credentials: NoCredentials()) { maker, server, _ in
            let error = try #require(try await registryError { try await maker.prepare("team/app") })
            #expect(error.description.contains("no login for registry.invalid is stored"), "\(error)")
            #expect(server.requests.isEmpty)
        }
        #expect(interface.repositories.isEmpty)
    }

    @Test("wait where the interface can't answer now, or not at all")
    func hubTrouble() async throws {
        let interface = HubInterface(user: "me", password: "pass word", namespaces: ["team"])
        interface.fail(with: Answer(503, "down"), Answer(429), Answer(200, "{}"))
        try await Self.hub(interface) { maker, server, _ in
            for _ in 0..<3 {
                let error = try #require(try await registryError { try await maker.prepare("team/app") })
                #expect(error.code == "repository-creation-failed" && error.disposition == .retry, "\(error)")
            }
            server.pause()
            let error = try #require(try await registryError { try await maker.prepare("team/app") })
            #expect(error.code == "repository-creation-failed" && error.disposition == .retry, "\(error)")
        }
    }

    // MARK: Harbor

    private static func harbor(
        _ interface: HarborInterface, _ visibility: RepositoryCreation.Visibility = .private,
        _ body: (RepositoryMaker, ScriptedServer, Recorder<String>) async throws -> Void
    ) async throws {
        let handler: ScriptedServer.Handler = { exchange in
            guard try interface.handle(exchange) else {
                throw TestSupportError("not Harbor's: \(exchange.head.target)")
            }
        }
        try await ScriptedServer.with(handler) { server in
            try await with(.harbor(visibility), at: server.address, Self.login) { maker, made in
                try await body(maker, server, made)
            }
            #expect(server.problems.isEmpty, "\(server.problems)")
        }
    }

    @Test("get their project at Harbor, public or private as wanted; one that exists is left as it is")
    func harbor() async throws {
        let interface = HarborInterface(user: "me", password: "pass word", projects: ["old": true])
        try await Self.harbor(interface) { maker, server, made in
            try await maker.prepare("team/back/app")
            try await maker.prepare("team/other")
            try await maker.prepare("old/app")
            #expect(interface.projects == ["team": false, "old": true])
            #expect(made.values == ["team"])
            #expect(
                server.requests.map(\.line) == [
                    "HEAD /api/v2.0/projects?project_name=team", "POST /api/v2.0/projects",
                    "HEAD /api/v2.0/projects?project_name=old",
                ])
        }
        let open = HarborInterface(user: "me", password: "pass word")
        try await Self.harbor(open, .public) { maker, _, _ in try await maker.prepare("team/app") }
        #expect(open.projects == ["team": true])
    }

    @Test("at Harbor: a login that may not create projects is named, with Harbor's words")
    func harborRefusal() async throws {
        let interface = HarborInterface(user: "me", password: "pass word", mayCreate: false)
        try await Self.harbor(interface) { maker, _, _ in
            let error = try #require(try await registryError { try await maker.prepare("team/app") })
            #expect(error.code == "repository-creation-refused")
            #expect(error.description.contains("login of me from /auth.json (HTTP status 403)"), "\(error)")
            #expect(error.description.contains("only the system admin may"), "\(error)")
        }
    }
}
