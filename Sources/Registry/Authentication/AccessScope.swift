/// What a bearer token is asked to allow: actions on one resource, almost always a repository.
///
/// Source: distribution docs, spec/auth/scope.md: `type:name:action,action`.
public struct AccessScope: Hashable, Sendable, CustomStringConvertible {
    /// `repository`, or what a registry's challenge named.
    public let type: String
    /// The repository: `team/app`.
    public let name: String
    /// Sorted, each once: `["pull", "push"]`.
    public let actions: [String]

    /// Nil for what is no repository.
    var repository: String? { type == "repository" ? name : nil }

    public init(repository: String, actions: [String]) { self.init(type: "repository", name: repository, actions) }

    private init(type: String, name: String, _ actions: [String]) {
        self.type = type
        self.name = name
        self.actions = Set(actions).sorted()
    }

    /// Reading a repository: GET and HEAD of anything in it, or mounting from it.
    public static func pull(_ repository: String) -> AccessScope { .init(repository: repository, actions: ["pull"]) }

    /// Pushing to a repository, which reads it as well: registries want both for POST, PATCH and PUT.
    public static func push(_ repository: String) -> AccessScope {
        .init(repository: repository, actions: ["pull", "push"])
    }

    /// Listing all repositories of a registry.
    public static let catalog = AccessScope(type: "registry", name: "catalog", ["*"])

    /// One scope as it stands in a challenge; nil unless it has a type, a name and at least one action, in printable
    /// ASCII of at most 1024 bytes.
    ///
    /// The name may contain a colon (a port): the type ends at the first one, the actions begin at the last.
    public init?(parsing text: String) {
        let bytes = text.utf8
        guard bytes.count <= 1024, bytes.allSatisfy({ (0x21...0x7E).contains($0) }),
            let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), first < last
        else { return nil }
        let name = text[text.index(after: first)..<last]
        let actions = text[text.index(after: last)...].split(separator: ",")
        guard first > text.startIndex, !name.isEmpty, !actions.isEmpty else { return nil }
        self.init(type: String(text[..<first]), name: String(name), actions.map(String.init))
    }

    public var description: String { "\(type):\(name):\(actions.joined(separator: ","))" }

    /// Whether one of `granted` allows it all.
    func isCovered(by granted: [AccessScope]) -> Bool {
        granted.contains { $0.type == type && $0.name == name && Set($0.actions).isSuperset(of: actions) }
    }

    /// One list that asks for all of both: what `demanded` asks for comes first, since some token servers honour only
    /// the first scope; actions on one resource become one scope.
    static func union(_ demanded: [AccessScope], _ wanted: [AccessScope]) -> [AccessScope] {
        var result: [AccessScope] = []
        for scope in demanded + wanted {
            if let place = result.firstIndex(where: { $0.type == scope.type && $0.name == scope.name }) {
                let actions = result[place].actions + scope.actions
                result[place] = AccessScope(type: scope.type, name: scope.name, actions)
            } else {
                result.append(scope)
            }
        }
        return result
    }
}
