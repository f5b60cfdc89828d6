/// How a test registry knows who asks.
public enum TestAuthentication: Sendable {
    /// Nobody is asked, and credentials that come all the same are a violation.
    case none
    case basic(user: String, password: String)
    /// Basic, with a user for each namespace (the first element of a repository), whose password is `USER-secret`. What
    /// is asked with the login of another namespace, or mounted from one, is a violation.
    case basicByNamespace([String: String])
    /// Tokens from the registry's own `/token`.
    case bearer(TestTokenService)
}

/// The token service of a test registry, with the oddities of real ones.
///
/// Source: the distribution project's token and OAuth2 specifications.
public struct TestTokenService: Sendable {
    /// Whom the service knows; nil: everyone gets what they ask for.
    public var user: String?
    public var password: String?
    /// With ``user`` set: whether others get `pull`.
    public var anonymousMayPull = false
    /// A refresh token that POST takes; nil: POST answers 404.
    public var identityToken: String?
    /// Whether POST takes user and password too.
    public var takesPasswordGrant = false
    /// Seconds, as told to the client; nil leaves the member out, which means 60.
    public var expiresIn: Int? = 300
    /// After how long tokens really end; nil: only by ``TestRegistry/expireTokens()``.
    public var lifetime: Duration?
    /// Whether a body is ended with 401 when its token ends, and not only the next request refused.
    public var endsBodies = false
    /// Honours only the first scope of a request, as some services do.
    public var dropsFurtherScopes = false
    /// Answers 200 with an empty token.
    public var sendsEmptyToken = false
    /// The member's name: `token`, or `access_token`.
    public var member = "token"
    /// Nil leaves it out of the challenge, as Google does.
    public var service: String? = "test-registry"
    /// Whether challenges name the scope.
    public var challengesWithScope = true
    /// Repositories in which nobody is granted anything.
    public var refusedRepositories: Set<String> = []
    /// Repositories in which only `pull` is granted.
    public var readOnlyRepositories: Set<String> = []
    /// Whether DELETE of an upload wants the action `delete`, as distribution does.
    public var cancelWantsDelete = true

    public init(user: String? = nil, password: String? = nil) {
        self.user = user
        self.password = password
    }

    /// The same with something else.
    public func with(_ change: (inout TestTokenService) -> Void) -> TestTokenService {
        var copy = self
        change(&copy)
        return copy
    }
}
