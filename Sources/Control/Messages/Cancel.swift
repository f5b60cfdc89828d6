/// `org.pushd.Control.Cancel`: ends jobs that have not ended; the others stay as they are.
///
/// Errors: `JobNotFound` (then none is canceled), `QueueUnavailable`.
public enum Cancel: Method {
    public static let name = "org.pushd.Control.Cancel"

    public struct Input: Parameters {
        public var jobs: [Int]

        public enum CodingKeys: CodingKey, CaseIterable { case jobs }

        public init(jobs: [Int]) { self.jobs = jobs }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// As they are now, in the order asked for, without blobs.
        public var jobs: [JobInfo]

        public init(jobs: [JobInfo]) { self.jobs = jobs }
    }
}
