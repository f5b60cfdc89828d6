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
