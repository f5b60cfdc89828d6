internal import HTTP

/// Asks the token server that a registry named for bearer tokens.
///
/// Source: distribution docs, spec/auth/token.md and oauth.md.
struct TokenServer: Sendable {
    let address: RegistryAddress
    let settings: RegistrySettings
    let tls: ServerTLS
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
        let within = try check(question.realm, from: address.place)
        switch login?.credential {
        case .identityToken(let token):
            let response = try await exchange(token, question, within: within)
            if (200..<300).contains(response.status) { return try reading(response) }
            guard [400, 401, 404, 405, 501].contains(response.status), case .basic? = login?.fallback else {
                throw refusal(response, of: question, login: login)
            }
            return try await ask(question, as: login?.fallback, login: login, within: within)
        case .basic, nil:
            return try await ask(question, as: login?.credential, login: login, within: within)
        case .bearer:
            throw failure(.credentialUnusable(origin: login?.origin ?? "", reason: "a bearer token can't be exchanged"))
        }
    }

    private func ask(
        _ question: Question, as credential: Credential?, login: FoundCredential?, within: NetworkPlace?
    ) async throws -> TokenResponse {
        var within = within
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
            request.reach = within
            let response = try await answer(to: request)
            if (200..<300).contains(response.status) { return try reading(response) }
            guard [301, 302, 303, 307, 308].contains(response.status), let location = response.headers["Location"]
            else {
                throw refusal(response, of: question, login: login)
            }
            let secrets = EchoedSecrets(response, login: login)
            // What another server than the one that the registry names says is not repeated.
            let isElsewhere = response.url.origin != question.realm.origin
            do { url = try url.resolving(location) } catch {
                let shown = isElsewhere ? "what is no address" : secrets.removed(from: error.text)
                throw failure(.tokenUnusable(reason: "it redirects to \(shown)"))
            }
            let shown = isElsewhere ? "another server" : secrets.removed(from: url.description)
            within = try check(url, from: response.place ?? address.place, shownAs: shown)
            guard url.scheme == .https || response.url.scheme == .http else {
                throw failure(.tokenUnusable(reason: "it redirects from HTTPS to plain HTTP"))
            }
            if url.origin != question.realm.origin { authorization = nil }
        }
        throw failure(.tokenUnusable(reason: "it redirects more than five times"))
    }

    private func exchange(
        _ token: Secret, _ question: Question, within: NetworkPlace?
    ) async throws -> HTTPResponse {
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
        request.reach = within
        return try await answer(to: request)
    }

    /// Sends with this registry's limits. Its certificates, and the setting not to verify, hold at its own host alone.
    private func answer(to request: HTTPRequest) async throws -> HTTPResponse {
        var request = request
        request.limits = settings.limits
        request.proxy = settings.proxy
        request.limits.responseBytes = TokenResponse.limitInBytes
        do {
            request.tls = try await tls.options(for: request.url, of: endpoint.origin, showsCertificate: true)
        } catch let problem as CertificateDirectories.Problem {
            throw failure(.tokenUnusable(reason: "its certificates on this machine can't be used: \(problem.reason)"))
        }
        do {
            return try await send(request)
        } catch let error as HTTPError {
            if case .responseTooLarge = error.cause { throw failure(.tokenUnusable(reason: "its answer is too long")) }
            if case .outOfReach(let address) = error.cause {
                let reason = "which has the address \(address), further inside than the registry's own"
                throw failure(.realmUnsafe(url: request.url.description, reason: reason))
            }
            throw failure(.tokenServerUnreachable(error))
        }
    }

    /// Why the registry's answer can't name `realm`; nil where it can.
    func objection(to realm: HTTPURL, namedBy response: HTTPResponse) -> String? {
        RealmSafety.objection(
            to: realm, within: Reach(own: endpoint.origin, trusted: settings.leadsTo),
            from: response.place ?? address.place)
    }

    /// - Parameter place: where the server is that names `url`.
    /// - Returns: ``HTTPRequest/reach``.
    private func check(
        _ url: HTTPURL, from place: NetworkPlace?, shownAs shown: String? = nil
    ) throws(AuthenticationError) -> NetworkPlace? {
        let reach = Reach(own: endpoint.origin, trusted: settings.leadsTo)
        if let reason = RealmSafety.objection(to: url, within: reach, from: place) {
            throw failure(.realmUnsafe(url: shown ?? url.description, reason: reason))
        }
        if case .follow(let within) = reach.step(to: url, from: place) { return within }
        return nil  // it was refused above
    }

    private func reading(_ response: HTTPResponse) throws(AuthenticationError) -> TokenResponse {
        do { return try TokenResponse(body: response.body, date: response.headers["Date"]) } catch {
            throw failure(.tokenUnusable(reason: error.reason))
        }
    }

    private func refusal(
        _ response: HTTPResponse, of question: Question, login: FoundCredential?
    ) -> AuthenticationError {
        let speaker: ServerMessage.Speaker =
            response.url.origin == endpoint.origin
            ? .registry : response.url.origin == question.realm.origin ? .tokenServer : .other
        let message = ServerMessage(response, hiding: login, from: speaker)
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
