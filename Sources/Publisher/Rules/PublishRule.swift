internal import ImageStore
internal import OCI

/// "Images called this are published there": what the configuration says about publishing without being asked.
public struct PublishRule: Sendable, Hashable {
    /// What `{name}` and `{tag}` of the image have to look like: `team/*`, `team/*:v*`. Without a colon: any tag.
    public let image: Glob
    /// `registry.example/mirror/{name}:{tag}`, one or several.
    public let destinations: [DestinationTemplate]

    public init(image: Glob, destinations: [DestinationTemplate]) {
        self.image = image
        self.destinations = destinations
    }

    func matches(_ name: PublishedName) -> Bool {
        image.description.utf8.contains(UInt8(ascii: ":"))
            ? image.matches(name.name + ":" + name.tag) : image.matches(name.name)
    }
}

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
    ///   - names: what the layout's annotations say: a full name (`docker.io/library/app:1`), a short one (`app:1`), or a bare tag.
    ///   - directory: the layout's path; its last part is the name where the annotation holds only a tag.
    /// - Returns: nil where none of it can be a name.
    init?(names: [String], directory: String, defaultTag: String) {
        for text in names where text.contains("/") || text.contains(":") {
            guard let reference = try? ImageReference(parsing: text) else { continue }
            let isHubLibrary = reference.domain == "docker.io" && reference.path.hasPrefix("library/")
            name = isHubLibrary ? String(reference.path.dropFirst("library/".count)) : reference.path
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
