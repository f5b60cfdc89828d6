import OCI
import Registry

/// Where an image goes whose name says no registry: `REGISTRY/NAMESPACE/NAME:TAG`, as the configuration sets them.
///
/// The namespace is the configured one. With none configured it is the user that pushd is logged in as at the default
/// registry, for names of one part; a name such as `team/app` has a namespace of its own. Where neither is known the
/// name stands alone, but for Docker Hub, where only Docker's own images have such names.
struct DefaultDestination: Sendable {
    private let registry: String?
    /// Empty: no namespace, also with a login; nil: the login's user.
    private let namespace: String?
    private let tag: String
    private let credentials: any CredentialProvider

    init(_ settings: PublisherSettings, _ credentials: any CredentialProvider) {
        registry = settings.defaultRegistry
        namespace = settings.defaultNamespace
        tag = settings.defaultTag
        self.credentials = credentials
    }

    /// - Parameter text: the name as it was written, for errors.
    /// - Throws: ``PushRefusal``, `CancellationError`.
    func destination(for reference: ImageReference, as text: String) async throws -> ImageReference {
        if reference.isQualified { return reference.withDefaultTag(tag) }
        guard let registry else { throw PushRefusal.destinationMissing(image: text) }
        // As written: "app", not Docker's "library/app".
        let name = reference.path.hasPrefix("library/") ? String(reference.path.dropFirst(8)) : reference.path
        var place: String?
        if let namespace {
            place = namespace.isEmpty ? nil : namespace
        } else if !name.contains("/") {
            place = Self.namespace(of: try await login(at: registry, for: text))
        }
        if place == nil, RegistryNames().name(of: registry) == "docker.io", !name.contains("/") {
            throw PushRefusal.namespaceMissing(image: text, registry: registry)
        }
        let path = [registry, place, name].compactMap { $0 }.joined(separator: "/")
        do { return try ImageReference(parsing: path).withTag(reference.tag ?? tag) } catch {
            throw PushRefusal.destinationInvalid(error)
        }
    }

    private func login(at registry: String, for text: String) async throws -> Credential? {
        do { return try await credentials.credential(registry: registry, repository: "")?.credential } catch let error
            as AuthenticationError
        {
            throw PushRefusal.loginUnreadable(image: text, reason: error.description, advice: error.advice)
        }
    }

    /// What of a login can be a namespace: the name of a user, where it is one and a repository's name can have it.
    static func namespace(of login: Credential?) -> String? {
        guard case .basic(let user, _)? = login, !kindsOfSecrets.contains(user), !user.contains("/") else { return nil }
        guard (try? ImageReference(parsing: "localhost/\(user)/x"))?.path == "\(user)/x" else { return nil }
        return user
    }

    /// What registries want in a user's place where the password says all: Google's, Azure's, IBM's, and those that
    /// take any word. Those with capitals or signs (`AWS`, `_json_key`, `$oauthtoken`, `<token>`) are no names anyway.
    private static let kindsOfSecrets: Set<String> = [
        "oauth2accesstoken", "00000000-0000-0000-0000-000000000000", "iamapikey", "iambearer", "iamrefresh", "token",
    ]
}
