import FoundationEssentials
import HTTP
import Testing

@testable import Registry

@Suite("Secrets that an answer repeats")
struct EchoedSecretsTests {
    private static func response(
        to password: String, status: Int = 401, headers: HTTPHeaders = [:], body: String = ""
    ) throws -> HTTPResponse {
        HTTPResponse(
            status: status, headers: headers, body: Array(body.utf8),
            url: try HTTPURL(parsing: "https://registry.example/v2/team/app/blobs/uploads/"),
            requestHeaders: ["Authorization": basicAuthorization(user: "admin", password: Secret(password))])
    }

    @Test(
        "are taken out of what is shown: long ones everywhere, short ones as whole words",
        arguments: [
            ("a", "a registry says: admin/a, pass=a", "… registry says: admin/…, pass=…"),
            (
                "a", #"{"password":"a"} at admin:a@host, admin%3Aa%40host"#,
                #"{"password":"…"} at admin:…@host, admin%3A…%40host"#
            ),
            ("401", "status 401, not 4010 or x401", "status …, not 4010 or x401"),
            ("in_1", "in_1 in_12 xin_1", "… in_12 xin_1"),
            ("!a?", "say!a? or b!a?b, no !a", "say… or b…b, no !a"),
            ("hunter2", "hunter2, hunter22, %3Ahunter2", "…, hunter22, %3A…"),
            ("hunter22", "xhunter22x", "x…x"),
            ("p@ss w/ord", "pass=p%40ss%20w%2Ford&x", "pass=…&x"),
            ("ä", "ä ärger", "… ärger"),
            ("secret-7", "nothing of it: secret-", "nothing of it: secret-"),
        ])
    func shown(password: String, text: String, expected: String) throws {
        #expect(EchoedSecrets(try Self.response(to: password)).removed(from: text) == expected)
    }

    @Test("are no part of the challenge's meaning", arguments: ["a", "s", "Basic", "basic", "realm", "registry", "\""])
    func challenge(password: String) async throws {
        let login = FoundCredential(credential: .basic(user: "admin", password: Secret(password)), origin: "/auth.json")
        let authenticator = try AuthenticationWire.issuing().authenticator(login: login)
        let challenge: HTTPHeaders = ["WWW-Authenticate": #"Basic realm="registry""#]
        _ = try await authenticator.answer(
            .refusal(#"Basic realm="registry""#), for: [.push("team/app")], sent: nil)
        let sent = basicAuthorization(user: "admin", password: Secret(password))
        let error = try await authenticationError {
            try await authenticator.answer(
                try Self.response(to: password, headers: challenge), for: [.push("team/app")], sent: sent)
        }
        #expect(error?.description == "registry.example rejected the login of admin from /auth.json")
    }

    @Test("are no part of a token server's address", arguments: ["e", "auth", "https", "token", "registry.example"])
    func realm(password: String) async throws {
        let wire = AuthenticationWire.issuing()
        let login = FoundCredential(credential: .basic(user: "admin", password: Secret(password)), origin: "/auth.json")
        let authenticator = try wire.authenticator(login: login)
        let challenge: HTTPHeaders = ["WWW-Authenticate": HTTPResponse.bearer]
        _ = try await authenticator.answer(
            try Self.response(to: password, headers: challenge), for: [.push("team/app")], sent: nil)
        #expect(wire.requests.first?.url.host == "auth.example")
        #expect(wire.requests.first?.url.absoluteString.contains("service=registry.example&") == true)
    }

    @Test("are no part of the codes and words that decide, and still not shown")
    func decisions() throws {
        let body = #"{"errors":[{"code":"UNAUTHORIZED","message":"quota of DENIED: immutable"}]}"#
        for (password, code, message) in [
            ("UNAUTHORIZED", "…", "quota of DENIED: immutable"), ("immutable", "UNAUTHORIZED", "quota of DENIED: …"),
        ] {
            let answer = ServerAnswer(try Self.response(to: password, status: 403, body: body))
            #expect(answer.code == "UNAUTHORIZED")
            #expect(answer.says("quota") && answer.says("immutable"))
            let attempt = Attempt(.startUpload, "push", at: "registry.example", repository: "team/app")
            let error = attempt.error(answer)
            #expect(error.cause == .quotaExceeded)
            #expect(error.says("quota"))
            #expect(error.serverCode == code)
            #expect(error.serverMessage == message)
            var dumped = ""
            dump(error, to: &dumped)
            #expect(!dumped.contains(password) && !String(reflecting: error).contains(password))
        }
    }

    @Test("are no part of a token server's code", arguments: ["invalid_grant", "grant", "invalid"])
    func grant(token: String) async throws {
        let wire = AuthenticationWire { request, _ in
            .json(#"{"error":"invalid_grant","error_description":"no \#(token)"}"#, status: 400, from: request)
        }
        let login = FoundCredential(credential: .identityToken(Secret(token)), origin: "/auth.json")
        let authenticator = try wire.authenticator(login: login)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [.push("a")], sent: nil)
        }
        guard case .loginRejected? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.serverMessage == "no …")
    }
}
