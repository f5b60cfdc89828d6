/// `org.pushd.Control.List`: jobs, newest first.
///
/// Errors: `QueueUnavailable`, and `ParameterInvalid` for an unknown state.
public enum List: Method {
    public static let name = "org.pushd.Control.List"

    public struct Input: Parameters {
        /// Absent or empty: all.
        public var states: [String]?
        /// Absent: all.
        public var jobs: [Int]?
        /// Host and port; absent: all.
        public var registry: String?
        /// Only what this user asked for, by name or number. Members may name themselves alone.
        public var user: String?
        /// How many at most; absent: 100, or as many as are named.
        public var limit: Int?
        /// Only older jobs than this one, for the next page.
        public var before: Int?
        /// Absent: false.
        public var withBlobs: Bool?
        /// Named jobs that do not exist are reported in ``Output/left``, instead of failing the call.
        public var partial: Bool?

        public enum CodingKeys: CodingKey, CaseIterable {
            case states, jobs, registry, user, limit, before, withBlobs, partial
        }

        public init(
            states: [String]? = nil, jobs: [Int]? = nil, registry: String? = nil, user: String? = nil,
            limit: Int? = nil, before: Int? = nil, withBlobs: Bool? = nil, partial: Bool? = nil
        ) {
            self.states = states
            self.jobs = jobs
            self.registry = registry
            self.user = user
            self.limit = limit
            self.before = before
            self.withBlobs = withBlobs
            self.partial = partial
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        public var jobs: [JobInfo]
        /// How many jobs there are in each state, regardless of the filter.
        public var counts: [String: Int]
        /// Named jobs that do not exist; absent: none.
        public var left: [LeftJob]?

        public init(jobs: [JobInfo], counts: [String: Int], left: [LeftJob]? = nil) {
            self.jobs = jobs
            self.counts = counts
            self.left = left
        }
    }
}
