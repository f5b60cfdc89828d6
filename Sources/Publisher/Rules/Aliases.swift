public import OCI

/// Names that stand for real destinations, one or several: a word in a destination's place, or a registry that is only
/// a name.
///
/// What an alias stands for is final: aliases are not looked up in it again, neither this one nor another. So a
/// registry may be one of its own destinations, and nothing runs in circles.
public struct Aliases: Sendable, Hashable {
    /// How an alias is spelled.
    public enum Name: Sendable, Hashable {
        /// `release`: written alone, or before a slash: `release/other:2`.
        case word(String)
        /// `registry.example`, `localhost:5000`: what names it goes where the alias says.
        case registry(String)
    }

    /// What a text means that begins with an alias.
    struct Expansion {
        let templates: [DestinationTemplate]
        /// What fills them in.
        let name: PublishedName
        /// What the image must be, where the text says that.
        let digest: Digest?
    }

    /// By which a registry in any spelling is found.
    public var names = RegistryNames()
    private var words: [String: [DestinationTemplate]] = [:]
    private var registries: [String: [DestinationTemplate]] = [:]

    public init() {}

    public mutating func add(_ name: Name, _ templates: [DestinationTemplate]) {
        switch name {
        case .word(let word): words[word] = templates
        case .registry(let registry): registries[registry] = templates
        }
    }

    /// Whether a text can be an alias that is no registry: one part of a repository's name, without a dot.
    public static func isWord(_ text: String) -> Bool {
        guard !text.contains("."), text != "localhost" else { return false }
        return (try? ImageReference(parsing: "localhost/" + text))?.path == text && !text.contains("/")
    }

    /// Whether filling in what they stand for takes a look into the image.
    var lookIntoImages: Bool {
        [words, registries].contains { $0.values.joined().contains { $0.uses(.arch) || $0.uses(.digest) } }
    }

    /// What a destination stands for, as it was written.
    ///
    /// - Parameters:
    ///   - own: the image's own name, for a word that stands alone; nil where it has none.
    ///   - defaultTag: for a destination that says no tag.
    /// - Returns: nil where no alias is meant.
    /// - Throws: ``TemplateError`` where one is meant and what follows it is no name.
    func expansion(
        of text: String, own: PublishedName?, defaultTag: String
    ) throws(TemplateError) -> Expansion? {
        guard !words.isEmpty || !registries.isEmpty else { return nil }
        guard let slash = text.firstIndex(of: "/") else { return try alone(text, own: own) }
        let first = String(text[..<slash])
        let rest = text[text.index(after: slash)...]
        if let templates = words[first] {
            let reference: ImageReference
            do { reference = try ImageReference(parsing: "localhost/" + rest) } catch {
                throw TemplateError(
                    template: text, reason: "what follows the alias \(first) is no name: \(rest.prefix(100))")
            }
            return try expansion(text, reference, templates, defaultTag)
        }
        guard let reference = try? ImageReference(parsing: text), reference.isQualified else { return nil }
        return try expansion(of: reference, defaultTag: defaultTag)
    }

    /// - Returns: nil where no alias has the name of the reference's registry.
    func expansion(of reference: ImageReference, defaultTag: String) throws(TemplateError) -> Expansion? {
        guard let templates = templates(of: reference.domain) else { return nil }
        return try expansion(reference.description, reference, templates, defaultTag)
    }

    private func templates(of registry: String) -> [DestinationTemplate]? {
        if let templates = registries[registry] { return templates }
        let wanted = names.name(of: registry)
        return registries.first { names.name(of: $0.key) == wanted }?.value
    }

    /// `release` or `release:2`.
    private func alone(_ text: String, own: PublishedName?) throws(TemplateError) -> Expansion? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let word = parts.first, let templates = words[word] else { return nil }
        guard let own else {
            throw TemplateError(
                template: text, reason: "the image has no name that would fill in the alias; write \(word)/NAME:TAG")
        }
        guard parts.count == 1 || ImageReference.isValidTag(parts[1]) else {
            throw TemplateError(template: text, reason: "what follows the alias \(word) is no tag")
        }
        let name = PublishedName(name: own.name, tag: parts.count > 1 ? parts[1] : own.tag)
        return Expansion(templates: templates, name: name, digest: nil)
    }

    private func expansion(
        _ text: String, _ reference: ImageReference, _ templates: [DestinationTemplate], _ defaultTag: String
    ) throws(TemplateError) -> Expansion {
        // A push by digest alone makes no tag, and an alias has no other name to fill in.
        guard let tag = reference.tag ?? (reference.digest == nil ? defaultTag : nil) else {
            throw TemplateError(template: text, reason: "an alias takes a tag besides the digest: NAME:TAG@DIGEST")
        }
        return Expansion(
            templates: templates, name: PublishedName(name: reference.path, tag: tag), digest: reference.digest)
    }
}
