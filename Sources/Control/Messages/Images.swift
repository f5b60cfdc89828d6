/// `org.pushd.Control.Images`: the local images of all stores, and where each was pushed.
///
/// Errors: `ImageInvalid` (no store can be read), `QueueUnavailable`.
public enum Images: Method {
    public static let name = "org.pushd.Control.Images"

    public struct Input: Parameters {
        public enum CodingKeys: CodingKey, CaseIterable {}

        public init() {}
    }

    public struct Output: Codable, Sendable, Equatable {
        public var images: [LocalImageInfo]
        /// Stores whose images are missing above; absent where all were read.
        public var unreadable: [UnreadableStore]?

        public init(images: [LocalImageInfo], unreadable: [UnreadableStore]? = nil) {
            self.images = images
            self.unreadable = unreadable
        }
    }
}

/// A store that cannot be read, and why.
public struct UnreadableStore: Codable, Sendable, Equatable {
    /// Such as `oci:/srv/images`.
    public var store: String
    public var error: JobErrorInfo

    public init(store: String, error: JobErrorInfo) {
        self.store = store
        self.error = error
    }
}

/// An image of a local store.
public struct LocalImageInfo: Codable, Sendable, Equatable {
    /// The name to push it by.
    public var name: String
    /// All its names, `name` among them.
    public var names: [String]
    /// Such as `oci:/srv/images`.
    public var store: String
    public var digest: String
    public var mediaType: String
    /// Of its blobs, in bytes; nil where something of it is missing or damaged.
    public var size: Int64?
    public var pushed: [PublicationInfo]

    public init(
        name: String, names: [String], store: String, digest: String, mediaType: String, size: Int64?,
        pushed: [PublicationInfo]
    ) {
        self.name = name
        self.names = names
        self.store = store
        self.digest = digest
        self.mediaType = mediaType
        self.size = size
        self.pushed = pushed
    }
}

/// A push of a local image that succeeded.
public struct PublicationInfo: Codable, Sendable, Equatable {
    public var destination: String
    public var digest: String
    public var at: Timestamp
    public var job: Int

    public init(destination: String, digest: String, at: Timestamp, job: Int) {
        self.destination = destination
        self.digest = digest
        self.at = at
        self.job = job
    }
}
