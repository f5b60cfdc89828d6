import HTTP
import Synchronization
import TestSupport
import Testing

@testable import Registry

/// Logins by the namespace of the repository, which a test may change.
private final class ScopedLogins: CredentialProvider {
    private let logins: Mutex<[String: String]>
    /// How often helpers' answers were to be forgotten, and what happens then.
    let forgotten = Mutex(0)
    private let onForget: Mutex<[String: String]?>

    /// - Parameters:
    ///   - logins: user by namespace; that of "" is the host's. The password is `USER-secret`.
    ///   - afterForgetting: in their place once a helper was asked anew.
    init(_ logins: [String: String], afterForgetting: [String: String]? = nil) {
        self.logins = Mutex(logins)
        onForget = Mutex(afterForgetting)
    }

    func credential(registry: String, repository: String) -> FoundCredential? {
        let found = logins.withLock { $0[String(repository.prefix { $0 != "/" })] ?? $0[""] }
        return found.map { Self.login($0) }
    }

    func forgetAnswers(olderThan age: Duration) {
        forgotten.withLock { $0 += 1 }
        if let new = onForget.withLock({ $0 }) { change(to: new) }
    }

    func change(to new: [String: String]) { logins.withLock { $0 = new } }

    static func login(_ user: String) -> FoundCredential {
        FoundCredential(credential: .basic(user: user, password: Secret(user + "-secret")), origin: "/auth.json")
    }

    static func basic(_ user: String) -> String { basicAuthorization(user: user, password: Secret(user + "-secret")) }
}

@Suite("The login for a repository")
struct LoginScopeTests {
    private static let basic = #"Basic realm="r""#
    private let a = [AccessScope.push("a/app")]
    private let b = [AccessScope.push("b/app")]

    @Test("is that of its namespace, with Basic as with Bearer", arguments: [basic, HTTPResponse.bearer])
    func namespaces(challenge: String) async throws {
        let wire = AuthenticationWire { request, _ in
            .json(#"{"token":"for:\#(request.headers["Authorization"]?.suffix(8) ?? "none")"}"#, from: request)
        }
        let authenticator = try wire.authenticator(credentials: ScopedLogins(["a": "ann", "b": "bob", "": "eve"]))
        func expected(_ user: String) -> String {
            let basic = ScopedLogins.basic(user)
            return challenge == Self.basic ? basic : "Bearer for:\(basic.suffix(8))"
        }
        #expect(try await authenticator.answer(.refusal(challenge), for: a, sent: nil) == expected("ann"))
        #expect(try await authenticator.header(for: b) == expected("bob"))
        #expect(try await authenticator.header(for: a) == expected("ann"))
        #expect(try await authenticator.header(for: [.pull("c/app")]) == expected("eve"))
        #expect(try await authenticator.header(for: []) == expected("eve"))
        // The list of all repositories is no repository named "catalog".
        #expect(try await authenticator.header(for: [.catalog]) == expected("eve"))
        #expect(try await authenticator.header(for: b) == expected("bob"))
    }

    @Test("is that of what is wanted, whatever the registry demands besides")
    func demanded() async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(credentials: ScopedLogins(["a": "ann", "b": "bob"]))
        let challenge = HTTPResponse.bearer + #",scope="repository:b/app:pull""#
        _ = try await authenticator.answer(.refusal(challenge), for: a, sent: nil)
        #expect(wire.requests.map { $0.headers["Authorization"] } == [ScopedLogins.basic("ann")])
    }

