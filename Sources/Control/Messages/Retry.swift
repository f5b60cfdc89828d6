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
        /// In place of the daemon's own, for this call alone.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which the one for the registry is taken.
        public var loginFiles: [LoginFile]?

        public enum CodingKeys: CodingKey, CaseIterable { case jobs, failed, partial, login, loginFiles }

        public init(
            jobs: [Int]? = nil, failed: Bool? = nil, partial: Bool? = nil, login: JobLogin? = nil,
            loginFiles: [LoginFile]? = nil
        ) {
            self.jobs = jobs
            self.failed = failed
            self.partial = partial
            self.login = login
            self.loginFiles = loginFiles
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
