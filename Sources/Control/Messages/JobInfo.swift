/// A job as clients see it.
public struct JobInfo: Codable, Sendable, Equatable {
    public var id: Int
    /// `queued`, `running`, `waiting`, `blocked`, `succeeded`, `failed`, `canceled` or `superseded`.
    public var state: String
    /// The local image as the user named it.
    public var image: String
    /// Where the image was found, such as `oci:/srv/images`.
    public var source: String
    /// What is pushed. Unless ``sourceDigest`` says otherwise, that is what the name meant when the job was accepted.
    public var digest: String
    /// What the name meant then, where another image is pushed: of some platforms only, or in another format.
    public var sourceDigest: String?
    /// `docker` or `oci` where the manifests were written anew in that format.
    public var format: String?
    /// What that format has no place for, such as `3 annotations`.
    public var leftOut: String?
    /// The fully qualified reference.
    public var destination: String
    /// `command` or `rule`.
    public var origin: String
    /// Higher goes first.
    public var priority: Int
    /// The level of verification asked for: `none`, `manifest`, `blobs` or `deep`.
    public var verify: String
    /// The level that the registry's copy has passed.
    public var verified: String?
    public var attempts: Int
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    public var nextAttemptAt: Timestamp?
    public var error: JobErrorInfo?
    /// What an unfinished job waits for, as the end of "waits for".
    public var waitsFor: String?
    /// The newer job for the same destination.
    public var supersededBy: Int?
    public var bytesTotal: Int64
    public var bytesUploaded: Int64
    public var bytesMounted: Int64
    public var bytesExisting: Int64
    /// Absent where a list was asked for without them.
    public var blobs: [BlobInfo]?
    /// Who asked for it; absent: a rule, or an earlier version of the daemon did not ask.
    public var askedBy: AskerInfo?
    /// Present and true where the job is another user's and the caller no operator: only its id, its state, its times and
    /// its registry, in the place of the destination, are told; the other texts are empty and the numbers 0.
    public var hidden: Bool?

    /// True once nothing more will happen to the job by itself.
    public var hasEnded: Bool { Self.endedStates.contains(state) }

    private static let endedStates: Set<String> = ["succeeded", "failed", "canceled", "superseded"]

    /// Those that this version knows.
    public static let states = [
        "queued", "running", "waiting", "blocked", "succeeded", "failed", "canceled", "superseded",
    ]

    public init(
        id: Int, state: String, image: String, source: String, digest: String, destination: String,
        origin: String, priority: Int, verify: String, verified: String? = nil, attempts: Int,
        createdAt: Timestamp, updatedAt: Timestamp, startedAt: Timestamp? = nil, endedAt: Timestamp? = nil,
        nextAttemptAt: Timestamp? = nil, error: JobErrorInfo? = nil, waitsFor: String? = nil,
        supersededBy: Int? = nil, bytesTotal: Int64, bytesUploaded: Int64, bytesMounted: Int64,
        bytesExisting: Int64, blobs: [BlobInfo]? = nil, sourceDigest: String? = nil,
        format: String? = nil, leftOut: String? = nil, askedBy: AskerInfo? = nil, hidden: Bool? = nil
    ) {
        self.id = id
        self.state = state
        self.image = image
        self.source = source
        self.digest = digest
        self.destination = destination
        self.origin = origin
        self.priority = priority
        self.verify = verify
        self.verified = verified
        self.attempts = attempts
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.nextAttemptAt = nextAttemptAt
        self.error = error
        self.waitsFor = waitsFor
        self.supersededBy = supersededBy
        self.bytesTotal = bytesTotal
        self.bytesUploaded = bytesUploaded
        self.bytesMounted = bytesMounted
        self.bytesExisting = bytesExisting
        self.blobs = blobs
        self.sourceDigest = sourceDigest
        self.format = format
        self.leftOut = leftOut
        self.askedBy = askedBy
        self.hidden = hidden
    }
}

/// Who asked for something.
public struct AskerInfo: Codable, Sendable, Equatable {
    public var uid: Int
    /// The user's name; absent where the daemon's machine knows none.
    public var name: String?
    /// The process.
    public var pid: Int

    public init(uid: Int, name: String? = nil, pid: Int) {
        self.uid = uid
        self.name = name
        self.pid = pid
    }
}
