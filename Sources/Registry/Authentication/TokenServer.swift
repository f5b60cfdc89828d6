internal import HTTP

/// Asks the token server that a registry named for bearer tokens.
///
/// Source: distribution docs, spec/auth/token.md and oauth.md.
struct TokenServer: Sendable {
    let address: RegistryAddress
    let settings: RegistrySettings
    let certificates: CertificateDirectories
    let send: @Sendable (HTTPRequest) async throws -> HTTPResponse
    /// Where logins are looked for, for the message that none was found.
    let places: [String]

    private var endpoint: RegistryEndpoint { address.endpoint }

    struct Question: Hashable, Sendable {
        /// May carry a query of its own, which is kept.
        let realm: HTTPURL
        let service: String?
        /// What is needed most stands first: some servers honour only the first.
        let scopes: [AccessScope]
    }

    /// A new token, asked for anonymously without a login. It may allow less than was asked: that is no error here.
    ///
    /// An identity token is exchanged by POST; where the server has no such thing and the login has a password too,
    /// that is used.
    ///
    /// - Throws: ``AuthenticationError``, `CancellationError`.
    func token(_ question: Question, login: FoundCredential?) async throws -> TokenResponse {
        try check(question.realm)
        switch login?.credential {
        case .identityToken(let token):
            let response = try await exchange(token, question)
            if (200..<300).contains(response.status) { return try reading(response) }
            guard [400, 401, 404, 405, 501].contains(response.status), case .basic? = login?.fallback else {
                throw refusal(response, login: login)
            }
            return try await ask(question, as: login?.fallback, login: login)
        case .basic, nil:
            return try await ask(question, as: login?.credential, login: login)
        case .bearer:
            throw failure(.credentialUnusable(origin: login?.origin ?? "", reason: "a bearer token can't be exchanged"))
        }
    }

    private func ask(
        _ question: Question, as credential: Credential?, login: FoundCredential?
    ) async throws -> TokenResponse {
        var items: [(String, String)] = []
        var authorization: String?
        if case .basic(let user, let password)? = credential {
            items.append(("account", user))
            authorization = basicAuthorization(user: user, password: password)
        }
        if let service = question.service { items.append(("service", service)) }
        items += question.scopes.map { ("scope", $0.description) }

        var url = question.realm.appendingQuery(items)
        for _ in 0...5 {
            var request = HTTPRequest(url: url, headers: ["Accept": "application/json"])
            request.headers["Authorization"] = authorization
            let response = try await answer(to: request)
            if (200..<300).contains(response.status) { return try reading(response) }
            guard [301, 302, 303, 307, 308].contains(response.status), let location = response.headers["Location"]
            else {
                throw refusal(response, login: login)
            }
            let secrets = EchoedSecrets(response, login: login)
            do { url = try url.resolving(location) } catch {
                throw failure(.tokenUnusable(reason: "it redirects to \(secrets.removed(from: error.text))"))
            }
            try check(url, hiding: secrets)
            if url.origin != question.realm.origin { authorization = nil }
        }
        throw failure(.tokenUnusable(reason: "it redirects more than five times"))
    }

    private func exchange(_ token: Secret, _ question: Question) async throws -> HTTPResponse {
        var fields = [("grant_type", "refresh_token")]
        if let service = question.service { fields.append(("service", service)) }
        fields.append(("client_id", "pushd"))
        if !question.scopes.isEmpty {
            fields.append(("scope", question.scopes.map(\.description).joined(separator: " ")))
        }
        fields.append(("refresh_token", token.revealed()))
        // A form is a query without its question mark: the same encoding serves both.
        let form = endpoint.root.appendingQuery(fields).query ?? ""
        var request = HTTPRequest(
            method: .post, url: question.realm,
            headers: ["Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"],
            body: .bytes(Array(form.utf8)))
        request.isRepeatable = true
        return try await answer(to: request)
    }

    /// Sends with this registry's limits. Its extra authorities are trusted here too: an attacker who holds one of their
    /// keys could also stand in for the registry, which names the token server. The client certificate and the setting
    /// not to verify are for the registry's host alone.
    private func answer(to request: HTTPRequest) async throws -> HTTPResponse {
        var request = request
        request.limits = settings.limits
        request.proxy = settings.proxy
        request.limits.responseBytes = TokenResponse.limitInBytes
        // If they can't be used, the registry's own requests have failed with that already.
        let tls = (try? await certificates.options(adding: settings.tls)) ?? settings.tls
        request.tls = request.url.host == endpoint.root.host ? tls : TLSOptions(authorityFiles: tls.authorityFiles)
        do {
            return try await send(request)
        } catch let error as HTTPError {
            if case .responseTooLarge = error.cause { throw failure(.tokenUnusable(reason: "its answer is too long")) }
            throw failure(.tokenServerUnreachable(error))
        }
    }

    private func check(_ url: HTTPURL, hiding secrets: EchoedSecrets? = nil) throws(AuthenticationError) {
        if let reason = RealmSafety.objection(to: url, from: endpoint.origin) {
            let shown = secrets?.removed(from: url.description) ?? url.description
            throw failure(.realmUnsafe(url: shown, reason: reason))
        }
    }

    private func reading(_ response: HTTPResponse) throws(AuthenticationError) -> TokenResponse {
        do { return try TokenResponse(body: response.body, date: response.headers["Date"]) } catch {
            throw failure(.tokenUnusable(reason: error.reason))
        }
    }

    private func refusal(_ response: HTTPResponse, login: FoundCredential?) -> AuthenticationError {
        let message = ServerMessage(response, hiding: login)
        let cause: AuthenticationError.Cause
        switch (response.status, login) {
        case (408, _), (425, _), (429, _), (500..., _):
            cause = .tokenServerBusy(status: response.status)
        // GHCR's limit on what comes at once.
        case (403, _) where message.text?.lowercased().contains("rate limit") == true:
            cause = .tokenServerBusy(status: response.status)
        case (401, nil), (403, nil):
            cause = .loginMissing(places: places)
        case (401, let login?):
            cause = .loginRejected(user: login.user, origin: login.origin)
        case (_, let login?) where message.code == "invalid_grant":  // OAuth2's word for a revoked refresh token
            cause = .loginRejected(user: login.user, origin: login.origin)
        default:
            cause = .tokenRefused(status: response.status)
        }
        return failure(cause, response, message.text)
    }

    private func failure(
        _ cause: AuthenticationError.Cause, _ response: HTTPResponse? = nil, _ message: String? = nil
    ) -> AuthenticationError {
        AuthenticationError(
            cause, registry: endpoint.domain, serverMessage: message,
            retryAfter: response.flatMap { response in
                let date = response.headers["Date"].flatMap(WireDate.http)
                return WireDate.retryAfter(response.headers["Retry-After"], now: date)
                    ?? message.flatMap(WaitInWords.init)?.duration
            })
    }
}
