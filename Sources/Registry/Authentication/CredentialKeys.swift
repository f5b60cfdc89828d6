internal import OCI

/// What a credential file is looked into for: the login for one repository, or for a registry as a whole.
///
/// Source: docker/cli, cli/config/credentials/file_store.go; containers/image, pkg/docker/config/config.go.
struct CredentialKeys: Hashable, Sendable {
    /// The host as the user wrote it, then its other names: Docker Hub has several, and Docker itself keeps its login
    /// under an URL.
    let hosts: [String]
    /// Under which Docker keeps a login.
    let docker: String
    /// For the comparison with keys in other spellings.
    let host: String
    /// The repository's path elements, in lower case; none for the registry as a whole.
    let path: [String]

    /// - Parameters:
    ///   - registry: host and port as the user wrote them.
    ///   - repository: may be empty.
    init(registry: String, repository: String) {
        host = CredentialKey.oneName(of: registry)
        let aliases = host == CredentialKey.hub ? ["docker.io", "https://index.docker.io/v1/", "index.docker.io"] : []
        docker = aliases.isEmpty ? registry : "https://index.docker.io/v1/"
        hosts = [registry] + aliases.filter { $0 != registry }
        path = repository.lowercased().split(separator: "/").map(String.init)
    }

    /// How well a key fits; the least is the best.
    struct Fit: Hashable, Comparable, Sendable {
        /// How many of the repository's path elements the key names.
        let depth: Int
        /// How its spelling differs from the one that is looked for.
        let spelling: Int

        /// A key that means the host by what Docker makes of it, which drops a path that may have been meant.
        var isGuess: Bool { depth == 0 && spelling == Self.guess }

        static let (respelled, guess) = (10, 20)

        static func < (one: Fit, other: Fit) -> Bool {
            one.depth == other.depth ? one.spelling < other.spelling : one.depth > other.depth
        }
    }

    /// Nil where the key means something else.
    func fit(of key: CredentialKey) -> Fit? {
        if let place = hosts.firstIndex(of: key.text) { return Fit(depth: 0, spelling: place) }
        guard key.host == host else { return nil }
        if !key.path.isEmpty, path.starts(with: key.path) {
            let isExact = hosts.contains { key.text == "\($0)/\(key.path.joined(separator: "/"))" }
            return Fit(depth: key.path.count, spelling: isExact ? 0 : key.isURL ? Fit.guess : Fit.respelled)
        }
        guard key.meansHost else { return nil }
        return Fit(depth: 0, spelling: key.path.isEmpty || !key.isURL ? Fit.respelled : Fit.guess)
    }
}

/// The name of an entry in a credential file, as one of the tools that write such files, or a person, has spelled it:
/// `HOST`, `HOST/`, `https://HOST/v1/`, `HOST/team`.
struct CredentialKey: Hashable, Sendable {
    /// As it stands in the file.
    let text: String
    /// Its one name, of Docker Hub ``hub``.
    let host: String
    /// The namespace, in lower case. What an address has behind the interface's version is one too: Kubernetes reads
    /// it so.
    let path: [String]
    /// Whether it has a scheme.
    let isURL: Bool
    /// Whether it can be the login for the whole host. Docker and the containers tools drop the path of an address;
    /// `HOST/v1` is the address of an interface, though it may also be a namespace.
    let meansHost: Bool

    static let hub = "index.docker.io"

    /// - Parameter isLegacy: a key of `.dockercfg`, in which no key names a repository.
    init(_ text: String, isLegacy: Bool) {
        self.text = text
        var rest = Substring(text.lowercased().trimmed)
        let scheme = ["https://", "http://"].first(where: rest.hasPrefix)
        isURL = scheme != nil
        if let scheme {
            rest = rest.dropFirst(scheme.count).prefix { $0 != "?" && $0 != "#" }
        }
        var authority = rest.prefix { $0 != "/" }
        if isURL, let user = authority.lastIndex(of: "@") { authority = authority[authority.index(after: user)...] }
        host = Self.oneName(of: String(authority))
        var elements = rest.drop { $0 != "/" }.split(separator: "/").map(String.init)
        let isVersion = elements.first == "v1" || elements.first == "v2"
        if isLegacy || (isURL && isVersion) || (elements.count == 1 && isVersion) {
            // Docker keeps the two halves of a login by its web page beside the login itself: neither is one.
            let isHalf = host == Self.hub && ["access-token", "refresh-token"].contains(elements.last)
            meansHost = !isHalf
            elements = isLegacy || isHalf ? [] : Array(elements.dropFirst())
        } else {
            meansHost = isURL || elements.isEmpty
        }
        path = elements
    }

    /// The name that all spellings of a host are compared by.
    static func oneName(of host: String) -> String {
        let name = RegistryNames().name(of: host)
        return name == "docker.io" ? hub : name
    }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(
            start[..<(start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) } ?? start.startIndex)])
    }
}
