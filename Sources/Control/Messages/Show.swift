/// `org.pushd.Control.Show`: one job whole.
///
/// Errors: `JobNotFound`, `QueueUnavailable`.
public enum Show: Method {
    public static let name = "org.pushd.Control.Show"

    public struct Input: Parameters {
        public var job: Int

        public enum CodingKeys: CodingKey, CaseIterable { case job }

        public init(job: Int) { self.job = job }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// With its blobs.
        public var job: JobInfo
        /// Oldest first.
        public var attempts: [AttemptInfo]

        public init(job: JobInfo, attempts: [AttemptInfo]) {
            self.job = job
            self.attempts = attempts
        }
    }
}

/// One attempt at a job.
public struct AttemptInfo: Codable, Sendable, Equatable {
    /// From 1.
    public var number: Int
    public var startedAt: Timestamp
    /// Absent while it runs.
    public var endedAt: Timestamp?
    /// Absent where it succeeded or still runs.
    public var error: JobErrorInfo?
    public var bytesSent: Int64

    public init(
        number: Int, startedAt: Timestamp, endedAt: Timestamp? = nil, error: JobErrorInfo? = nil, bytesSent: Int64
    ) {
        self.number = number
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.error = error
        self.bytesSent = bytesSent
    }
}
