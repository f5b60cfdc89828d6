public import OCI

/// An open upload session of a registry, stored so that the upload can be resumed after a restart.
public struct StoredUpload: Sendable, Hashable {
    public let registry: String
    public let repository: String
    public let digest: Digest
    /// The session's URL as the registry gave it; it may contain a token.
    public let location: String
    /// Bytes that the registry is believed to have.
    public let offset: Int64
    /// How the blob is being sent, as the sender names it.
    public let style: String
    /// Milliseconds since 1970, UTC.
    public let updatedAt: Int64

    public init(
        registry: String, repository: String, digest: Digest, location: String, offset: Int64, style: String,
        updatedAt: Int64
    ) {
        self.registry = registry
        self.repository = repository
        self.digest = digest
        self.location = location
        self.offset = offset
        self.style = style
        self.updatedAt = updatedAt
    }
}

/// Something learned about a registry by watching what it does.
public struct LearnedFact: Sendable, Hashable {
    public let name: String
    public let value: String
    /// When it was last seen: milliseconds since 1970, UTC.
    public let at: Int64

    public init(name: String, value: String, at: Int64) {
        self.name = name
        self.value = value
        self.at = at
    }
}

/// That a publishing rule has dealt with an image: this name of this store had this digest.
public struct Handled: Sendable, Hashable {
    public let store: String
    public let name: String
    public let digest: Digest

    public init(store: String, name: String, digest: Digest) {
        self.store = store
        self.name = name
        self.digest = digest
    }
}
