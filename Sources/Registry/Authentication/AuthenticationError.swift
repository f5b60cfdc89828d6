public import HTTP

/// Why no header could be made that a registry would accept.
public struct AuthenticationError: Error, Sendable, CustomStringConvertible {
    public enum Cause: Sendable {
        /// The registry wants a login and none is stored in any of these places.
        case loginMissing(places: [String])
        /// User and password, or the identity token, were refused. `origin` is the file and entry they came from.
        case loginRejected(user: String?, origin: String)
        /// The login is good, and a token was just issued for it, but the registry refuses it: no right, or no such
        /// repository. `granted` is what the token allows, as far as its server tells.
        case accessRefused(user: String?, origin: String, granted: [AccessScope]?)
        /// The registry refuses a token that was just issued, although it allows what was to be done: as with clocks
        /// that disagree, or a key that the registry does not know.
        case tokenNotTaken(user: String?, origin: String, granted: [AccessScope])
        /// The token server answered with a status that repeating won't change.
        case tokenRefused(status: Int)
        /// The token server answered that it can't serve now: 408, 425, 429 or 5xx.
        case tokenServerBusy(status: Int)
        /// No answer from the token server.
        case tokenServerUnreachable(HTTPError)
        /// The token server's answer is no token.
        case tokenUnusable(reason: String)
        /// The registry's `WWW-Authenticate` offers nothing that can be followed.
        case challengeUnusable(reason: String)
        /// The registry names a token server that no login is sent to.
        case realmUnsafe(url: String, reason: String)
        /// The stored login is of a kind that this registry has no use for.
        case credentialUnusable(origin: String, reason: String)
        case credentialFileUnreadable(path: String, reason: String)
        /// The file at `path` leaves this registry's login to the program `docker-credential-NAME`, which is not there.
        case helperMissing(name: String, path: String)
        /// The program `docker-credential-NAME` was asked for the login and gave no proper answer.
        case helperFailed(name: String, reason: String)
    }

    public let cause: Cause
    /// Host and port as the user wrote them.
    public let registry: String
    /// What the server said, shortened and without control characters or secrets; nil where it said nothing readable.
    public let serverMessage: String?
    /// How long the server asked to wait.
    public let retryAfter: Duration?

    public init(
        _ cause: Cause, registry: String, serverMessage: String? = nil, retryAfter: Duration? = nil
    ) {
        self.cause = cause
        self.registry = registry
        self.serverMessage = serverMessage
        self.retryAfter = retryAfter
    }

    /// Whether waiting helps, without an action of a person.
    public var isTransient: Bool {
        switch cause {
        case .tokenServerBusy, .tokenServerUnreachable, .tokenUnusable, .helperFailed: true
        case .loginMissing, .loginRejected, .accessRefused, .tokenNotTaken, .tokenRefused, .challengeUnusable,
            .realmUnsafe, .credentialUnusable, .credentialFileUnreadable, .helperMissing:
            false
        }
    }

    public var description: String { why + (serverMessage.map { " (the server says: \($0))" } ?? "") }

    private var why: String {
        switch cause {
        case .loginMissing:
            "\(registry) wants a login and none is stored"
        case .loginRejected(let user, let origin):
            "\(registry) rejected the login\(Self.of(user)) from \(origin)"
        case .accessRefused(let user, let origin, let granted):
            "\(registry) refuses access to the login\(Self.of(user)) from \(origin)\(Self.listing(granted))"
        case .tokenNotTaken(let user, let origin, let granted):
            "\(registry) refuses a token that its own token server has just issued for the login\(Self.of(user)) from "
                + "\(origin)\(Self.listing(granted))"
        case .tokenRefused(let status):
            "the token server of \(registry) refused to issue a token: HTTP status \(status)"
        case .tokenServerBusy(let status):
            "the token server of \(registry) can't serve now: HTTP status \(status)"
        case .tokenServerUnreachable(let error):
            "the token server of \(registry) did not answer: \(error)"
        case .tokenUnusable(let reason):
            "the token server of \(registry) issued no usable token: \(reason)"
        case .challengeUnusable(let reason):
            "\(registry) wants a login but does not say how: \(reason)"
        case .realmUnsafe(let url, let reason):
            "\(registry) names \(url) as its token server, \(reason)"
        case .credentialUnusable(let origin, let reason):
            "the login for \(registry) from \(origin) can't be used: \(reason)"
        case .credentialFileUnreadable(let path, let reason):
            "the logins in \(path) can't be read: \(reason)"
        case .helperMissing(let name, let path):
            "\(path) leaves the login for \(registry) to docker-credential-\(name), which is not in the PATH of pushd"
        case .helperFailed(let name, let reason):
            "docker-credential-\(name) was asked for the login for \(registry): \(reason)"
        }
    }

    /// What a person can do; nil where only waiting helps.
    public var advice: String? {
        switch cause {
        case .loginMissing:
            "log in with: pushctl login \(registry)"
        case .loginRejected:
            "make a new password or token and log in again with: pushctl login \(registry); it may be wrong, revoked or "
                + "expired"
        case .accessRefused:
            "check the repository's name; ask its owner for the right to push, or create it"
        case .tokenNotTaken:
            "ask the operator of \(registry) to compare the clocks of the registry and its token server, and whether the "
                + "registry trusts its key; if both are well, ask the repository's owner for the right to push"
        case .tokenRefused:
            "check the login and the repository's name: the token server allows this login nothing there"
        case .challengeUnusable:
            "check that \(registry) is a registry and not a web server in front of one"
        case .realmUnsafe:
            "ask the registry's operator to name a token server with an https address of its own"
        case .credentialUnusable:
            "log in with a user name and a password or token: pushctl login \(registry)"
        case .credentialFileUnreadable(let path, _):
            "repair \(path), or let the user that pushd runs as read it"
        case .helperMissing(let name, _):
            "install docker-credential-\(name), or take its name out of the file and log in with: pushctl login \(registry)"
        case .helperFailed(let name, _):
            "try it as the user that pushd runs as: echo \(registry) | docker-credential-\(name) get"
        case .tokenServerUnreachable(let error) where error.cause == .tlsUnknownAuthority:
            "put the authority's certificate into /etc/containers/certs.d/\(error.url.origin.authority)/ca.crt, or name it in "
                + "registries.\"\(error.url.origin.authority)\".caFile: what is set for \(registry) holds there alone"
        case .tokenServerBusy, .tokenServerUnreachable, .tokenUnusable:
            nil
        }
    }

    private static func of(_ user: String?) -> String { user.map { " of \($0)" } ?? "" }

    private static func listing(_ granted: [AccessScope]?) -> String {
        guard let granted else { return "" }
        if granted.isEmpty { return "; its token allows nothing" }
        return "; its token allows \(granted.map(\.description).joined(separator: " "))"
    }
}
