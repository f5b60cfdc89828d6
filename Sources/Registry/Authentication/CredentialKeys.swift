/// The keys under which a credential file may hold the login for one repository.
///
/// Source: docker/cli, cli/config/credentials/file_store.go; containers/image, pkg/docker/config/config.go.
struct CredentialKeys: Hashable, Sendable {
    /// The host as the user wrote it, then its other names: Docker Hub has several, and Docker itself keeps its login
    /// under an URL.
    let hosts: [String]
    /// `H/a/b`, `H/a`, `H` for each of the hosts: the longest first, cut at whole path elements.
    let namespaced: [String]
    /// Under which Docker keeps a login.
    let docker: String
    /// For the comparison with keys in other spellings.
    let normalised: String

    /// - Parameters:
    ///   - registry: host and port as the user wrote them.
    ///   - repository: may be empty.
    init(registry: String, repository: String) {
        normalised = Self.normalised(registry, isLegacy: false)
        let aliases = normalised == Self.hub ? ["docker.io", "https://index.docker.io/v1/", "index.docker.io"] : []
        docker = aliases.isEmpty ? registry : "https://index.docker.io/v1/"
        let hosts = [registry] + aliases.filter { $0 != registry }
        let elements = repository.split(separator: "/")
        self.hosts = hosts
        namespaced = (0...elements.count).reversed().flatMap { count in
            count == 0
                ? hosts
                : hosts.filter { !$0.contains("/") }.map { host in
                    host + "/" + elements.prefix(count).joined(separator: "/")
                }
        }
    }

    private static let hub = "index.docker.io"

    /// The host that a key means: without its scheme, and without the path behind it where there was a scheme; in
    /// lower case, and one name for Docker Hub. A key with a path but no scheme is a namespace, and remains one.
    static func normalised(_ key: String, isLegacy: Bool) -> String {
        var text = Substring(key.lowercased())
        let scheme = ["https://", "http://"].first(where: text.hasPrefix)
        if let scheme { text.removeFirst(scheme.count) }
        if scheme != nil || isLegacy { text = text.prefix { $0 != "/" } }
        return ["docker.io", "registry-1.docker.io"].contains(text) ? hub : String(text)
    }
}
