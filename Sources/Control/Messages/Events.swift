/// `org.pushd.Control.Events`: what happens in the daemon. To be called with `more`.
///
/// Errors: `QueueUnavailable`, `Stopping`.
public enum Events: StreamMethod {
    public static let name = "org.pushd.Control.Events"

    public struct Input: Parameters {
        /// Goes on with what happens from now on, without end; absent: false.
        public var follow: Bool?
        /// Begins with what happened from then on, as far as it is kept.
        public var since: Timestamp?

        public enum CodingKeys: CodingKey, CaseIterable { case follow, since }

        public init(follow: Bool? = nil, since: Timestamp? = nil) {
            self.follow = follow
            self.since = since
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
    public var at: Timestamp
    /// A short word for programs: `job`, a job is new or in another state; `lost`, events are missing here, because
    /// they were not read in time.
    public var kind: String
    public var job: Int?
    public var state: String?
    public var image: String?
    public var destination: String?
    public var message: String?
    /// How many events were lost, at least.
    public var count: Int?

    public init(
        at: Timestamp, kind: String, job: Int? = nil, state: String? = nil, image: String? = nil,
        destination: String? = nil, message: String? = nil, count: Int? = nil
    ) {
        self.at = at
        self.kind = kind
        self.job = job
        self.state = state
        self.image = image
        self.destination = destination
        self.message = message
        self.count = count
    }
}