    @Test(
        "that has changed, come or gone counts from the next request on, and old tokens do not",
        arguments: [basic, HTTPResponse.bearer])
    func changes(challenge: String) async throws {
        let wire = AuthenticationWire.issuing()
        let logins = ScopedLogins(["a": "ann"])
        let authenticator = try wire.authenticator(credentials: logins)
        let isBasic = challenge == Self.basic
        #expect(
            try await authenticator.answer(.refusal(challenge), for: a, sent: nil)
                == (isBasic ? ScopedLogins.basic("ann") : "Bearer T0"))
        logins.change(to: ["a": "bob"])
        #expect(try await authenticator.header(for: a) == (isBasic ? ScopedLogins.basic("bob") : "Bearer T1"))
        logins.change(to: [:])
        #expect(try await authenticator.header(for: a) == (isBasic ? nil : "Bearer T2"))
        logins.change(to: ["a": "ann"])
        // What was issued for the login before is not taken up again.
        #expect(try await authenticator.header(for: a) == (isBasic ? ScopedLogins.basic("ann") : "Bearer T3"))
        if !isBasic {
            let users = ["ann", "bob", nil, "ann"].map { $0.map { ScopedLogins.basic($0) } }
            #expect(wire.requests.map { $0.headers["Authorization"] } == users)
        }
    }

    @Test(
        "that has gone while a request with it was refused is missing, not rejected",
        arguments: [basic, HTTPResponse.bearer])
    func gone(challenge: String) async throws {
        let wire = AuthenticationWire { request, number in
            number == 0
                ? .json(#"{"token":"T"}"#, from: request) : .json("{}", status: 401, from: request)
        }
        let logins = ScopedLogins(["a": "ann"])
        let authenticator = try wire.authenticator(credentials: logins)
        let sent = try await authenticator.answer(.refusal(challenge), for: a, sent: nil)
        logins.change(to: [:])
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(challenge), for: a, sent: sent)
        }
        guard case .loginMissing? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "of a helper is asked for anew before it counts as rejected",
        arguments: [basic, HTTPResponse.bearer], [true, false])
    func helpers(challenge: String, isRenewed: Bool) async throws {
        let right = ScopedLogins.basic("new")
        let wire = AuthenticationWire { request, _ in
            request.headers["Authorization"] == right
                ? .json(#"{"token":"T"}"#, from: request) : .json("{}", status: 401, from: request)
        }
        let logins = ScopedLogins(["": "old"], afterForgetting: isRenewed ? ["": "new"] : nil)
        let authenticator = try wire.authenticator(credentials: logins)
        var sent: String?
        if challenge == Self.basic { sent = try await authenticator.answer(.refusal(challenge), for: a, sent: nil) }
        let old = sent
        if isRenewed {
            let header = try await authenticator.answer(.refusal(challenge), for: a, sent: old)
            #expect(header == (challenge == Self.basic ? right : "Bearer T"))
        } else {
            let error = try await authenticationError {
                try await authenticator.answer(.refusal(challenge), for: a, sent: old)
            }
            guard case .loginRejected(user: "old", origin: "/auth.json")? = error?.cause else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        #expect(logins.forgotten.withLock { $0 } == 1)
    }

    @Test("may be one for two repositories, or not")
    func one() async throws {
        let authenticator = try AuthenticationWire.issuing().authenticator(
            credentials: ScopedLogins(["a": "ann", "b": "bob"]))
        #expect(try await authenticator.haveOneLogin("a/x", "a/y"))
        #expect(try await authenticator.haveOneLogin("c/x", "d"))
        #expect(try await !authenticator.haveOneLogin("a/x", "b/x"))
        #expect(try await !authenticator.haveOneLogin("a/x", "c"))
    }

    @Test("is told with its namespaces")
    func listed() async throws {
        try await TemporaryDirectory.with { directory in
            let content = #"""
                {"auths":{"reg.example":{"auth":"YTpi"},"reg.example/team":{"auth":"YTpi"},
                "REG.example/team/app/":{"auth":"YTpi"},"other.example/x":{"auth":"YTpi"},"https://reg.example/v2/":{}}}
                """#
            let path = try directory.write(content.utf8, to: "auth.json")
            let broken = try directory.write("{".utf8, to: "broken")
            let files = CredentialFiles(
                paths: [broken, path], environment: ["REGISTRY_AUTH_FILE": directory.file("none")], home: nil)
            #expect(await files.namespaces(registry: "reg.example") == ["team", "team/app"])
            #expect(await files.namespaces(registry: "third.example") == [])
        }
    }
}
