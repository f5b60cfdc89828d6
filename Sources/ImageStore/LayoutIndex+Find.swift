internal import OCI

/// Which image a name means.
extension LayoutIndex {
    enum Match: Sendable {
        case found(Entry)
        case none
        /// Different images answer to it; their names or digests.
        case several([String])
    }

    /// - Parameters:
    ///   - name: nil for the only image there is.
    ///   - defaultTag: stands in where `name` has neither tag nor digest.
    func find(_ name: String?, defaultTag: String) -> Match {
        guard let name else { return choice(entries) }
        let steps: [(Entry) -> Bool] = [
            { $0.fullName == name },
            { $0.refName == name },
            Self.hasDigest(of: name),
            Self.hasSameReference(as: name, defaultTag: defaultTag),
            Self.endsLike(name, defaultTag: defaultTag),
        ]
        for step in steps {
            let matches = entries.filter(step)
            if !matches.isEmpty { return choice(matches) }
        }
        return .none
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
    private static func hasDigest(of name: String) -> (Entry) -> Bool {
        guard let mark = name.firstIndex(of: "@"),
            let digest = try? Digest(parsing: String(name[name.index(after: mark)...]))
        else { return { _ in false } }
        let repository = try? ImageReference(parsing: String(name[..<mark]))
        guard mark == name.startIndex || repository != nil else { return { _ in false } }
        return { entry in
            guard entry.root.digest == digest else { return false }
            let full = entry.fullReferences
            return repository == nil || full.isEmpty || full.contains { $0.name == repository?.name }
        }
    }

    /// The same image to Docker, however it is spelled: `app` and `docker.io/library/app:latest`.
    private static func hasSameReference(as name: String, defaultTag: String) -> (Entry) -> Bool {
        guard let wanted = try? ImageReference(parsing: name).withDefaultTag(defaultTag), wanted.digest == nil else {
            return { _ in false }
        }
        return { $0.fullReferences.contains { $0.name == wanted.name && $0.tag == wanted.tag } }
    }

    /// A short name for an image of any registry: `app:1` for `localhost/app:1` or `registry.example.com/team/app:1`.
    private static func endsLike(_ name: String, defaultTag: String) -> (Entry) -> Bool {
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

extension LayoutIndex.Entry {
    /// The names that say a repository: what has no slash, colon or at sign is only a tag.
    fileprivate var fullReferences: [ImageReference] {
        names.filter { $0 == fullName || $0.contains { "/:@".contains($0) } }
            .compactMap { try? ImageReference(parsing: $0).withDefaultTag("latest") }
    }
}
