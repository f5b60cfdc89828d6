/// `org.pushd.Control.Cancel`: ends jobs that have not ended; the others stay as they are.
///
/// Errors: `JobNotFound` (then none is canceled; not with `partial`), `QueueUnavailable`.
public enum Cancel: Method {
    public static let name = "org.pushd.Control.Cancel"

    public struct Input: Parameters {
        public var jobs: [Int]
        /// Jobs that do not exist are reported in ``Output/left``, and the other jobs are canceled.
        public var partial: Bool?

        public enum CodingKeys: CodingKey, CaseIterable { case jobs, partial }

        public init(jobs: [Int], partial: Bool? = nil) {
            self.jobs = jobs
            self.partial = partial
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// As they are now, in the order asked for, without blobs.
        public var jobs: [JobInfo]
        /// Jobs that do not exist; absent: none.
        public var left: [LeftJob]?

        public init(jobs: [JobInfo], left: [LeftJob]? = nil) {
            self.jobs = jobs
            self.left = left
        }
    }
}
