import HTTP
import Testing

@testable import Registry

@Suite("Asking a token server")
struct TokenServerTests {
    static let identity = FoundCredential(
        credential: .identityToken(Secret("refresh/me+")), origin: "/auth.json (entry \"r\")")
    static let both = FoundCredential(
        credential: .identityToken(Secret("refresh/me+")), fallback: FoundCredential.alice.credential,
        origin: "/auth.json")

    /// The error of a first login while the server answers so.
    private func failure(
        _ status: Int, _ body: String = "", headers: HTTPHeaders = [:], login: FoundCredential?
    ) async throws -> AuthenticationError? {
        let wire = AuthenticationWire { request, _ in .json(body, status: status, headers: headers, from: request) }
        let authenticator = try wire.authenticator(login: login)
        return try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [.push("a")], sent: nil)
        }
    }

    @Test("exchanges an identity token by POST, with all scopes in one field")
    func exchanges() async throws {
        let wire = AuthenticationWire { request, _ in .json(#"{"access_token":"T"}"#, from: request) }
        let scopes = [AccessScope.push("a"), .pull("b")]
        let header = try await wire.authenticator(login: Self.identity)
            .answer(.refusal(HTTPResponse.bearer), for: scopes, sent: nil)
        #expect(header == "Bearer T")
        let request = try #require(wire.requests.first)
        #expect(request.method == .post && request.url.absoluteString == "https://auth.example/token")
        #expect(request.headers["Content-Type"] == "application/x-www-form-urlencoded")
        #expect(request.headers["Authorization"] == nil)
        guard case .bytes(let body) = request.body else {
            Issue.record("no body")
            return
        }
        #expect(
            String(decoding: body, as: UTF8.self) == "grant_type=refresh_token&service=registry.example&client_id=pushd"
                + "&scope=repository:a:pull%2Cpush%20repository:b:pull&refresh_token=refresh/me%2B")
    }

    @Test(
        "falls back to GET with the password where the server knows no exchange", arguments: [400, 401, 404, 405, 501])
    func fallsBack(status: Int) async throws {
        let wire = AuthenticationWire { request, _ in
            request.method == .post ? .json("", status: status, from: request) : .json(#"{"token":"T"}"#, from: request)
        }
        let authenticator = try wire.authenticator(login: Self.both)
        let header = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
        #expect(header == "Bearer T")
        #expect(wire.requests.map(\.method) == [.post, .get])
        #expect(wire.requests[1].headers["Authorization"] == FoundCredential.aliceBasic)
    }

    @Test("goes over the registry's proxy, or over none, as that does")
    func proxy() async throws {
        let proxy = try Proxy(parsing: "http://proxy.test:3128", source: .environment("https_proxy"))
        for choice in [ProxyChoice.environment, .none, .through(proxy)] {
            let wire = AuthenticationWire { request, _ in .json(#"{"token":"T"}"#, from: request) }
            let authenticator = try wire.authenticator(login: .alice, settings: RegistrySettings(proxy: choice))
            _ = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [.push("a")], sent: nil)
            #expect(wire.requests.map(\.proxy) == [choice])
        }
    }

    @Test("does not fall back where that tells nothing new", arguments: [403, 429, 500])
    func noFallback(status: Int) async throws {
        let wire = AuthenticationWire { request, _ in .json("", status: status, from: request) }
        let authenticator = try wire.authenticator(login: Self.both)
        #expect(
            try await authenticationError {
                try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
            } != nil)
        #expect(wire.requests.map(\.method) == [.post])
    }

    @Test(
        "that refuses a login: wrong, 401; revoked, OAuth2's word",
        arguments: [
            (401, #"{"details":"incorrect username or password"}"#, FoundCredential.alice),
            (
                400, #"{"error":"invalid_grant","error_description":"incorrect username or password"}"#,
                TokenServerTests.identity
            ),
        ])
    func rejected(status: Int, body: String, login: FoundCredential) async throws {
        let error = try await failure(status, body, login: login)
        guard case .loginRejected(user: login.user, origin: login.origin)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.serverMessage == "incorrect username or password")
        #expect(error?.isTransient == false)
    }

    @Test("that wants a login which is missing", arguments: [401, 403])
    func missing(status: Int) async throws {
        let error = try await failure(status, login: nil)
        guard case .loginMissing? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("that refuses for good", arguments: [400, 403, 404, 410])
    func refused(status: Int) async throws {
        let body = #"{"errors":[{"code":"DENIED","message":"Permission \"upload\" denied\u0007\u001b[31m"}]}"#
        let error = try await failure(status, body, login: .alice)
        guard case .tokenRefused(status)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.serverMessage == #"Permission "upload" denied  [31m"#)
    }

    @Test("that limits what comes at once, by 403 and in words, is busy for minutes")
    func rateLimit() async throws {
        let body = #"{"errors":[{"code":"DENIED","message":"exceeded a secondary rate limit, wait a few minutes"}]}"#
        let error = try await failure(403, body, login: .alice)
        guard case .tokenServerBusy(403)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.retryAfter == .seconds(120))
    }

    @Test("that is busy says when to come again", arguments: [408, 425, 429, 500, 503])
    func busy(status: Int) async throws {
        let error = try await failure(status, "<html>", headers: ["Retry-After": "17"], login: .alice)
        guard case .tokenServerBusy(status)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.retryAfter == .seconds(17))
        #expect(error?.isTransient == true)
    }

    @Test("that answers 200 without a token", arguments: ["{}", "", #"{"token":""}"#])
    func noToken(body: String) async throws {
        let error = try await failure(200, body, login: .alice)
        guard case .tokenUnusable? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.isTransient == true)
    }

    @Test(
        "that can't be reached, or answers without end",
        arguments: [
            HTTPError.Cause.refused, .responseTooLarge(limit: 65_536),
        ])
    func unreachable(cause: HTTPError.Cause) async throws {
        let wire = AuthenticationWire { request, _ in throw HTTPError(cause: cause, url: request.url) }
        let authenticator = try wire.authenticator()
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
        }
        switch (error?.cause, cause) {
        case (.tokenServerUnreachable(let found)?, .refused): #expect(found.cause == .refused)
        case (.tokenUnusable?, .responseTooLarge): break
        default: Issue.record("\(String(describing: error))")
        }
    }

    @Test("repeats no secret that the server repeats, and no failure is remembered")
    func echo() async throws {
        let wire = AuthenticationWire { request, number in
            number == 0
                ? .json(#"{"details":"user alice with open:sesame"}"#, status: 401, from: request)
                : .json(#"{"token":"T"}"#, from: request)
        }
        let authenticator = try wire.authenticator(login: .alice)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
        }
        #expect(error?.serverMessage == "user alice with …")
        #expect(!String(reflecting: error).contains("sesame"))
        #expect(try await authenticator.header(for: []) == "Bearer T")
    }

    @Test(
        "follows its redirects, with the login only at the same origin",
        arguments: [
            ("/v2/token?x=1", FoundCredential.aliceBasic), ("https://other.example/token", nil),
            ("https://auth.example:8443/token", nil),
        ] as [(String, String?)])
    func redirects(location: String, authorization: String?) async throws {
        let wire = AuthenticationWire { request, number in
            number == 0
                ? .json("", status: 307, headers: ["Location": location], from: request)
                : .json(#"{"token":"T"}"#, from: request)
        }
        let header = try await wire.authenticator(login: .alice)
            .answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
        #expect(header == "Bearer T")
        #expect(wire.requests[1].headers["Authorization"] == authorization)
    }

    @Test(
        "follows no redirect to an unsafe place, and not for ever",
        arguments: [
            ("https://127.0.0.1/token", 1), ("http://auth.example/token", 1), ("https://auth.example/token", 6),
        ])
    func unsafeRedirects(location: String, requests: Int) async throws {
        let wire = AuthenticationWire { request, _ in
            .json("", status: 302, headers: ["Location": location], from: request)
        }
        let authenticator = try wire.authenticator(login: .alice)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [], sent: nil)
        }
        switch error?.cause {
        case .realmUnsafe?: #expect(requests == 1)
        case .tokenUnusable?: #expect(requests == 6)
        default: Issue.record("\(String(describing: error))")
        }
        #expect(wire.requests.count == requests)
    }

    @Test(
        "shows the client's certificate, trusts its authorities and skips verification only at the registry's own host",
        arguments: [
            ("https://registry.example:8443/token", true), ("https://auth.example/token", false),
        ])
    func tls(realm: String, isOwnHost: Bool) async throws {
        let tls = TLSOptions(authorityFiles: ["/ca"], clientCertificate: "/cert", clientKey: "/key", verify: false)
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(settings: RegistrySettings(tls: tls))
        _ = try await authenticator.answer(.refusal(#"Bearer realm="\#(realm)""#), for: [], sent: nil)
        #expect(wire.requests.map(\.tls) == [isOwnHost ? tls : TLSOptions()])
    }
}
