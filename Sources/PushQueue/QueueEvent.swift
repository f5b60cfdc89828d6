/// What an event is about; the spelling is that of the control interface.
public enum EventKind: String, Sendable, CaseIterable {
    /// A job is new or in another state.
    case job
    /// A person has stopped the pushes to a registry, or to all, and lets them go on.
    case registryPaused = "registry-paused"
    case registryResumed = "registry-resumed"
    /// A registry does not work, and works again.
    case registryTrouble = "registry-trouble"
    case registryRecovered = "registry-recovered"
    /// A changed configuration was taken over, or has a fault and was not.
    case configurationReloaded = "configuration-reloaded"
    case configurationRefused = "configuration-refused"
    /// A login was stored, or removed.
    case login, logout
}

/// Something that happened. Stored in the transaction that makes it true.
public struct QueueEvent: Sendable, Hashable {
    /// Counts from 1 in the life of a database, without gaps.
    public let id: Int64
    /// Milliseconds since 1970, UTC.
    public let at: Int64
    public let kind: EventKind
    public let job: JobID?
    /// The state that the job is in since then.
    public let state: JobState?
    /// The image as the user named it.
    public let image: String?
    public let destination: String?
    /// The registry that it is about; nil for jobs, and where it is about all.
    public let registry: String?
    /// The code of the error that led to it.
    public let code: String?
    /// For people, at most ``messageLimit`` characters.
    public let message: String?

    /// The longest message in characters.
    public static let messageLimit = 1000
}

/// An event that is not a job's, to be stored.
public struct NewEvent: Sendable, Hashable {
    public let kind: EventKind
    public let registry: String?
    public let code: String?
    public let message: String?

    public init(_ kind: EventKind, registry: String? = nil, code: String? = nil, message: String? = nil) {
        self.kind = kind
        self.registry = registry
        self.code = code
        self.message = message.map { String($0.prefix(QueueEvent.messageLimit)) }
    }
}
