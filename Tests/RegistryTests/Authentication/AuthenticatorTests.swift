import HTTP
import Synchronization
import Testing

@testable import Registry

@Suite("Logging in with a bearer token")
struct AuthenticatorTests {
    let app = [AccessScope.push("team/app")]

    @Test("sends nothing until the registry asks, then asks its token server once, and once for each further scope")
    func learns() async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(login: .alice)
        #expect(try await authenticator.header(for: app) == nil)
        #expect(try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil) == "Bearer T0")
        #expect(try await authenticator.header(for: app) == "Bearer T0")
        #expect(try await authenticator.header(for: [.pull("base")]) == "Bearer T1")
        #expect(
            wire.requests.map(\.url.absoluteString) == [
                "https://auth.example/token?account=alice&service=registry.example&scope=repository:team/app:pull%2Cpush",
                "https://auth.example/token?account=alice&service=registry.example&scope=repository:base:pull",
            ])
        #expect(wire.requests.map(\.method) == [.get, .get])
        #expect(
            wire.requests.map { $0.headers["Authorization"] } == Array(repeating: FoundCredential.aliceBasic, count: 2))
        #expect(wire.requests.allSatisfy { $0.limits.responseBytes == 65_536 })
    }

    @Test("field 33: asks anonymously, and without a service, where there is no login and no service")
    func anonymous() async throws {
        let wire = AuthenticationWire.issuing()
        let challenge = #"Bearer realm="https://auth.example/token?tenant=7""#
        let header = try await wire.authenticator().answer(.refusal(challenge), for: [], sent: nil)
        #expect(header == "Bearer T0")
        #expect(wire.requests.map(\.url.absoluteString) == ["https://auth.example/token?tenant=7"])
        #expect(wire.requests[0].headers["Authorization"] == nil)
    }

    @Test("puts the scope that is needed most first, and asks for what the registry demands besides")
    func scopes() async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator()
        let mount = [AccessScope.push("team/app"), .pull("base")]
        let challenge = HTTPResponse.bearer + #",scope="repository:other:pull repository:team/app:delete""#
        _ = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: mount, sent: nil)
        _ = try await authenticator.answer(.refusal(challenge), for: app, sent: nil)
        #expect(try await authenticator.header(for: app) == "Bearer T1")  // the demand is remembered
        #expect(
            wire.requests.map { $0.url.absoluteString.split(separator: "&").filter { $0.hasPrefix("scope") } } == [
                ["scope=repository:team/app:pull%2Cpush", "scope=repository:base:pull"],
                ["scope=repository:other:pull", "scope=repository:team/app:delete%2Cpull%2Cpush"],
            ])
    }

    @Test(
        "renews a token before it ends: at a quarter of its life, or earlier if the request may take longer",
        arguments: [
            (300, 224, 0, false), (300, 226, 0, true), (300, 100, 199, false), (300, 100, 201, true),
            (300, 74, 9_999, false), (300, 76, 9_999, true), (43_200, 42_899, 0, false), (43_200, 42_901, 0, true),
            (60, 44, 0, false), (60, 46, 0, true),
        ])
    func renews(life: Int, age: Int, needed: Int, isRenewed: Bool) async throws {
        let (wire, clock) = (AuthenticationWire.issuing(expiresIn: life), TestClock())
        let authenticator = try wire.authenticator(clock: clock)
        _ = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil)
        clock.advance(by: .seconds(age))
        let header = try await authenticator.header(for: app, lifeNeeded: .seconds(needed))
        #expect(header == (isRenewed ? "Bearer T1" : "Bearer T0"))
    }

    @Test("fetches one token for many callers at the same time")
    func singleFlight() async throws {
        let gate = Gate()
        let wire = AuthenticationWire { request, number in
            await gate.wait()
            return .json(#"{"token":"T\#(number)"}"#, from: request)
        }
        let authenticator = try wire.authenticator()
        let challenge = try HTTPResponse.refusal(HTTPResponse.bearer)
        let headers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 {
                group.addTask { try await authenticator.answer(challenge, for: app, sent: nil) }
            }
            await gate.arrival()
            gate.open()
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(headers == ["Bearer T0"])
        #expect(wire.requests.count == 1)
    }

    @Test("serves the others when the caller that began the fetch is cancelled")
    func cancelledCaller() async throws {
        let gate = Gate()
        let wire = AuthenticationWire { request, number in
            await gate.wait()
            try Task.checkCancellation()
            return .json(#"{"token":"T\#(number)"}"#, from: request)
        }
        let authenticator = try wire.authenticator()
        let challenge = try HTTPResponse.refusal(HTTPResponse.bearer)
        let first = Task { try await authenticator.answer(challenge, for: app, sent: nil) }
        await gate.arrival()
        let second = Task { try await authenticator.answer(challenge, for: app, sent: nil) }
        while await authenticator.waitingForTokens < 2 { await Task.yield() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }  // at once: the gate is still closed
        gate.open()
        #expect(try await second.value == "Bearer T0")
        #expect(wire.requests.count == 1)
    }

    @Test("stops asking when the last caller has left, and a later one starts anew")
    func lastCallerLeaves() async throws {
        let (gate, ended) = (Gate(), Gate())
        let wire = AuthenticationWire { request, number in
            guard number == 0 else { return .json(#"{"token":"T\#(number)"}"#, from: request) }
            await withTaskCancellationHandler {
                await gate.wait()
            } onCancel: {
                ended.open()
            }
            throw CancellationError()
        }
        let authenticator = try wire.authenticator()
        let challenge = try HTTPResponse.refusal(HTTPResponse.bearer)
        let only = Task { try await authenticator.answer(challenge, for: app, sent: nil) }
        await gate.arrival()
        only.cancel()
        await #expect(throws: CancellationError.self) { try await only.value }
        await ended.wait()
        #expect(try await authenticator.answer(challenge, for: app, sent: nil) == "Bearer T1")
        gate.open()
    }

    @Test("renews once what the registry refuses, and believes it about a new one", arguments: [401, 403, 400])
    func refusedTokens(status: Int) async throws {
        let (wire, clock) = (AuthenticationWire.issuing(), TestClock())
        let authenticator = try wire.authenticator(login: .alice, clock: clock)
        _ = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil)
        clock.advance(by: .seconds(30))
        let challenge = status == 401 ? HTTPResponse.bearer : nil
        let body = #"{"errors":[{"code":"DENIED","message":"no right"}]}"#
        let refusal = try HTTPResponse.refusal(challenge, status: status, body: body)
        #expect(try await authenticator.answer(refusal, for: app, sent: "Bearer T0") == "Bearer T1")
        // Another request was under way with the old token: it gets the new one, not a third.
        #expect(try await authenticator.answer(refusal, for: app, sent: "Bearer T0") == "Bearer T1")
        let error = try await authenticationError {
            try await authenticator.answer(refusal, for: app, sent: "Bearer T1")
        }
        guard case .accessRefused(user: "alice", origin: FoundCredential.alice.origin, granted: nil)? = error?.cause
        else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.serverMessage == "no right")
        #expect(error?.isTransient == false)
        #expect(wire.requests.count == 2)
    }

    @Test("field 30: says what a refused token allows")
    func grantedRights() async throws {
        let wire = AuthenticationWire { request, _ in
            .json(#"{"token":"T","scope":"repository:team/app:pull"}"#, from: request)
        }
        let authenticator = try wire.authenticator(login: .alice)
        let header = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: header)
        }
        #expect(
            error?.description
                == #"registry.example refuses access to the login of alice from /auth.json (entry "r"); "#
                + "its token allows repository:team/app:pull")
    }

    @Test("does not go round in circles with a token server that issues the same token again")
    func sameTokenAgain() async throws {
        let (wire, clock) = (AuthenticationWire { request, _ in .json(#"{"token":"T"}"#, from: request) }, TestClock())
        let authenticator = try wire.authenticator(clock: clock)
        _ = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil)
        clock.advance(by: .seconds(30))
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: "Bearer T")
        }
        guard case .loginMissing(places: ["/etc/pushd/auth.json"])? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("uses a login that was made after an anonymous token was refused")
    func loginMadeLater() async throws {
        let (wire, login) = (AuthenticationWire.issuing(), FixedLogin(nil))
        let authenticator = try wire.authenticator(credentials: login)
        _ = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil)
        #expect(
            try await authenticationError {
                try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: "Bearer T0")
            } != nil)
        login.change(to: .alice)
        #expect(try await authenticator.header(for: app) == "Bearer T1")
        #expect(wire.requests.last?.headers["Authorization"] == FoundCredential.aliceBasic)
        await authenticator.credentialsChanged()
        #expect(try await authenticator.header(for: app) == "Bearer T2")
    }

    @Test("sends a ready bearer token as it is")
    func readyToken() async throws {
        let wire = AuthenticationWire.issuing()
        let login = FoundCredential(credential: .bearer(Secret("ready")), origin: "file")
        let authenticator = try wire.authenticator(login: login)
        #expect(try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: nil) == "Bearer ready")
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer), for: app, sent: "Bearer ready")
        }
        guard case .loginRejected(user: nil, origin: "file")? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(wire.requests.isEmpty)
    }

    @Test(
        "takes the first challenge that it can follow",
        arguments: [
            (#"Negotiate, Bearer realm="https://auth.example/token", Basic realm="r""#, "Bearer T0"),
            (#"Bearer service="without realm", Basic realm="r""#, FoundCredential.aliceBasic),
            (#"Bearer realm="/relative", Basic realm="r""#, FoundCredential.aliceBasic),
            (#"Basic realm="r", Bearer realm="https://auth.example/token""#, FoundCredential.aliceBasic),
        ])
    func choice(challenge: String, expected: String) async throws {
        let authenticator = try AuthenticationWire.issuing().authenticator(login: .alice)
        #expect(try await authenticator.answer(.refusal(challenge), for: app, sent: nil) == expected)
    }

    @Test(
        "fails where no challenge can be followed",
        arguments: [
            nil, "", "Negotiate", "Digest realm=x", "Bearer", #"Bearer realm="ftp://auth.example/""#,
            #"Bearer realm="x"#,
        ] as [String?])
    func unusable(challenge: String?) async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(login: .alice)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(challenge), for: app, sent: nil)
        }
        guard case .challengeUnusable? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(wire.requests.isEmpty)
    }

    @Test(
        "answers no challenge of another origin",
        arguments: [
            "https://uploads.example", "http://registry.example", "https://registry.example:8443",
        ])
    func foreignChallenge(origin: String) async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(login: .alice)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(HTTPResponse.bearer, from: origin), for: app, sent: nil)
        }
        guard case .challengeUnusable? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(wire.requests.isEmpty)
    }

    @Test("sends no login to an unsafe token server")
    func unsafeRealm() async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(login: .alice)
        let challenge = #"Bearer realm="https://169.254.169.254/latest?password=x""#
        let error = try await authenticationError {
            try await authenticator.answer(.refusal(challenge), for: app, sent: nil)
        }
        guard case .realmUnsafe(let url, _)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(url == "https://169.254.169.254/latest?password=…")
        #expect(wire.requests.isEmpty)
    }
}

