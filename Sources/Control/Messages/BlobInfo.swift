/// A manifest, config or layer of a job, and what became of it.
public struct BlobInfo: Codable, Sendable, Equatable {
    public var digest: String
    public var size: Int64
    public var mediaType: String
    /// `manifest`, `config` or `layer`.
    public var role: String
    /// `pending`, `uploaded`, `mounted`, `existing`, `shared` or `skipped`.
    public var outcome: String
    /// How much of it the registry has, in bytes, as far as is known; `size` when it is done.
    public var bytesDone: Int64
    /// Where it came from, such as `from team/base` or `job 12`.
    public var detail: String?
    /// How much of `bytesDone` the registry has not kept, in bytes, while it is sent again; else absent.
    public var sentAgain: Int64?

    public init(
        digest: String, size: Int64, mediaType: String, role: String, outcome: String, bytesDone: Int64,
        detail: String? = nil, sentAgain: Int64? = nil
    ) {
        self.digest = digest
        self.size = size
        self.mediaType = mediaType
        self.role = role
        self.outcome = outcome
        self.bytesDone = bytesDone
        self.detail = detail
        self.sentAgain = sentAgain
    }
}
