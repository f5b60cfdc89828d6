import ImageStore
import OCI

/// Which entries of a store rules name by something that can't be published.
extension AutoPublisher {
    /// The names that different images of the store have: a rule that took turns with them would never end.
    static func namesOfSeveral(
        _ images: [StoredImage], _ directory: String, _ settings: PublisherSettings
    ) -> Set<PublishedName> {
        var roots: [PublishedName: Set<Digest>] = [:]
        for image in images {
            let reading = PublishedName.read(
                names: image.names, directory: directory, defaultTag: settings.defaultTag)
            if case .name(let name) = reading { roots[name, default: []].insert(image.root.digest) }
        }
        return Set(roots.filter { $0.value.count > 1 }.keys)
    }

    /// Entries that are no image, or can't be read.
    static func unusable(
        _ others: [LayoutContents.Other], _ directory: String, _ settings: PublisherSettings
    ) -> Set<UnpublishedImage> {
        var found: Set<UnpublishedImage> = []
        for other in others {
            switch PublishedName.read(names: other.names, directory: directory, defaultTag: settings.defaultTag) {
            case .name(let name), .unusable(let name, _):
                guard settings.rules.contains(where: { $0.matches(name) }) else { continue }
                found.insert(UnpublishedImage("\(name)", code: "entry-not-supported", "it \(other.reason)"))
            case .nameless: continue
            }
        }
        return found
    }

    /// An image without a name, where it is the only one of the layout: among several it is usually an older one, whose
    /// name a newer entry has taken over.
    ///
    /// - Returns: nil where no rule would match the layout's directory name.
    static func nameless(
        _ image: StoredImage, among contents: LayoutContents, _ directory: String, _ settings: PublisherSettings
    ) -> UnpublishedImage? {
        guard contents.images.count == 1, let own = StoredImage.name(ofDirectory: directory),
            settings.rules.contains(where: { $0.matches(PublishedName(name: own, tag: settings.defaultTag)) })
        else { return nil }
        return UnpublishedImage(
            "\(image.root.digest)", code: "name-missing",
            "it has no name in index.json; "
                + "write it with one, such as \(shellWord("oci:\(directory):\(settings.defaultTag)"))")
    }
}
