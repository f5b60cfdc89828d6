internal import FoundationEssentials
internal import OCI
internal import Synchronization

/// Who may do what.
///
/// Source: the distribution project's token authentication, scope and OAuth2 specifications; RFC 6750, RFC 7617.
extension RegistryCore {
    /// - Returns: the refusal of a request that may not be served.
    func admit(_ call: RegistryCall) -> Answer? {
        if call.route == .token { return nil }
        let authorization = call.head.header("Authorization")
        if call.head.headers.filter({ $0.name.lowercased() == "authorization" }).count > 1 {
            violate(.authorization, call, "several Authorization headers")
            return Answer(400)
        }
        if let host = profile.bodiesGoTo, call.host == Self.authority(call, host: host) {
            guard authorization != nil else { return nil }
            violate(.authorization, call, "credentials for the registry at its upload host \(host)")
            return Answer(400, "two kinds of authorization")
        }
        if case .otherHost(let host) = profile.location, call.host == Self.authority(call, host: host),
            case .upload = call.route
        {
            guard authorization != nil else { return nil }
            violate(.authorization, call, "credentials for the registry at its upload host \(host)")
            return Answer(400, "two kinds of authorization")
        }
        switch state.withLock({ $0.authentication }) {
        case .none:
            guard authorization != nil else { return nil }
            violate(.authorization, call, "credentials that nobody asked for")
            return Answer(400)
        case .basic(let user, let password):
            if authorization == Self.basic(user, password) { return nil }
            if let authorization, !authorization.hasPrefix("Basic ") {
                violate(.authorization, call, "not Basic")
            }
            return .refusal(
                401, "UNAUTHORIZED", "authentication required",
                headers: [("WWW-Authenticate", #"Basic realm="Test Registry""#)])
        case .basicByNamespace(let users): return admit(call, authorization, users)
        case .bearer(let service): return admit(call, authorization, service)
        }
    }

    private func admit(_ call: RegistryCall, _ authorization: String?, _ users: [String: String]) -> Answer? {
        guard let authorization else {
            return .refusal(
                401, "UNAUTHORIZED", "authentication required",
                headers: [("WWW-Authenticate", #"Basic realm="Test Registry""#)])
        }
        for repository in [call.route.repository, call.head.query("from")].compactMap({ $0 }) {
            let user = users[String(repository.prefix { $0 != "/" })] ?? ""
            if authorization != Self.basic(user, user + "-secret") {
                violate(.authorization, call, "not the login of \(repository)")
                return .refusal(403, "DENIED", "not your namespace")
            }
        }
        return nil
    }

    private func admit(_ call: RegistryCall, _ authorization: String?, _ service: TestTokenService) -> Answer? {
        let needed = neededScopes(call, service)
        guard let authorization else { return challenge(call, needed, service, error: nil) }
        guard authorization.hasPrefix("Bearer ") else {
            violate(.authorization, call, "not a Bearer token")
            return challenge(call, needed, service, error: nil)
        }
        let token = state.withLock { $0.tokens[String(authorization.dropFirst(7))] }
        guard let token, token.endsAt.map({ $0 > .now }) ?? true else {
            return challenge(call, needed, service, error: "invalid_token")
        }
        let isEnough = needed.allSatisfy { repository, actions in
            token.grants[repository].map { $0.isSuperset(of: actions) } ?? false
        }
        if isEnough, service.endsBodies, let end = token.endsAt {
            call.end = (end, challenge(call, needed, service, error: "invalid_token"))
        }
        return isEnough ? nil : challenge(call, needed, service, error: "insufficient_scope")
    }

    /// By the request's method, as distribution does it.
    private func neededScopes(
        _ call: RegistryCall, _ service: TestTokenService
    ) -> [(repository: String, actions: [String])] {
        guard let repository = call.route.repository else { return [] }
        switch call.head.method {
        case "GET", "HEAD": return [(repository, ["pull"])]
        case "DELETE" where call.kind == .uploadCancel && !service.cancelWantsDelete:
            return [(repository, ["pull", "push"])]
        case "DELETE": return [(repository, ["delete"])]
        default:
            let source = call.kind == .mount ? call.head.query("from").map { [($0, ["pull"])] } ?? [] : []
            return [(repository, ["pull", "push"])] + source.filter { $0.0 != repository }
        }
    }

    private func challenge(
        _ call: RegistryCall, _ needed: [(repository: String, actions: [String])], _ service: TestTokenService,
        error: String?
    ) -> Answer {
        var text = "Bearer realm=\"http://\(call.host)/token\""
        if let name = service.service { text += ",service=\"\(name)\"" }
        if service.challengesWithScope, !needed.isEmpty {
            let scopes = needed.map { "repository:\($0.repository):\($0.actions.joined(separator: ","))" }
            text += ",scope=\"\(scopes.joined(separator: " "))\""
        }
        if let error { text += ",error=\"\(error)\"" }
        return .refusal(401, "UNAUTHORIZED", "authentication required", headers: [("WWW-Authenticate", text)])
    }

    // MARK: The token end point

    private enum Caller { case known, anonymous, unknown }

    func issueToken(_ call: RegistryCall) throws -> Answer {
        guard case .bearer(let service) = state.withLock({ $0.authentication }) else {
            violate(.unknownPath, call, "this registry has no tokens")
            return Answer(404)
        }
        let isPost = call.head.method == "POST"
        if isPost, service.identityToken == nil, !service.takesPasswordGrant {
            try call.readBody()
            return Answer(404, "404 page not found\n")
        }
        var items = call.head.query
        if isPost {
            guard call.head.header("Content-Type") == "application/x-www-form-urlencoded" else {
                violate(.contentType, call, "a token request is a form")
                return Answer(400)
            }
            items = RequestHead.formItems(String(decoding: try call.collectBody(), as: UTF8.self)[...])
        }
        func value(_ name: String) -> String? { items.first { $0.name == name }?.value }
        guard value("service") == service.service || (service.service == nil && value("service") == "") else {
            violate(.authorization, call, "the service is \(value("service") ?? "missing")")
            return Answer(400)
        }
        let scopes = items.filter { $0.name == "scope" }.flatMap { $0.value.split(separator: " ").map(String.init) }
        guard let wanted = parse(call, scopes) else { return Answer(400) }
        let caller = isPost ? postCaller(service, value) : getCaller(call, service)
        if case .unknown = caller {
            return .refusal(401, "UNAUTHORIZED", "incorrect username or password")
        }
        return grant(wanted, to: caller, service)
    }

    private func getCaller(_ call: RegistryCall, _ service: TestTokenService) -> Caller {
        guard let authorization = call.head.header("Authorization") else { return .anonymous }
        guard authorization.hasPrefix("Basic ") else {
            violate(.authorization, call, "only Basic belongs to a token service")
            return .unknown
        }
        guard let user = service.user, authorization == Self.basic(user, service.password ?? "") else {
            return .unknown
        }
        return .known
    }

    private func postCaller(_ service: TestTokenService, _ value: (String) -> String?) -> Caller {
        guard value("client_id") != nil else { return .unknown }
        switch value("grant_type") {
        case "refresh_token": return value("refresh_token") == service.identityToken ? .known : .unknown
        case "password" where service.takesPasswordGrant:
            return value("username") == service.user && value("password") == service.password ? .known : .unknown
        default: return .unknown
        }
    }

    /// - Returns: nil for a scope that is none, which was reported.
    private func parse(_ call: RegistryCall, _ scopes: [String]) -> [(String, [String])]? {
        var wanted: [(String, [String])] = []
        for scope in scopes {
            let parts = scope.split(separator: ":", omittingEmptySubsequences: false)
            let actions = parts.last?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
            let known: Set<String> = ["pull", "push", "delete", "*"]
            guard parts.count >= 3, parts[0] == "repository", !parts[1].isEmpty, known.isSuperset(of: actions) else {
                violate(.authorization, call, "the scope \(scope)")
                return nil
            }
            wanted.append((parts.dropFirst().dropLast().joined(separator: ":"), actions))
        }
        return wanted
    }

    /// Less than what was asked for is no error here: the registry says 401 later.
    private func grant(_ wanted: [(String, [String])], to caller: Caller, _ service: TestTokenService) -> Answer {
        var grants: [String: Set<String>] = [:]
        for (repository, actions) in service.dropsFurtherScopes ? Array(wanted.prefix(1)) : wanted {
            var allowed: Set<String> = ["pull", "push", "delete"]
            if case .anonymous = caller, service.user != nil { allowed = service.anonymousMayPull ? ["pull"] : [] }
            if service.readOnlyRepositories.contains(repository) { allowed.formIntersection(["pull"]) }
            if service.refusedRepositories.contains(repository) { allowed = [] }
            grants[repository, default: []].formUnion(allowed.intersection(actions))
        }
        let end = service.lifetime.map { ContinuousClock.now + $0 }
        let token = state.withLock { [grants] state in
            let token = "test-token-\(state.nextToken)"
            state.nextToken += 1
            state.tokens[token] = RegistryState.Token(grants: grants, endsAt: end)
            return token
        }
        var members = ["\"\(service.member)\":\"\(service.sendsEmptyToken ? "" : token)\""]
        if let seconds = service.expiresIn { members.append("\"expires_in\":\(seconds)") }
        return Answer(
            200, headers: [("Content-Type", "application/json")], "{\(members.joined(separator: ","))}")
    }

    private static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }
}
