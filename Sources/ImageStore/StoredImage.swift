public import OCI

/// An image that a store knows by name.
public struct StoredImage: Sendable, Hashable {
    /// The store: `oci:/srv/app`.
    public let storeID: String
    /// Every name that resolves to it there, full ones first; empty for an entry without a name.
    public let names: [String]
    public let root: Descriptor

    public init(storeID: String, names: [String], root: Descriptor) {
        self.storeID = storeID
        self.names = names
        self.root = root
    }
}

extension StoredImage {
    /// What an image is called that its layout knows only by a tag: the last part of the directory, in lower case.
    ///
    /// - Returns: nil where that can be no repository's name.
    public static func name(ofDirectory directory: String) -> String? {
        guard let last = directory.split(separator: "/").last?.lowercased(),
            (try? ImageReference(parsing: "localhost/" + last))?.path == last
        else { return nil }
        return last
    }

    /// A name that tells it from those of other stores, and by which it can be pushed; nil where it has none.
    public var shownName: String? {
        guard let first = names.first else { return nil }
        let directory = storeID.hasPrefix("oci:") ? String(storeID.dropFirst(4)) : storeID
        guard ImageReference.isValidTag(first) else { return first }
        return Self.name(ofDirectory: directory).map { $0 + ":" + first } ?? "\(storeID):\(first)"
    }
}
