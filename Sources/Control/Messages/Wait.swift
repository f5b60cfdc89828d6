/// `org.pushd.Control.Wait`: answers when the jobs have ended.
///
/// Errors: `JobNotFound`, `TimedOut`, `QueueUnavailable`, `Stopping`.
public enum Wait: Method {
    public static let name = "org.pushd.Control.Wait"

    public struct Input: Parameters {
        public var jobs: [Int]
        /// Seconds; absent: no limit.
        public var timeout: Double?

        public enum CodingKeys: CodingKey, CaseIterable { case jobs, timeout }

        public init(jobs: [Int], timeout: Double? = nil) {
            self.jobs = jobs
            self.timeout = timeout
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// In the order asked for, without blobs.
        public var jobs: [JobInfo]

        public init(jobs: [JobInfo]) { self.jobs = jobs }
    }
}
