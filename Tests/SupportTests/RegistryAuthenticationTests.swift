import OCI
import TestSupport
import Testing

@Suite("A test registry that wants to know who asks")
struct RegistryAuthenticationTests {
    private let basic = ("Authorization", "Basic dTpw")  // u:p

    /// A token for `scopes`, as the answer to a GET.
    private func token(_ client: RawClient, _ scopes: [String], headers: [(String, String)]? = nil) throws -> String {
        let query = (["service=test-registry"] + scopes.map { "scope=\($0)" }).joined(separator: "&")
        let reply = try client.ask("GET", "/token?\(query)", headers: headers ?? [basic])
        return member(reply.text)
    }

    /// The first string value of a JSON object.
    private func member(_ text: String) -> String {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.count > 3 ? String(parts[3]) : ""
    }

    private func bearer(_ token: String) -> (String, String) { ("Authorization", "Bearer \(token)") }

    @Test("by name and password")
    func names() async throws {
        try await TestRegistry.with(authentication: .basic(user: "u", password: "p")) { registry in
            let client = try RawClient(port: registry.port)
            let challenge = try client.ask("GET", "/v2/")
            #expect(challenge.status == 401)
            #expect(challenge.header("WWW-Authenticate") == #"Basic realm="Test Registry""#)
            #expect(try client.ask("GET", "/v2/", headers: [("Authorization", "Basic dTpx")]).status == 401)
            #expect(try client.ask("GET", "/v2/", headers: [basic]).status == 200)
            #expect(registry.violations.isEmpty)
            #expect(try client.ask("GET", "/v2/", headers: [bearer("x")]).status == 401)
            #expect(registry.violations.map(\.kind) == [.authorization])
        }
    }

    @Test("by tokens, whose scopes count")
    func tokens() async throws {
        let service = TestTokenService(user: "u", password: "p")
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            let client = try RawClient(port: registry.port, host: registry.address)
            let challenge = try client.open("team/app", query: "?mount=\(Digest(of: [1]))&from=base")
            #expect(
                challenge.header("WWW-Authenticate")
                    == #"Bearer realm="http://\#(registry.address)/token",service="test-registry","#
                    + #"scope="repository:team/app:pull,push repository:base:pull""#)
            let pull = bearer(try token(client, ["repository:team/app:pull"]))
            let push = bearer(try token(client, ["repository:team/app:pull,push"]))
            #expect(try client.ask("GET", "/v2/", headers: [pull]).status == 200)
            #expect(try client.ask("HEAD", "/v2/team/app/blobs/\(Digest(of: [1]))", headers: [pull]).status == 404)
            let denied = try client.ask("POST", "/v2/team/app/blobs/uploads/", headers: [pull], body: [])
            #expect(denied.header("WWW-Authenticate")?.contains("insufficient_scope") == true)
            let opened = try client.ask("POST", "/v2/team/app/blobs/uploads/", headers: [push], body: [])
            #expect(opened.status == 202)
            #expect(try client.ask("POST", "/v2/other/blobs/uploads/", headers: [push], body: []).status == 401)
            #expect(try client.ask("DELETE", opened.location, headers: [push], body: []).status == 401)
            registry.expireTokens()
            let expired = try client.ask("GET", "/v2/", headers: [push])
            #expect(expired.header("WWW-Authenticate")?.contains("invalid_token") == true)
            #expect(registry.count(of: .token) == 2)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("but meets no fault before it knows")
    func faultsAfterLogin() async throws {
        try await TestRegistry.with(authentication: .basic(user: "u", password: "p")) { registry in
            registry.faults.add(Fault(.ping, .respond(Answer(500))))
            let client = try RawClient(port: registry.port)
            #expect(try client.ask("GET", "/v2/").status == 401)
            #expect(try client.ask("GET", "/v2/", headers: [basic]).status == 500)
        }
    }

    @Test("and refuses wrong passwords, services and scopes at the token end point")
    func refusals() async throws {
        let service = TestTokenService(user: "u", password: "p")
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            let client = try RawClient(port: registry.port)
            let wrong = ("Authorization", "Basic dTpx")
            #expect(try client.ask("GET", "/token?service=test-registry", headers: [wrong]).status == 401)
            #expect(try client.ask("POST", "/token", body: []).status == 404)
            #expect(registry.violations.isEmpty)
            #expect(try client.ask("GET", "/token?service=other", headers: [basic]).status == 400)
            #expect(try client.ask("GET", "/token?service=test-registry&scope=app", headers: [basic]).status == 400)
            #expect(try client.ask("GET", "/token?service=test-registry", headers: [bearer("x")]).status == 401)
            #expect(registry.violations.map(\.kind) == [.authorization, .authorization, .authorization])
        }
    }