@Suite("Logging in with Basic")
struct BasicAuthenticationTests {
    @Test("sends user and password with each request once the registry has asked")
    func sends() async throws {
        let wire = AuthenticationWire.issuing()
        let authenticator = try wire.authenticator(login: .alice)
        let challenge = try HTTPResponse.refusal(#"Basic realm="r""#)
        #expect(try await authenticator.answer(challenge, for: [.push("a")], sent: nil) == FoundCredential.aliceBasic)
        #expect(try await authenticator.header(for: [.pull("b")]) == FoundCredential.aliceBasic)
        #expect(wire.requests.isEmpty)
    }

    @Test("fails when they are refused, until the file holds others")
    func refused() async throws {
        let login = FixedLogin(.alice)
        let authenticator = try AuthenticationWire.issuing().authenticator(credentials: login)
        let challenge = try HTTPResponse.refusal(
            #"Basic realm="r""#, body: #"{"errors":[{"message":"no open:sesame"}]}"#)
        let error = try await authenticationError {
            try await authenticator.answer(challenge, for: [], sent: FoundCredential.aliceBasic)
        }
        guard case .loginRejected(user: "alice", origin: _)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.serverMessage == "no …")
        login.change(to: FoundCredential(credential: .basic(user: "bob", password: Secret("b")), origin: "f"))
        let header = try await authenticator.answer(challenge, for: [], sent: FoundCredential.aliceBasic)
        #expect(header == "Basic Ym9iOmI=")
        #expect(try await authenticator.header(for: []) == header)
    }

    @Test("says that a login is missing, and leaves to doctor where one was looked for")
    func missing() async throws {
        let authenticator = try AuthenticationWire.issuing().authenticator()
        let error = try await authenticationError {
            try await authenticator.answer(.refusal("Basic realm=r"), for: [], sent: nil)
        }
        guard case .loginMissing? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.advice == "log in with: pushctl login registry.example")
        #expect(authenticator.places == ["/etc/pushd/auth.json"])
        #expect(try await authenticator.header(for: []) == nil)
    }

    @Test("can't be done with a token alone")
    func tokenOnly() async throws {
        let login = FoundCredential(credential: .identityToken(Secret("t")), origin: "file")
        let authenticator = try AuthenticationWire.issuing().authenticator(login: login)
        let error = try await authenticationError {
            try await authenticator.answer(.refusal("Basic realm=r"), for: [], sent: nil)
        }
        guard case .credentialUnusable(origin: "file", _)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
