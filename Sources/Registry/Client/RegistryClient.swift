public import HTTP
internal import OCI
internal import Synchronization

/// Speaks to one registry: asks for blobs and manifests, mounts, uploads, puts.
///
/// It repeats a request in these cases only: after a 401, with a new login; where HEAD is not understood, as GET; once
/// for a manifest or an upload that is refused without a clear reason. All else is thrown: the
/// owner of the job decides whether to repeat it. Every answer is bounded, and what is read by digest is hashed.
///
/// All methods throw ``RegistryError``, and `CancellationError` when their task is cancelled.
///
/// Source: OCI distribution-spec 1.1.
public final class RegistryClient: Sendable {
    /// Host and port as the user wrote them.
    public let domain: String
    /// Makes repositories that are missing, where that is configured.
    public let repositories: RepositoryMaker?
    let courier: Courier
    let sleep: @Sendable (Duration) async throws -> Void
    /// Whether nothing is going to be pushed: no right to push is asked for.
    private let onlyReads: Bool
    /// Repositories that may be read and not pushed to.
    private let readOnly = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - domain: as in an image reference: `docker.io`, `registry.example:5000`.
    ///   - hub: the root of Docker Hub's interface for repositories.
    ///   - repositoryMade: called with each repository, or project, that was made because it was missing.
    ///   - bandwidth: what holds for the bodies that are sent.
    ///   - gate: shared with other clients of the same registry; nil: one of its own, by the settings.
    ///   - schemes: where it is kept whether a registry of this machine speaks TLS.
    ///   - sleep: waits between looks for a blob that is being stored; a test does not.
    ///   - clock: read for the age of tokens; a test has its own.
    /// - Throws: ``RegistryError`` for a domain that is no host and port.
    public init(
        domain: String, settings: RegistrySettings, http: HTTPClient, credentials: any CredentialProvider,
        hub: String = RepositoryMaker.hubAddress, repositoryMade: @escaping @Sendable (String) -> Void = { _ in },
        bandwidth: [BandwidthLimit] = [], gate: RequestGate? = nil, schemes: SchemeMemory = .none,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws(RegistryError) {
        self.domain = domain
        self.sleep = sleep
        onlyReads = false
        let certificates = CertificateDirectories(in: settings.certificateDirectories, for: domain)
        let address: RegistryAddress
        do {
            address = try RegistryAddress(
                domain: domain, settings: settings, certificates: certificates, memory: schemes)
        } catch {
            let attempt = Attempt(.readManifest, "reach the registry", at: domain, repository: nil)
            throw attempt.error(.addressInvalid(reason: error.description))
        }
        let tls = ServerTLS(settings: settings, own: certificates)
        let gate = gate ?? RequestGate(limits: settings.requests, clock: clock, sleep: sleep)
        let authenticator = Authenticator(
            address: address, settings: settings, tls: tls, http: http,
            credentials: credentials, gate: gate, clock: clock)
        courier = Courier(
            address: address, settings: settings, tls: tls, http: http,
            authenticator: authenticator, gate: gate, bandwidth: bandwidth)
        do { repositories = try Self.maker(courier, credentials, hub: hub, made: repositoryMade, clock) } catch {
            let attempt = Attempt(.createRepository, "reach Docker Hub's interface", at: domain, repository: nil)
            throw attempt.error(.addressInvalid(reason: error.description))
        }
    }

    private init(reading other: RegistryClient) {
        domain = other.domain
        sleep = other.sleep
        repositories = nil
        courier = other.courier
        onlyReads = true
    }

    /// The same, for those who only look: its tokens allow nothing else.
    public var reading: RegistryClient { RegistryClient(reading: self) }

    private static func maker(
        _ courier: Courier, _ credentials: any CredentialProvider, hub: String,
        made: @escaping @Sendable (String) -> Void, _ clock: @escaping @Sendable () -> ContinuousClock.Instant
    ) throws(HTTPURLError) -> RepositoryMaker? {
        guard let creation = courier.settings.createRepository else { return nil }
        let hub = try HTTPURL(parsing: hub)
        return RepositoryMaker(
            creation, endpoint: courier.endpoint, hub: hub, environment: courier.settings.programEnvironment,
            credentials: credentials, made: made, clock: clock
        ) { request in
            var request = request
            request.limits = courier.settings.limits
            request.proxy = courier.settings.proxy
            request.limits.responseBytes = 1 << 20
            try await courier.settle()
            request.url = courier.address.current(request.url)
            // What is set for the registry's own server is for that server alone.
            if request.url.origin == courier.endpoint.origin, request.url.scheme == .https {
                request.tls =
                    (try? await courier.tls.options(for: request.url, of: courier.endpoint.origin))
                    ?? courier.settings.tls
            }
            return try await courier.http.send(request)
        }
    }

    var settings: RegistrySettings { courier.settings }

    /// Checks that the registry accepts the login. A registry that wants no login accepts every one.
    ///
    /// - Returns: whether the registry asked for a login.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/loginRejected``; `CancellationError`.
    @discardableResult
    public func checkLogin() async throws -> Bool {
        let attempt = Attempt(.readManifest, "log in", at: domain, repository: nil)
        let call = Courier.Call(method: .get, url: try url("/v2/", for: attempt), scopes: [], attempt: attempt)
        let response = try await courier.ask(call)
        guard response.status == 200, !ServerAnswer.isPage(response) else {
            let answer = ServerAnswer(response)
            throw response.status == 404 ? attempt.error(.notARegistry) : attempt.error(answer)
        }
        return await courier.authenticator.asksForLogin
    }

    /// Whether both repositories are asked with the same login: a blob can be mounted from one into the other only then,
    /// since a request has one login.
    ///
    /// False where the login for one of them can't be read.
    public func haveOneLogin(_ one: String, _ other: String) async throws -> Bool {
        do { return try await courier.authenticator.haveOneLogin(one, other) } catch is AuthenticationError {
            return false
        }
    }

    /// Sets how long a connection of any of the registry's clients may take until the registry answers; nil: as
    /// configured.
    public func limitConnecting(to limit: Duration?) { courier.gate.limitConnecting(to: limit) }

    /// Forgets tokens: a login was made or removed.
    public func credentialsChanged() async {
        readOnly.withLock { $0 = [] }
        await courier.authenticator.credentialsChanged()
    }

    func attempt(
        _ operation: Attempt.Operation, _ text: String, _ repository: String, _ digest: Digest? = nil
    ) -> Attempt {
        Attempt(operation, text, at: domain, repository: repository, digest: digest)
    }

    func url(_ target: String, for attempt: Attempt) throws(RegistryError) -> HTTPURL {
        do { return try courier.endpoint.url(target) } catch {
            throw attempt.error(.addressInvalid(reason: error.description))
        }
    }

    /// Asks for something that is there, with the right to push, which comes next: one token does for both. Where that
    /// is not given, with the right to read.
    ///
    /// - Parameter send: how; the call's own scopes don't matter.
    func read(
        _ repository: String, _ call: Courier.Call,
        _ send: (Courier.Call) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        var call = call
        if !onlyReads, !readOnly.withLock({ $0.contains(repository) }) {
            call.scopes = [.push(repository)]
            do { return try await send(call) } catch let error as RegistryError {
                guard error.authentication != nil, [.denied, .loginMissing].contains(error.cause) else { throw error }
                readOnly.withLock { known in
                    if known.count >= 512 { known = [] }  // a bound; what is lost is learned again
                    known.insert(repository)
                }
            }
        }
        call.scopes = [.pull(repository)]
        return try await send(call)
    }
}
