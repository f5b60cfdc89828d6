/// What proves to a registry, or to its token server, who is asking.
public enum Credential: Hashable, Sendable {
    /// A user and a password, or a personal access token in the password's place.
    case basic(user: String, password: Secret)
    /// A refresh token (`identitytoken` in Docker's files): exchanged at the token server, never sent to the registry.
    case identityToken(Secret)
    /// A ready bearer token (`registrytoken` in Docker's files): sent as it is; it can't be renewed.
    case bearer(Secret)

    /// The user's name where the credential holds one.
    public var user: String? {
        if case .basic(let user, _) = self { user } else { nil }
    }
}

/// A credential and the place that it came from.
public struct FoundCredential: Hashable, Sendable {
    public let credential: Credential
    /// The login of the same entry, for a token server that can't exchange the identity token in `credential`.
    public let fallback: Credential?
    /// File and entry, for messages: `/root/.docker/config.json (entry "registry.example")`.
    public let origin: String

    public init(credential: Credential, fallback: Credential? = nil, origin: String) {
        self.credential = credential
        self.fallback = fallback
        self.origin = origin
    }

    /// The user's name where one is known.
    public var user: String? { credential.user ?? fallback?.user }
}

/// Where logins are kept.
public protocol CredentialProvider: Sendable {
    /// The login for a repository; nil where none is stored, which means that the registry is asked anonymously.
    ///
    /// - Parameters:
    ///   - registry: host and port as the user wrote them: `docker.io`, `registry.example:5000`.
    ///   - repository: such as `team/app`; empty for the registry as a whole.
    /// - Throws: ``AuthenticationError`` where a place that may hold the login can't be read.
    func credential(registry: String, repository: String) async throws -> FoundCredential?

    /// Forgets the answers of credential helpers that are older than this: the configuration or a login was changed, or
    /// a server refused what a helper had answered.
    func forgetAnswers(olderThan age: Duration) async

    /// The namespaces of a registry that have a login of their own: `team`, `team/app`.
    func namespaces(registry: String) async -> [String]

    /// The places that are looked at, in order, for the message that nothing was found.
    var places: [String] { get }
}

extension CredentialProvider {
    public func forgetAnswers(olderThan age: Duration) async {}
    public func forgetAnswers() async { await forgetAnswers(olderThan: .zero) }
    public func namespaces(registry: String) async -> [String] { [] }
    public var places: [String] { [] }
}

/// For registries that are to be asked anonymously.
public struct NoCredentials: CredentialProvider {
    public init() {}

    public func credential(registry: String, repository: String) -> FoundCredential? { nil }
}

/// One login, for every registry and repository.
public struct OneLogin: CredentialProvider {
    private let login: FoundCredential

    /// - Parameter origin: where it comes from, for messages: `the login that was given`.
    public init(user: String, password: Secret, origin: String) {
        login = FoundCredential(credential: .basic(user: user, password: password), origin: origin)
    }

    public init(_ login: FoundCredential) { self.login = login }

    public func credential(registry: String, repository: String) -> FoundCredential? { login }
}
