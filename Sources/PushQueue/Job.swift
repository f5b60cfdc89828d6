public import OCI
public import System

/// Why an attempt or a job failed, as it is shown to people and scripts.
public struct JobError: Sendable, Hashable {
    /// A word for scripts, such as `registry-unreachable`.
    public let code: String
    public let message: String
    /// What a person can do; nil where only waiting helps.
    public let advice: String?

    public init(code: String, message: String, advice: String? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
    }
}

/// A push as it is stored. Times are milliseconds since 1970, UTC.
public struct Job: Sendable, Hashable {
    public let id: JobID
    /// The image as the user named it.
    public let image: String
    /// The store that has it.
    public let source: String
    public let root: Descriptor
    public let destination: ImageReference
    public let state: JobState
    public let origin: JobOrigin
    public let priority: Int
    public let verify: VerifyLevel
    public let force: Bool
    public let platforms: [String]
    /// How ``root`` came from the image in the store; nil where it is that image.
    public let change: ImageChange?
    /// Attempts begun, without those that were given back.
    public let attempts: Int
    /// Failed attempts in a row since bytes last moved, or since a person retried: what a backoff grows with.
    public let failures: Int
    /// Milliseconds in which an attempt was possible, up to the end of the latest attempt; see `TryTime`.
    public let tried: Int64
    public let createdAt: Int64
    public let updatedAt: Int64
    /// When a queued or waiting job is due; nil in every other state.
    public let nextAttemptAt: Int64?
    /// When the latest attempt began.
    public let startedAt: Int64?
    public let endedAt: Int64?
    public let expiresAt: Int64?
    /// The latest error; kept while the job waits or runs again, nil once it has succeeded.
    public let error: JobError?
    /// The sizes of all blobs that are to be sent, manifests included.
    public let bytesTotal: Int64
    /// Of these, the sizes of the blobs that this job uploaded, that the registry mounted, and that were there
    /// already or that another job brought.
    public let bytesUploaded: Int64
    public let bytesMounted: Int64
    public let bytesExisting: Int64
    public let supersededBy: JobID?
    /// What was verified at the end, as the engine reports it.
    public let verified: String?
    /// Who asked for it; nil: a rule, or it was accepted by a pushd that did not ask.
    public let askedBy: Caller?
    /// As whom its image is opened; nil: with the daemon's own rights.
    public let actsAs: UserIdentity?
    /// Whether it came with a login of its own. The login itself is kept in memory only.
    public let hasOwnLogin: Bool
}

/// A job in the hands of one worker.
public struct Claim: Sendable, Hashable {
    public let job: Job
    /// The claim's number. Every write names it, so that a worker that has lost the job can no longer change it.
    public let attempt: Int
}

/// One attempt at a job. Times are milliseconds since 1970, UTC.
public struct Attempt: Sendable, Hashable {
    public let job: JobID
    /// Counts from 1. Only the latest ``JobStore/attemptsKept`` of a job are stored.
    public let number: Int
    public let startedAt: Int64
    public let endedAt: Int64?
    public let error: JobError?
    /// Bytes of blobs put on the wire, those that a broken connection wasted included.
    public let bytesSent: Int64
}

/// What became of a blob in a job; the spelling is that of the command line.
public enum BlobOutcome: String, Sendable, Codable, CaseIterable {
    case pending, uploaded, mounted
    /// The registry had it.
    case existing
    /// Another job brought it.
    case shared
    /// Not to be sent: not distributable.
    case skipped
}

/// A blob of a job, and what became of it there.
public struct JobBlobState: Sendable, Hashable {
    public let blob: JobBlob
    public let outcome: BlobOutcome
    /// Such as `from team/base` or `job 12`.
    public let detail: String?
    /// Bytes of it put on the wire by this job, in all attempts.
    public let bytesSent: Int64
}

/// Which jobs are listed. Every part that is set must hold.
public struct JobFilter: Sendable {
    public var states: Set<JobState>?
    public var ids: [JobID]?
    public var registry: String?
    /// Who asked for them, by the number.
    public var user: UInt32?
    /// Only jobs older than this one: the way to the next page.
    public var before: JobID?
    public var limit: Int

    /// - Parameter limit: nil: all that are named, or else 100.
    public init(
        states: Set<JobState>? = nil, ids: [JobID]? = nil, registry: String? = nil, user: UInt32? = nil,
        before: JobID? = nil, limit: Int? = nil
    ) {
        self.states = states
        self.ids = ids
        self.registry = registry
        self.user = user
        self.before = before
        self.limit = limit ?? ids?.count ?? 100
    }
}
