public import System

/// What an event is about; the spelling is that of the control interface.
public enum EventKind: String, Sendable, CaseIterable {
    /// A job is new or in another state.
    case job
    /// `pushctl pause` and `pushctl resume`, of one registry or of all.
    case registryPaused = "registry-paused"
    case registryResumed = "registry-resumed"
    /// A registry fails in a way that pauses it; and it works again.
    case registryTrouble = "registry-trouble"
    case registryRecovered = "registry-recovered"
    /// A rule names an image that can't be published as it is.
    case imageLeftOut = "image-left-out"
    /// A reload applied the configuration; or the configuration has an error and the old one stays in force.
    case configurationReloaded = "configuration-reloaded"
    case configurationRefused = "configuration-refused"
    /// A login was stored, or removed.
    case login, logout
}

/// One row of the table `event`, stored in the transaction of the change that it reports.
public struct QueueEvent: Sendable, Hashable {
    /// Counts from 1 in the life of a database, without gaps.
    public let id: Int64
    /// Milliseconds since 1970, UTC.
    public let at: Int64
    public let kind: EventKind
    public let job: JobID?
    /// The job's new state.
    public let state: JobState?
    /// The image as the user named it, or as a rule sees it.
    public let image: String?
    public let destination: String?
    /// The registry that the event concerns; nil for events of jobs and images, and where it concerns all registries.
    public let registry: String?
    /// The code of the error that caused the event.
    public let code: String?
    /// A sentence for people, at most ``messageLimit`` characters.
    public let message: String?
    /// Who asked for the job; of another event, who caused it. Nil: a rule, or the daemon itself.
    public let askedBy: Asker?

    /// The longest message in characters.
    public static let messageLimit = 1000
}

/// An event to be stored that does not concern a job.
public struct NewEvent: Sendable, Hashable {
    public let kind: EventKind
    public let image: String?
    public let registry: String?
    public let code: String?
    public let message: String?
    /// Who caused it; nil: the daemon itself.
    public let askedBy: Asker?

    public init(
        _ kind: EventKind, image: String? = nil, registry: String? = nil, code: String? = nil, message: String? = nil,
        askedBy: Asker? = nil
    ) {
        self.kind = kind
        self.image = image
        self.registry = registry
        self.code = code
        self.message = message.map { String($0.prefix(QueueEvent.messageLimit)) }
        self.askedBy = askedBy
    }
}

/// Who asked for something, as an event tells it.
public struct Asker: Sendable, Hashable {
    public let uid: UInt32
    public let pid: Int32
    /// The user's name; nil where it was not known.
    public let name: String?

    public init(uid: UInt32, pid: Int32, name: String? = nil) {
        self.uid = uid
        self.pid = pid
        self.name = name
    }

    public init(_ caller: Caller) { self.init(uid: caller.identity.uid, pid: caller.pid, name: caller.name) }
}
