/// `org.pushd.Control.Retry`: queues jobs again, at once.
///
/// Errors: `QueueUnavailable`; without `partial` also `JobNotFound` (then none is queued) and `ImageInvalid` (the image of
/// one is no longer there).
public enum Retry: Method {
    public static let name = "org.pushd.Control.Retry"

    public struct Input: Parameters {
        /// Absent only with `failed`.
        public var jobs: [Int]?
        /// Every failed and blocked job.
        public var failed: Bool?
        /// Jobs that can't be queued again are reported in ``Output/left``, and the other jobs are queued.
        public var partial: Bool?

        public enum CodingKeys: CodingKey, CaseIterable { case jobs, failed, partial }

        public init(jobs: [Int]? = nil, failed: Bool? = nil, partial: Bool? = nil) {
            self.jobs = jobs
            self.failed = failed
            self.partial = partial
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// The jobs that were queued again, without blobs.
        public var jobs: [JobInfo]
        /// Those that were left as they are; `retry-needless` where a job is on its way already. Absent: none.
        public var left: [LeftJob]?

        public init(jobs: [JobInfo], left: [LeftJob]? = nil) {
            self.jobs = jobs
            self.left = left
        }
    }
}
