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
            let last = directory.split(separator: "/").last.map(String.init)?.lowercased(),
            (try? ImageReference(parsing: "localhost/" + last)) != nil
        else { return nil }
        name = last
        self.tag = tag
    }
}

/// Where a rule sends an image: a destination with `{name}` and `{tag}` in it.
public struct DestinationTemplate: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// - Throws: ``TemplateError`` unless filling it in gives a qualified destination.
    public init(_ text: String) throws(TemplateError) {
        guard text.utf8.count <= 512 else {
            throw TemplateError(template: String(text.prefix(80)), reason: "it is too long")
        }
        description = text
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw TemplateError(template: text, reason: "a { has no }")
            }
            let variable = rest[rest.index(after: open)..<close]
            guard ["name", "tag"].contains(variable) else {
                throw TemplateError(template: text, reason: "{\(variable)} is not known: {name} and {tag} are")
            }
            rest = rest[rest.index(after: close)...]
        }
        _ = try filled(for: PublishedName(name: "name", tag: "tag"))
    }

    /// - Throws: ``TemplateError`` if the image's name makes no destination of it.
    func filled(for image: PublishedName) throws(TemplateError) -> ImageReference {
        let text = Self.replace("{tag}", by: image.tag, in: Self.replace("{name}", by: image.name, in: description))
        let reference: ImageReference
        do { reference = try ImageReference(parsing: text) } catch {
            throw TemplateError(template: description, reason: error.description)
        }
        guard reference.isQualified else {
            throw TemplateError(template: description, reason: "it must begin with the registry: HOST/REPOSITORY:TAG")
        }
        return reference.withDefaultTag(image.tag)
    }

    private static func replace(_ variable: String, by value: String, in text: String) -> String {
        text.split(separator: variable, omittingEmptySubsequences: false).joined(separator: value)
    }
}

/// A destination template that cannot be used.
public struct TemplateError: Error, Sendable, CustomStringConvertible {
    public let template: String
    public let reason: String

    public var description: String { "destination \"\(template)\": \(reason)" }
}
