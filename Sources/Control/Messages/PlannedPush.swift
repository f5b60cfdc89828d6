/// What a push would do to one destination.
public struct PlannedPush: Codable, Sendable, Equatable {
    public var image: String
    public var source: String
    public var digest: String
    /// As in ``JobInfo``.
    public var sourceDigest: String?
    /// As in ``JobInfo``.
    public var format: String?
    /// As in ``JobInfo``.
    public var leftOut: String?
    public var mediaType: String
    public var destination: String
    /// Empty for a single image that names none.
    public var platforms: [String]
    /// The pending job that the push would join instead of making a new one.
    public var job: Int?
    /// The pending jobs that it would supersede.
    public var supersedes: [Int]
    public var bytesTotal: Int64
    /// The outcome is what is known without asking the registry: `existing` or `pending`.
    public var blobs: [BlobInfo]

    public init(
        image: String, source: String, digest: String, mediaType: String, destination: String,
        platforms: [String], job: Int? = nil, supersedes: [Int] = [], bytesTotal: Int64, blobs: [BlobInfo],
        sourceDigest: String? = nil, format: String? = nil, leftOut: String? = nil
    ) {
        self.image = image
        self.source = source
        self.digest = digest
        self.mediaType = mediaType
        self.destination = destination
        self.platforms = platforms
        self.job = job
        self.supersedes = supersedes
        self.bytesTotal = bytesTotal
        self.blobs = blobs
        self.sourceDigest = sourceDigest
        self.format = format
        self.leftOut = leftOut
    }
}
