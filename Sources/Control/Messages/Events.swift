/// `org.pushd.Control.Events`: what happens in the daemon. To be called with `more`.
///
/// Events are numbered without gaps, also across restarts of the daemon, and kept about as long as jobs are: a client
/// that remembers the number of the last event can continue after it, and sees each event once.
///
/// Errors: `QueueUnavailable`, `Stopping`; `ParameterInvalid` for an `after` beyond the newest event.
public enum Events: StreamMethod {
    public static let name = "org.pushd.Control.Events"

    public struct Input: Parameters {
        /// Goes on with what happens from now on, without end; absent: false.
        public var follow: Bool?
        /// Begins with what happened from then on, as far as it is kept.
        public var since: Timestamp?
        /// Begins with the next after the event of this number; 0: with the first event ever.
        public var after: Int?

        public enum CodingKeys: CodingKey, CaseIterable { case follow, since, after }

        public init(follow: Bool? = nil, since: Timestamp? = nil, after: Int? = nil) {
            self.follow = follow
            self.since = since
            self.after = after
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// Absent only in the last reply, which says that there are no more.
        public var event: EventInfo?

        public init(event: EventInfo?) { self.event = event }
    }

    public static func ending(for input: Input) -> StreamEnding<Output> {
        StreamEnding(isLast: { $0.event == nil }, closing: input.follow == true ? nil : Output(event: nil))
    }
}

/// Something that happened.
public struct EventInfo: Codable, Sendable, Equatable {
    /// Its number; of `lost`, that of the last event that is missing.
    public var id: Int
    public var at: Timestamp
    /// A short word for programs: `job`, a job is new or in another state; `registry-paused` and `registry-resumed`, by
    /// a person; `registry-trouble` and `registry-recovered`; `image-left-out`, a rule names an image that can't be
    /// published; `configuration-reloaded` and `configuration-refused`; `login` and `logout`; `lost`, events are missing
    /// here, because they are no longer kept.
    public var kind: String
    public var job: Int?
    public var state: String?
    public var image: String?
    public var destination: String?
    /// Absent for jobs that the caller sees whole, and where it is about all registries.
    public var registry: String?
    /// Of the error that led to it.
    public var code: String?
    public var message: String?
    /// How many events were lost; absent where that is not known.
    public var count: Int?
    /// Who asked for the job; of other events, who caused it. Absent: a rule, or the daemon itself.
    public var askedBy: AskerInfo?

    public init(
        id: Int, at: Timestamp, kind: String, job: Int? = nil, state: String? = nil, image: String? = nil,
        destination: String? = nil, registry: String? = nil, code: String? = nil, message: String? = nil,
        count: Int? = nil, askedBy: AskerInfo? = nil
    ) {
        self.id = id
        self.at = at
        self.kind = kind
        self.job = job
        self.state = state
        self.image = image
        self.destination = destination
        self.registry = registry
        self.code = code
        self.message = message
        self.count = count
        self.askedBy = askedBy
    }
}
