internal import OCI

/// Which image a name means.
extension LayoutIndex {
    enum Match: Sendable {
        case found(Entry)
        case none
        /// What has the name is no image that can be pushed.
        case other(Other)
        /// Different images answer to it; their names or digests.
        case several([String])

        var isNone: Bool { if case .none = self { true } else { false } }
    }

    /// - Parameters:
    ///   - name: nil for the only image there is.
    ///   - defaultTag: stands in where `name` has neither tag nor digest.
    func find(_ name: String?, defaultTag: String) -> Match {
        let match = name.map { found(in: entries, $0, defaultTag: defaultTag) } ?? entries
        if !match.isEmpty { return choice(match) }
        let others = name.map { found(in: self.others, $0, defaultTag: defaultTag) } ?? self.others
        return others.last.map { .other($0) } ?? .none
    }

    /// The entries that answer to the name in the closest way.
    private func found<Item: NamedEntry>(in items: [Item], _ name: String, defaultTag: String) -> [Item] {
        let steps: [(any NamedEntry) -> Bool] = [
            { $0.fullName == name },
            { $0.refName == name },
            Self.hasDigest(of: name),
            Self.hasSameReference(as: name, defaultTag: defaultTag),
            Self.endsLike(name, defaultTag: defaultTag),
        ]
        for step in steps {
            let matches = items.filter(step)
            if !matches.isEmpty { return matches }
        }
        return []
    }

    /// One image, however many entries point to it; a choice between different ones is the user's.
    private func choice(_ matches: [Entry]) -> Match {
        guard let last = matches.last else { return .none }
        if matches.allSatisfy({ $0.root.digest == last.root.digest }) { return .found(last) }
        return .several(
            matches.map { entry in
                let name = entry.names.first ?? "@\(entry.root.digest)"
                return entry.root.platform.map { "\(name) (\($0))" } ?? name
            })
    }

    /// `@DIGEST`, or `NAME@DIGEST` where the entry has no full name or one of the same repository.
    private static func hasDigest(of name: String) -> (any NamedEntry) -> Bool {
        guard let mark = name.firstIndex(of: "@") else { return { _ in false } }
        let digest = String(name[name.index(after: mark)...])
        let repository = try? ImageReference(parsing: String(name[..<mark]))
        guard mark == name.startIndex || repository != nil else { return { _ in false } }
        return { entry in
            guard !digest.isEmpty, entry.digest == digest else { return false }
            let full = entry.fullReferences
            return repository == nil || full.isEmpty || full.contains { $0.name == repository?.name }
        }
    }

    /// The same image to Docker, however it is spelled: `app` and `docker.io/library/app:latest`.
    private static func hasSameReference(as name: String, defaultTag: String) -> (any NamedEntry) -> Bool {
        guard let wanted = try? ImageReference(parsing: name).withDefaultTag(defaultTag), wanted.digest == nil else {
            return { _ in false }
        }
        return { $0.fullReferences.contains { $0.name == wanted.name && $0.tag == wanted.tag } }
    }

    /// A short name for an image of any registry: `app:1` for `localhost/app:1` or `registry.example.com/team/app:1`.
    private static func endsLike(_ name: String, defaultTag: String) -> (any NamedEntry) -> Bool {
        guard let wanted = try? ImageReference(parsing: name).withDefaultTag(defaultTag), !wanted.isQualified,
            wanted.digest == nil, let path = name.split(separator: ":").first
        else { return { _ in false } }
        return { entry in
            entry.fullReferences.contains {
                $0.tag == wanted.tag && ($0.path == path || $0.path.hasSuffix("/\(path)"))
            }
        }
    }
}

extension NamedEntry {
    /// The names that say a repository: what has no slash, colon or at sign is only a tag.
    fileprivate var fullReferences: [ImageReference] {
        names.filter { $0 == fullName || $0.contains { "/:@".contains($0) } }
            .compactMap { try? ImageReference(parsing: $0).withDefaultTag("latest") }
    }
}
