import HTTP
import Synchronization

@testable import Registry

/// Stands in for the network below an ``Authenticator``: records requests and answers them as the test says.
final class AuthenticationWire: Sendable {
    typealias Answer = @Sendable (HTTPRequest, _ number: Int) async throws -> HTTPResponse

    private let recorded = Mutex<[HTTPRequest]>([])
    private let answer: Answer

    /// - Parameter answer: gets the request and how many came before it.
    init(_ answer: @escaping Answer) { self.answer = answer }

    var requests: [HTTPRequest] { recorded.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let number = recorded.withLock { requests in
            requests.append(request)
            return requests.count - 1
        }
        return try await answer(request, number)
    }

    func authenticator(
        at domain: String = "registry.example", login: FoundCredential? = nil, settings: RegistrySettings = .init(),
        clock: TestClock = TestClock()
    ) throws -> Authenticator {
        try authenticator(at: domain, credentials: FixedLogin(login), settings: settings, clock: clock)
    }

    func authenticator(
        at domain: String = "registry.example", credentials: any CredentialProvider,
        settings: RegistrySettings = .init(), clock: TestClock = TestClock()
    ) throws -> Authenticator {
        Authenticator(
            address: RegistryAddress(fixed: try RegistryEndpoint(domain: domain, settings: settings)),
            settings: settings,
            credentials: credentials, clock: { clock.now }, send: { try await self.send($0) })
    }

    /// A token server that numbers its tokens: `T0`, `T1`, …
    static func issuing(expiresIn seconds: Int = 300) -> AuthenticationWire {
        AuthenticationWire { request, number in
            .json(#"{"token":"T\#(number)","expires_in":\#(seconds)}"#, from: request)
        }
    }
}

/// A clock that only moves when told to.
final class TestClock: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { instant.withLock { $0 } }
    func advance(by duration: Duration) { instant.withLock { $0 += duration } }
}

/// Always the same login, until the test changes it.
final class FixedLogin: CredentialProvider {
    private let login: Mutex<FoundCredential?>

    init(_ login: FoundCredential?) { self.login = Mutex(login) }

    let places = ["/etc/pushd/auth.json"]
    func credential(registry: String, repository: String) -> FoundCredential? { login.withLock { $0 } }
    func change(to new: FoundCredential?) { login.withLock { $0 = new } }
}

extension FoundCredential {
    static let alice = FoundCredential(
        credential: .basic(user: "alice", password: Secret("open:sesame")), origin: "/auth.json (entry \"r\")")
    static let aliceBasic = "Basic YWxpY2U6b3BlbjpzZXNhbWU="
}

extension HTTPResponse {
    static func json(_ text: String, status: Int = 200, headers: HTTPHeaders = [:], from request: HTTPRequest) -> Self {
        HTTPResponse(status: status, headers: headers, body: Array(text.utf8), url: request.url)
    }

    /// A registry's refusal with a challenge.
    static func refusal(
        _ challenge: String?, status: Int = 401, body: String = "", from registry: String = "https://registry.example"
    ) throws -> HTTPResponse {
        var headers = HTTPHeaders()
        headers["WWW-Authenticate"] = challenge
        return HTTPResponse(
            status: status, headers: headers, body: Array(body.utf8),
            url: try HTTPURL(parsing: registry + "/v2/team/app/blobs/uploads/"))
    }

    static let bearer = #"Bearer realm="https://auth.example/token",service="registry.example""#
}

/// The error that `body` throws, which must be one of authentication.
func authenticationError<Result>(_ body: () async throws -> Result) async throws -> AuthenticationError? {
    do {
        _ = try await body()
        return nil
    } catch let error as AuthenticationError {
        return error
    }
}

extension Authenticator {
    /// At an endpoint that is known.
    init(
        endpoint: RegistryEndpoint, settings: RegistrySettings, http: HTTPClient, credentials: any CredentialProvider
    ) {
        self.init(
            address: RegistryAddress(fixed: endpoint), settings: settings, http: http, credentials: credentials)
    }
}
