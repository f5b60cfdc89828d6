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
