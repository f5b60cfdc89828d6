internal import ImageStore
internal import OCI

/// An image's name as rules see it: without the registry, always with a tag.
public struct PublishedName: Sendable, Hashable, CustomStringConvertible {
    public let name: String
    public let tag: String

    public init(name: String, tag: String) {
        self.name = name
        self.tag = tag
    }

    public var description: String { name + ":" + tag }

    /// Reads the name that a layout gives to one of its images.
    ///
    /// - Parameters:
    ///   - names: the entry's annotations: a full name (`docker.io/library/app:1`), a short one (`app:1`), or a tag.
    ///   - directory: the layout's path; its last part is the name where the annotation holds only a tag.
    /// - Returns: nil where none of it can be a name.
    init?(names: [String], directory: String, defaultTag: String) {
        for text in names where text.contains("/") || text.contains(":") {
            guard let reference = try? ImageReference(parsing: text) else { continue }
            name = Self.path(of: reference)
            tag = reference.tag ?? defaultTag
            return
        }
        guard let tag = names.first(where: ImageReference.isValidTag),
            let own = StoredImage.name(ofDirectory: directory)
        else { return nil }
        name = own
        self.tag = tag
    }
}

extension PublishedName {
    /// How the names of a layout's entry are read.
    enum Reading {
        case name(PublishedName)
        /// It has a name that is not valid in a registry: the name it would have, and what is invalid.
        case unusable(PublishedName, reason: String)
        case nameless
    }

    /// As ``init(names:directory:defaultTag:)``, with the reason where there is no valid name.
    static func read(names: [String], directory: String, defaultTag: String) -> Reading {
        if let name = PublishedName(names: names, directory: directory, defaultTag: defaultTag) { return .name(name) }
        if let full = names.first(where: { $0.contains("/") || $0.contains(":") }) {
            let (name, tag) = cut(full)
            let path = (try? ImageReference(parsing: name)).map(PublishedName.path) ?? name
            return .unusable(
                PublishedName(name: path, tag: tag ?? defaultTag), reason: reason(full, name: name, tag: tag))
        }
        guard let tag = names.first else { return .nameless }
        let own = StoredImage.name(ofDirectory: directory)
        let last = directory.split(separator: "/").last.map(String.init) ?? directory
        return .unusable(
            PublishedName(name: own ?? last, tag: tag),
            reason: ImageReference.isValidTag(tag)
                ? "its directory's name \"\(last)\" can't be that of a repository" : noTag(tag))
    }

    private static func reason(_ full: String, name: String, tag: String?) -> String {
        if let tag, !ImageReference.isValidTag(tag), (try? ImageReference(parsing: name)) != nil { return noTag(tag) }
        do {
            _ = try ImageReference(parsing: full)
            return "it is not an image name"
        } catch { return error.description }
    }

    private static func noTag(_ tag: String) -> String {
        "\"\(tag.prefix(130))\" is not a valid tag: 1 to 128 letters, digits, \"_\", \".\" and \"-\", not beginning with "
            + "\".\" or \"-\""
    }

    /// At the colon that follows the last slash.
    private static func cut(_ text: String) -> (name: String, tag: String?) {
        let last = text.lastIndex(of: "/").map { text.index(after: $0) } ?? text.startIndex
        guard let colon = text[last...].firstIndex(of: ":") else { return (text, nil) }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    /// Docker Hub's own images are called without their namespace.
    private static func path(of reference: ImageReference) -> String {
        let isHubLibrary = reference.domain == "docker.io" && reference.path.hasPrefix("library/")
        return isHubLibrary ? String(reference.path.dropFirst("library/".count)) : reference.path
    }
}
