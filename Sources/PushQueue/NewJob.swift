public import OCI
public import System

/// A job's number: unique in the life of a database, also after its history was pruned.
public typealias JobID = Int64

/// How thoroughly a push is checked in the registry once it is done.
public enum VerifyLevel: String, Sendable, Codable, CaseIterable, Comparable {
    case none, manifest, blobs, deep

    /// Later levels check all that earlier ones do.
    public static func < (left: VerifyLevel, right: VerifyLevel) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .none: 0
        case .manifest: 1
        case .blobs: 2
        case .deep: 3
        }
    }
}

/// Who asked for a push.
public enum JobOrigin: String, Sendable, Codable, CaseIterable {
    case command, rule
}

/// One piece of an image: a manifest, a configuration or a layer.
public struct JobBlob: Sendable, Hashable {
    public enum Role: String, Sendable, Codable, CaseIterable {
        case manifest, config, layer
    }

    public let digest: Digest
    /// Bytes.
    public let size: Int64
    public let mediaType: String
    public let role: Role
    /// False for layers that are not distributable: the descriptor goes to the registry, the bytes do not.
    public let isSent: Bool

    public init(digest: Digest, size: Int64, mediaType: String, role: Role, isSent: Bool = true) {
        self.digest = digest
        self.size = size
        self.mediaType = mediaType
        self.role = role
        self.isSent = isSent
    }
}

/// What another image is pushed for than the one that its name stands for.
public struct ImageChange: Sendable, Hashable {
    /// The image in its store.
    public let named: Descriptor
    /// The format that its manifests were written in anew; nil where only platforms were chosen.
    public let format: ImageFormat?
    /// What the format has no place for, in words; empty: nothing.
    public let leftOut: String

    public init(named: Descriptor, format: ImageFormat?, leftOut: String = "") {
        self.named = named
        self.format = format
        self.leftOut = leftOut
    }
}

/// One image for one destination, as it is asked for.
public struct NewJob: Sendable {
    /// Priorities that are accepted; higher ones go first within their registry.
    public static let priorities = -100...100

    /// The image as the user named it.
    public var image: String
    /// The store that has it, such as `oci:/srv/images`.
    public var source: String
    public var root: Descriptor
    /// Qualified, with a tag or a digest.
    public var destination: ImageReference
    /// In the order in which they are shown. A digest that occurs twice counts once.
    public var blobs: [JobBlob]
    public var verify: VerifyLevel
    /// Whether what is known of the registry is not to be trusted.
    public var force: Bool
    /// Within ``priorities``.
    public var priority: Int
    /// Milliseconds since 1970, UTC, after which the job counts as failed; nil: no limit.
    public var expiresAt: Int64?
    public var origin: JobOrigin
    /// The platforms that were asked for, as typed; empty: all.
    public var platforms: [String]
    /// How it is pushed otherwise than it is in its store; nil: as it is.
    public var change: ImageChange?
    /// Who asked for it; nil: a rule.
    public var askedBy: Caller?
    /// As whom its image is opened, also later; nil: with the daemon's own rights.
    public var actsAs: UserIdentity?
    /// Whether it came with a login of its own, which is stored nowhere.
    public var hasOwnLogin: Bool

    public init(
        image: String, source: String, root: Descriptor, destination: ImageReference, blobs: [JobBlob],
        verify: VerifyLevel = .manifest, force: Bool = false, priority: Int = 0, expiresAt: Int64? = nil,
        origin: JobOrigin = .command, platforms: [String] = [], change: ImageChange? = nil,
        askedBy: Caller? = nil, actsAs: UserIdentity? = nil, hasOwnLogin: Bool = false
    ) {
        self.image = image
        self.source = source
        self.root = root
        self.destination = destination
        self.blobs = blobs
        self.verify = verify
        self.force = force
        self.priority = priority
        self.expiresAt = expiresAt
        self.origin = origin
        self.platforms = platforms
        self.change = change
        self.askedBy = askedBy
        self.actsAs = actsAs
        self.hasOwnLogin = hasOwnLogin
    }
}

/// What became of a ``NewJob``.
public struct Accepted: Sendable, Hashable {
    public let id: JobID
    /// False where a pending job already did what was asked for.
    public let isNew: Bool
    /// The older jobs for the same destination that this one replaced.
    public let superseded: [JobID]

    public init(id: JobID, isNew: Bool, superseded: [JobID] = []) {
        self.id = id
        self.isNew = isNew
        self.superseded = superseded
    }
}
