/// `org.pushd.Control.Registries`: what is known of registries.
///
/// Errors: `ReferenceInvalid`, `QueueUnavailable`.
public enum Registries: Method {
    public static let name = "org.pushd.Control.Registries"

    public struct Input: Parameters {
        /// Host and port; absent: all.
        public var registry: String?
        /// Forgets first what was learned about the one registry, and which blobs it is remembered to have.
        public var forget: Bool?
        /// Without logins, for which programs may have to be run; absent: false.
        public var brief: Bool?

        public enum CodingKeys: CodingKey, CaseIterable { case registry, forget, brief }

        public init(registry: String? = nil, forget: Bool? = nil, brief: Bool? = nil) {
            self.registry = registry
            self.forget = forget
            self.brief = brief
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        public var registries: [RegistryInfo]

        public init(registries: [RegistryInfo]) { self.registries = registries }
    }
}

/// A registry that the daemon works with, or knows something about.
public struct RegistryInfo: Codable, Sendable, Equatable {
    /// Host and port.
    public var name: String
    /// Absent where it is not paused, where the pause has no end, and while it is being tried.
    public var pausedUntil: Timestamp?
    /// When its present trouble began; absent where there is none.
    public var pausedSince: Timestamp?
    /// Why it is paused; absent where it is not.
    public var reason: String?
    /// How many jobs run for it.
    public var running: Int
    /// How many jobs are queued or waiting for it.
    public var waiting: Int?
    /// Present and true where a person has paused it.
    public var held: Bool?
    /// Requests that it says it allows, in all and still, and in how many seconds; absent where it says nothing.
    public var requestsAllowed: Int?
    public var requestsLeft: Int?
    public var requestsPeriod: Double?
    /// Its own limit of bandwidth, in bytes a second.
    public var bytesPerSecond: Int?
    /// Whose login is used and where it is kept, also those of namespaces, and what is wrong with one that can't be used;
    /// absent where there is none. Only from `Registries`, unless it was asked for briefly.
    public var login: String?
    /// What it has shown to do. Only from `Registries`.
    public var learned: [LearnedInfo]?

    public init(
        name: String, pausedUntil: Timestamp? = nil, pausedSince: Timestamp? = nil, reason: String? = nil,
        running: Int, waiting: Int? = nil, held: Bool? = nil,
        requestsAllowed: Int? = nil, requestsLeft: Int? = nil, requestsPeriod: Double? = nil,
        bytesPerSecond: Int? = nil, login: String? = nil, learned: [LearnedInfo]? = nil
    ) {
        self.name = name
        self.pausedUntil = pausedUntil
        self.pausedSince = pausedSince
        self.reason = reason
        self.running = running
        self.waiting = waiting
        self.held = held
        self.requestsAllowed = requestsAllowed
        self.requestsLeft = requestsLeft
        self.requestsPeriod = requestsPeriod
        self.bytesPerSecond = bytesPerSecond
        self.login = login
        self.learned = learned
    }
}

/// Something that a registry has shown by what it does.
public struct LearnedInfo: Codable, Sendable, Equatable {
    /// Such as `maximum-body`.
    public var name: String
    public var value: String
    /// For people.
    public var text: String
    /// When it was seen last.
    public var at: Timestamp

    public init(name: String, value: String, text: String, at: Timestamp) {
        self.name = name
        self.value = value
        self.text = text
        self.at = at
    }
}