    @Test("grants less than was asked for without a word")
    func lesserGrants() async throws {
        let service = TestTokenService(user: "u", password: "p").with {
            $0.dropsFurtherScopes = true
            $0.refusedRepositories = ["secret"]
            $0.readOnlyRepositories = ["base"]
            $0.anonymousMayPull = true
        }
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            let client = try RawClient(port: registry.port)
            func status(_ method: String, _ repository: String, _ token: String) throws -> Int {
                let target = method == "POST" ? "blobs/uploads/" : "tags/list"
                return try client.ask(
                    method, "/v2/\(repository)/\(target)", headers: [bearer(token)], body: method == "POST" ? [] : nil
                ).status
            }
            let two = try token(client, ["repository:app:pull,push", "repository:base:pull"])
            #expect(try status("POST", "app", two) == 202)
            #expect(try status("GET", "base", two) == 401)
            #expect(try status("GET", "secret", token(client, ["repository:secret:pull"])) == 401)
            let readOnly = try token(client, ["repository:base:pull,push"])
            #expect(try status("GET", "base", readOnly) == 404)
            #expect(try status("POST", "base", readOnly) == 401)
            let anonymous = try token(client, ["repository:app:pull,push"], headers: [])
            #expect(try status("GET", "app", anonymous) == 404)
            #expect(try status("POST", "app", anonymous) == 401)
        }
    }

    @Test("takes refresh tokens and passwords by POST, where it is told to")
    func oauth() async throws {
        let service = TestTokenService(user: "u", password: "p").with {
            $0.identityToken = "refresh-me"
            $0.takesPasswordGrant = true
            $0.member = "access_token"
        }
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            let client = try RawClient(port: registry.port)
            func post(_ grant: String) throws -> RawClient.Reply {
                let form = "service=test-registry&client_id=x&scope=repository%3Aapp%3Apull%2Cpush&\(grant)"
                return try client.ask(
                    "POST", "/token", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                    body: Array(form.utf8))
            }
            let reply = try post("grant_type=refresh_token&refresh_token=refresh-me")
            #expect(reply.text.hasPrefix(#"{"access_token":"#))
            let headers = [bearer(member(reply.text))]
            #expect(try client.ask("POST", "/v2/app/blobs/uploads/", headers: headers, body: []).status == 202)
            #expect(try post("grant_type=password&username=u&password=p").status == 200)
            #expect(try post("grant_type=refresh_token&refresh_token=other").status == 401)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("may send an empty token, no service, no life time")
    func oddities() async throws {
        let service = TestTokenService().with {
            $0.sendsEmptyToken = true
            $0.service = nil
            $0.expiresIn = nil
            $0.challengesWithScope = false
        }
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            let client = try RawClient(port: registry.port, host: registry.address)
            let challenge = try client.ask("GET", "/v2/app/tags/list")
            #expect(challenge.header("WWW-Authenticate") == #"Bearer realm="http://\#(registry.address)/token""#)
            #expect(try client.ask("GET", "/token?scope=repository:app:pull").text == #"{"token":""}"#)
        }
    }

    @Test("forgets tokens at the end of their life")
    func lifetime() async throws {
        let service = TestTokenService().with { $0.lifetime = .zero }
        try await TestRegistry.with(authentication: .bearer(service)) { registry in
            let client = try RawClient(port: registry.port)
            let token = try token(client, [], headers: [])
            #expect(try client.ask("GET", "/v2/", headers: [bearer(token)]).status == 401)
        }
    }

    @Test("and keeps no secret in its records")
    func records() async throws {
        try await TestRegistry.with(authentication: .basic(user: "u", password: "p")) { registry in
            let client = try RawClient(port: registry.port)
            _ = try client.ask("GET", "/v2/", headers: [basic])
            #expect(registry.requests[0].header("authorization") == "Basic …")
            #expect(!"\(registry.requests)".contains("dTpw"))
        }
    }
}
