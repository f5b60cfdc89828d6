import HTTP
import TestSupport
import Testing

@testable import Registry

@Suite("Logging in over real connections")
struct TokenOverTheWireTests {
    /// Runs `body` against one server that is both the registry, which accepts `Bearer good`, and its token server.
    private func withRegistry(
        token: Answer, _ body: (ScriptedServer, HTTPClient, Authenticator, RegistryEndpoint) async throws -> Void
    ) async throws {
        let http = HTTPClient()
        try await ScriptedServer.with({ exchange in
            if exchange.head.path == "/token" {
                try exchange.send(token)
            } else if exchange.head.header("Authorization") == "Bearer good" {
                try exchange.send(Answer(200))
            } else {
                let host = exchange.head.header("Host") ?? ""
                let challenge = #"Bearer realm="http://\#(host)/token",service="r",scope="repository:team/app:pull""#
                try exchange.send(Answer(401, headers: [("WWW-Authenticate", challenge)]))
            }
        }) { server in
            let settings = RegistrySettings()
            let endpoint = try RegistryEndpoint(domain: server.address, settings: settings)
            let authenticator = Authenticator(
                endpoint: endpoint, settings: settings, http: http, credentials: FixedLogin(.alice))
            try await body(server, http, authenticator, endpoint)
        }
        await http.shutdown()
    }

    @Test("takes a refusal, a token and a repetition; the next request has its token at once")
    func flow() async throws {
        try await withRegistry(token: Answer(200, #"{"token":"good"}"#)) { server, http, authenticator, endpoint in
            let scopes = [AccessScope.push("team/app")]
            var request = HTTPRequest(url: try endpoint.url("/v2/team/app/manifests/1"))
            let refusal = try await http.send(request)
            request.headers["Authorization"] = try await authenticator.answer(refusal, for: scopes, sent: nil)
            #expect(try await http.send(request).status == 200)
            request.headers["Authorization"] = try await authenticator.header(for: scopes)
            #expect(try await http.send(request).status == 200)
            #expect(
                server.requests.map(\.target) == [
                    "/v2/team/app/manifests/1",
                    "/token?account=alice&service=r&scope=repository:team/app:pull%2Cpush",
                    "/v2/team/app/manifests/1", "/v2/team/app/manifests/1",
                ])
            #expect(server.requests[1].header("Authorization") == "Basic …")  // as the server records it
        }
    }

    @Test("gives up a token server whose answer is longer than 64 KiB", arguments: [0, 1])
    func longAnswer(excess: Int) async throws {
        let frame = #"{"token":"good","x":""}"#.utf8.count
        let filler = String(repeating: "x", count: TokenResponse.limitInBytes - frame + excess)
        try await withRegistry(token: Answer(200, #"{"token":"good","x":"\#(filler)"}"#)) {
            _, http, authenticator, endpoint in
            let refusal = try await http.send(HTTPRequest(url: try endpoint.url("/v2/")))
            let error = try await authenticationError {
                try await authenticator.answer(refusal, for: [], sent: nil)
            }
            guard case .tokenUnusable? = error?.cause else {
                #expect(error == nil && excess == 0)
                return
            }
            #expect(excess == 1)
        }
    }

    @Test("says which server does not answer, without the login")
    func deadTokenServer() async throws {
        let dead = try ScriptedServer { _ in }
        await dead.stop()
        let http = HTTPClient()
        let endpoint = try RegistryEndpoint(domain: dead.address, settings: RegistrySettings())
        let authenticator = Authenticator(
            endpoint: endpoint, settings: RegistrySettings(), http: http, credentials: FixedLogin(.alice))
        let refusal = try HTTPResponse.refusal(
            #"Bearer realm="\#(dead.url("/token"))""#, from: "http://\(dead.address)")
        let error = try await authenticationError { try await authenticator.answer(refusal, for: [], sent: nil) }
        guard case .tokenServerUnreachable(let reason)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.cause == .refused)
        #expect(error?.description.contains("\(dead.address)/token?account=…") == true, "\(String(describing: error))")
        await http.shutdown()
    }
}
