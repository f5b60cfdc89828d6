public import HTTP

/// Makes the `Authorization` header for one registry, and keeps what it learns: how the registry wants to be logged in
/// to, and the tokens.
///
/// Nothing is known at first: the first request goes without a header, and the registry's 401 says how to go on. From
/// then on every request has its header before its first body byte is sent.
///
/// Which login is used is asked anew for each request: it depends on the repository, and files change. The tokens of all
/// repositories are kept side by side, one for each login and set of scopes: what was issued for one login is never used
/// for another. A token is fetched once, however many callers want it; a caller that is cancelled leaves, and the others
/// get it.
public actor Authenticator {
    /// How the registry is logged in to.
    private enum Method {
        case basic
        case bearer(realm: HTTPURL, service: String?)
    }

    nonisolated let address: RegistryAddress
    private var endpoint: RegistryEndpoint { address.endpoint }
    private let credentials: any CredentialProvider
    private let server: TokenServer
    private let now: @Sendable () -> ContinuousClock.Instant

    private var method: Method?
    private var tokens = TokenCache()
    private let fetches = SharedWork<TokenCache.Key, TokenCache.Token>()
    /// The scopes that were wanted, and those and more that the registry then demanded.
    private var demanded: [[AccessScope]: [AccessScope]] = [:]

    /// - Parameters:
    ///   - tls: how servers are authenticated; nil: by the settings.
    ///   - gate: whose limit of connections holds at the token server too.
    ///   - clock: read for the age of tokens; a test has its own.
    init(
        address: RegistryAddress, settings: RegistrySettings, tls: ServerTLS? = nil,
        http: HTTPClient, credentials: any CredentialProvider, gate: RequestGate? = nil,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.init(
            address: address, settings: settings, tls: tls, credentials: credentials, clock: clock
        ) { request in
            var request = request
            gate?.apply(to: &request)
            return try await http.send(request)
        }
    }

    init(
        address: RegistryAddress, settings: RegistrySettings, tls: ServerTLS? = nil,
        credentials: any CredentialProvider,
        clock: @escaping @Sendable () -> ContinuousClock.Instant,
        send: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        self.address = address
        self.credentials = credentials
        server = TokenServer(
            address: address, settings: settings,
            tls: tls
                ?? ServerTLS(
                    settings: settings,
                    own: CertificateDirectories(in: settings.certificateDirectories, for: address.endpoint.domain)),
            send: send, places: credentials.places)
        now = clock
    }

    /// Where logins are looked for, in order.
    nonisolated var places: [String] { credentials.places }

    /// The header to send with a request; nil where nothing is known yet, or where there is no login for Basic: the
    /// request is sent without a header then, and ``answer(_:for:sent:)`` handles the 401.
    ///
    /// - Parameters:
    ///   - scopes: what the request needs, the most important first.
    ///   - lifeNeeded: how long the request may take, body included. A token that does not last so long is renewed
    ///     before; where a new one does not last so long either, it must have three quarters of its life before it.
    /// - Throws: ``AuthenticationError``, `CancellationError`.
    public func header(for scopes: [AccessScope], lifeNeeded: Duration = .zero) async throws -> String? {
        guard method != nil else { return nil }
        let login = try await login(for: scopes)
        switch method {
        case nil: return nil
        case .basic: return try login.map(basicValue)
        case .bearer(let realm, let service):
            let key = TokenCache.Key(realm: realm, service: service, scopes: demanded[scopes] ?? scopes, login: login)
            return try await token(key, for: scopes, lifeNeeded: lifeNeeded).authorization.revealed()
        }
    }

    /// The header with which to repeat a request that was refused: once at most, since a second refusal would be
    /// answered with a new token for as long as the registry is slow.
    ///
    /// - Parameters:
    ///   - response: a 401; or a 403 or 400 to a request that had a header, which some registries send where a token
    ///     is too old.
    ///   - scopes: as given to ``header(for:lifeNeeded:)``.
    ///   - authorization: the header that the request had.
    /// - Throws: ``AuthenticationError``; for a header that was made just now: there is no right, or no login.
    ///   `CancellationError`.
    public func answer(
        _ response: HTTPResponse, for scopes: [AccessScope], sent authorization: String?
    ) async throws -> String {
        guard response.url.origin == endpoint.origin else {
            let reason = "\(response.url.origin) asks for a login, and logins go only to \(endpoint.origin)"
            throw failure(.challengeUnusable(reason: reason))
        }
        let wanted = try learn(from: response, for: scopes)
        let login = try await login(for: scopes)
        switch method {
        case nil: throw failure(.challengeUnusable(reason: "its answer has no WWW-Authenticate header"))
        case .basic: return try await basicAnswer(to: response, with: login, for: scopes, sent: authorization)
        case .bearer(let realm, let service):
            let key = TokenCache.Key(realm: realm, service: service, scopes: wanted, login: login)
            if let token = tokens[key], token.authorization.revealed() == authorization {
                tokens[key] = nil
                if token.isFresh(at: now()) { throw refusal(of: token.login, wanted, token.granted, response) }
            }
            let token = try await token(key, for: scopes, lifeNeeded: .zero)
            guard token.authorization.revealed() != authorization else {  // its server issues the same one again
                tokens[key] = nil
                throw refusal(of: token.login, wanted, token.granted, response)
            }
            return token.authorization.revealed()
        }
    }

    /// Forgets all tokens: a login was made or removed, and what it may do may have changed.
    public func credentialsChanged() { tokens = TokenCache() }

    /// Whether the registry has said how it wants to be logged in to.
    var asksForLogin: Bool { method != nil }

    /// Where tokens come from; nil where none are wanted, or nothing was asked yet.
    var tokenServer: HTTPOrigin? {
        if case .bearer(let realm, _) = method { realm.origin } else { nil }
    }

    /// Whether what is asked of both repositories is asked with the same login: one request, and one token, can be about
    /// both only then.
    func haveOneLogin(_ one: String, _ other: String) async throws -> Bool {
        let logins = (try await login(for: one), try await login(for: other))
        return logins.0?.credential == logins.1?.credential && logins.0?.fallback == logins.1?.fallback
    }

    /// The login that is stored for a repository.
    func login(for repository: String) async throws -> FoundCredential? {
        try await credentials.credential(registry: endpoint.domain, repository: repository)
    }

    /// How many callers wait for a token at this moment.
    var waitingForTokens: Int { get async { await fetches.waiterCount } }

    // MARK: - Learning

    /// Takes over how the registry wants to be logged in to, if it says so.
    ///
    /// - Returns: the scopes to ask for: those that it demands and those that are wanted.
    private func learn(
        from response: HTTPResponse, for scopes: [AccessScope]
    ) throws(AuthenticationError) -> [AccessScope] {
        var unusable: [String] = []
        let secrets = EchoedSecrets(response)
        for challenge in Challenge.parse(response.headers.values("WWW-Authenticate")) {
            switch challenge.scheme {
            case "basic":
                method = .basic
                return scopes
            case "bearer":
                guard let text = challenge.realm else {
                    unusable.append("its Bearer challenge has no realm")
                    continue
                }
                let realm: HTTPURL
                do { realm = try HTTPURL(parsing: text) } catch {
                    unusable.append("the realm of its Bearer challenge is \(secrets.removed(from: error.description))")
                    continue
                }
                if let reason = server.objection(to: realm, namedBy: response) {
                    throw failure(.realmUnsafe(url: secrets.removed(from: realm.description), reason: reason))
                }
                method = .bearer(realm: realm, service: challenge.service)
                let union = AccessScope.union(challenge.scopes, scopes)
                if Set(union) != Set(scopes) { remember(union, for: scopes) }
                return demanded[scopes] ?? scopes
            default:
                unusable.append("it offers \(secrets.removed(from: challenge.scheme).prefix(30))")
            }
        }
        guard unusable.isEmpty else { throw failure(.challengeUnusable(reason: unusable.joined(separator: "; "))) }
        return demanded[scopes] ?? scopes
    }

    private func remember(_ union: [AccessScope], for scopes: [AccessScope]) {
        if demanded.count >= 512 { demanded = [:] }  // a bound; what is lost is learned again from a 401
        demanded[scopes] = union
    }

    // MARK: - Basic

    private func basicAnswer(
        to response: HTTPResponse, with login: FoundCredential?, for scopes: [AccessScope], sent: String?
    ) async throws -> String {
        guard let login else { throw failure(.loginMissing(places: credentials.places), response) }
        let authorization = try basicValue(for: login)
        guard authorization == sent else { return authorization }
        if let newer = try await renewed(login, for: scopes) { return try basicValue(for: newer) }
        guard response.status == 401 else { throw refusal(of: login, scopes, nil, response) }
        throw failure(.loginRejected(user: login.user, origin: login.origin), response, hiding: login)
    }

    private func basicValue(for login: FoundCredential) throws(AuthenticationError) -> String {
        for case .basic(let user, let password)? in [login.credential, login.fallback] {
            return basicAuthorization(user: user, password: password)
        }
        throw failure(
            .credentialUnusable(origin: login.origin, reason: "it is a token, and the registry wants a password"))
    }

    // MARK: - Bearer

    /// - Parameter scopes: as given to ``header(for:lifeNeeded:)``; the key may hold more.
    private func token(
        _ key: TokenCache.Key, for scopes: [AccessScope], lifeNeeded: Duration
    ) async throws -> TokenCache.Token {
        if let token = tokens.usable(key, at: now(), lifeNeeded: lifeNeeded) { return token }
        tokens.dropReplaced(by: key)
        do { return try await shared(key, lifeNeeded: lifeNeeded) } catch let error as AuthenticationError {
            guard case .loginRejected = error.cause, let login = key.login,
                let newer = try await renewed(login, for: scopes)
            else { throw error }
            return try await shared(key.with(newer), lifeNeeded: lifeNeeded)
        }
    }

    private func shared(_ key: TokenCache.Key, lifeNeeded: Duration) async throws -> TokenCache.Token {
        try await fetches.value(for: key) { try await self.fetch(key, lifeNeeded: lifeNeeded) }
    }

    private func fetch(_ key: TokenCache.Key, lifeNeeded: Duration) async throws -> TokenCache.Token {
        // An earlier fetch may have ended between the caller's look and this one's start.
        if let token = tokens.usable(key, at: now(), lifeNeeded: lifeNeeded) { return token }
        let login = key.login
        let token: TokenCache.Token
        if case .bearer(let ready)? = login?.credential {
            // Its life is not known. After a minute the file is looked at again, which costs little.
            token = TokenCache.Token(ready, life: .seconds(60), at: now(), login: login, granted: nil)
        } else {
            let question = TokenServer.Question(realm: key.realm, service: key.service, scopes: key.scopes)
            let response = try await server.token(question, login: login)
            token = TokenCache.Token(
                response.token, life: response.life, promised: response.promised, at: now(), login: login,
                granted: response.granted)
        }
        tokens.insert(token, for: key, at: now())
        return token
    }

    // MARK: - Logins

    /// The login for what is wanted most: a token that was demanded besides must not change whose it is.
    private func login(for scopes: [AccessScope]) async throws -> FoundCredential? {
        try await login(for: scopes.first?.repository ?? "")
    }

    /// The login that a helper gives in place of one that was refused; nil where it is the same.
    private func renewed(_ login: FoundCredential, for scopes: [AccessScope]) async throws -> FoundCredential? {
        await credentials.forgetAnswers(olderThan: .seconds(5))
        guard let newer = try await self.login(for: scopes), newer != login else { return nil }
        return newer
    }

    // MARK: - Failures

    private func refusal(
        of login: FoundCredential?, _ wanted: [AccessScope], _ granted: [AccessScope]?, _ response: HTTPResponse
    ) -> AuthenticationError {
        guard let login else { return failure(.loginMissing(places: credentials.places), response) }
        if case .bearer = login.credential, response.status == 401 {
            return failure(.loginRejected(user: login.user, origin: login.origin), response, hiding: login)
        }
        if response.status == 401, let granted, !wanted.isEmpty, wanted.allSatisfy({ $0.isCovered(by: granted) }) {
            return failure(
                .tokenNotTaken(user: login.user, origin: login.origin, granted: granted), response, hiding: login)
        }
        return failure(
            .accessRefused(user: login.user, origin: login.origin, granted: granted), response, hiding: login)
    }

    private func failure(
        _ cause: AuthenticationError.Cause, _ response: HTTPResponse? = nil, hiding login: FoundCredential? = nil
    ) -> AuthenticationError {
        AuthenticationError(
            cause, registry: endpoint.domain,
            serverMessage: response.flatMap { ServerMessage($0, hiding: login, from: .registry).text })
    }
}
