/// `org.pushd.Control.Retry`: queues jobs again, at once.
///
/// Errors: `JobNotFound`, `Refused` (running or succeeded, or a newer job has its destination), `QueueUnavailable`.
public enum Retry: Method {
    public static let name = "org.pushd.Control.Retry"

    public struct Input: Parameters {
        /// Absent only with `failed`.
        public var jobs: [Int]?
        /// Every failed and blocked job.
        public var failed: Bool?

        public enum CodingKeys: CodingKey, CaseIterable { case jobs, failed }

        public init(jobs: [Int]? = nil, failed: Bool? = nil) {
            self.jobs = jobs
            self.failed = failed
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// The jobs that were queued again, without blobs.
        public var jobs: [JobInfo]

        public init(jobs: [JobInfo]) { self.jobs = jobs }
    }
}
