/// The registry that a person means by what is typed to log in, as with `docker login`: `registry.example`,
/// `https://index.docker.io/v1/`, `http://registry.example/v2/`. The scheme says nothing.
public struct LoginAddress: Sendable, Hashable {
    /// Host and port; `docker.io` for Docker Hub.
    public let registry: String

    /// Nil for what names more than a host, or none.
    public init?(_ text: String) {
        let key = CredentialKey(text, isLegacy: false)
        guard key.path.isEmpty, key.meansHost, !key.host.isEmpty else { return nil }
        registry = key.host == CredentialKey.hub ? "docker.io" : key.host
    }
}
