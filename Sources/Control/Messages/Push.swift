/// `org.pushd.Control.Push`: accepts one job for each destination. The reply comes when they are on disk.
///
/// Neighbouring calls may run at the same time, so that the queue can commit many at once: a client that needs one push
/// to be accepted before the next must wait for its reply.
///
/// Errors: `ImageNotFound`, `ImageInvalid`, `DestinationMissing`, `ReferenceInvalid`, `QueueUnavailable`, `Stopping`.
public enum Push: Method {
    public static let name = "org.pushd.Control.Push"
    public static let overlaps = true

    public struct Input: Parameters {
        /// The local image: `NAME[:TAG]`, `NAME@DIGEST`, or with its store named, such as `oci:/DIR[:REF]`.
        public var image: String
        /// References, or aliases of the configuration, which may stand for several. Absent or empty: the image's own
        /// name is the destination.
        public var destinations: [String]?
        /// `OS/ARCH[/VARIANT]`; absent or empty: all.
        public var platforms: [String]?
        /// Higher goes first; absent: 0.
        public var priority: Int?
        /// `none`, `manifest`, `blobs` or `deep`; absent: as configured.
        public var verify: String?
        /// Sends and puts again what the registry seems to have.
        public var force: Bool?
        /// Accepts nothing, and answers with the plan.
        public var dryRun: Bool?
        /// Every tag of the image's name.
        public var allTags: Bool?
        /// Seconds from acceptance until the job counts as failed; absent: no limit.
        public var timeout: Double?
        /// Used for these jobs only, in place of the daemon's own, and kept in memory only.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which those for the destinations are taken.
        public var loginFiles: [LoginFile]?
        /// `docker` or `oci`: manifests are written in that format; absent: as configured, or as they are.
        public var format: String?

        public enum CodingKeys: CodingKey, CaseIterable {
            case image, destinations, platforms, priority, verify, force, dryRun, allTags, timeout, login,
                loginFiles, format
        }

        public init(
            image: String, destinations: [String]? = nil, platforms: [String]? = nil, priority: Int? = nil,
            verify: String? = nil, force: Bool? = nil, dryRun: Bool? = nil, allTags: Bool? = nil,
            timeout: Double? = nil, login: JobLogin? = nil, loginFiles: [LoginFile]? = nil, format: String? = nil
        ) {
            self.image = image
            self.destinations = destinations
            self.platforms = platforms
            self.priority = priority
            self.verify = verify
            self.force = force
            self.dryRun = dryRun
            self.allTags = allTags
            self.timeout = timeout
            self.login = login
            self.loginFiles = loginFiles
            self.format = format
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// One for each destination, in their order, those of an alias in its place; empty for a dry run.
        public var jobs: [JobInfo]
        /// What would be done; only for a dry run.
        public var plan: [PlannedPush]?
        /// What has the name too and is not pushed, such as a tag that no registry takes; absent: nothing.
        public var leftOut: [LeftOutImage]?

        public init(jobs: [JobInfo], plan: [PlannedPush]? = nil, leftOut: [LeftOutImage]? = nil) {
            self.jobs = jobs
            self.plan = plan
            self.leftOut = leftOut
        }
    }
}

/// Something that a push was asked for and does not bring.
public struct LeftOutImage: Codable, Sendable, Equatable {
    /// As it can be pushed by itself, with a destination: `oci:/srv/app:v1.0+build5`.
    public var image: String
    public var reason: String
    /// What to do about it.
    public var advice: String?

    public init(image: String, reason: String, advice: String? = nil) {
        self.image = image
        self.reason = reason
        self.advice = advice
    }
}

/// A user and a password, or a token in its place.
public struct JobLogin: Codable, Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public var user: String
    public var password: String

    public init(user: String, password: String) {
        self.user = user
        self.password = password
    }

    // The password shows in no log and no failure of a test.
    public var description: String { "JobLogin(\(user), …)" }
    public var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}

/// A file in which docker or the containers tools keep logins.
public struct LoginFile: Codable, Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public var path: String
    public var content: String

    public init(path: String, content: String) {
        self.path = path
        self.content = content
    }

    // Nor do the passwords in a file.
    public var description: String { "LoginFile(\(path), …)" }
    public var customMirror: Mirror { Mirror(self, children: ["path": path]) }
}
