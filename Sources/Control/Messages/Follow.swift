internal import Synchronization

/// `org.pushd.Control.Follow`: tells of every change to some jobs, at a bounded rate. To be called with `more`.
///
/// Each job's present state comes first. The last reply is the one after which all have ended.
///
/// Errors: `JobNotFound`, `QueueUnavailable`, `Stopping`.
public enum Follow: StreamMethod {
    public static let name = "org.pushd.Control.Follow"

    public struct Input: Parameters {
        public var jobs: [Int]

        public enum CodingKeys: CodingKey, CaseIterable { case jobs }

        public init(jobs: [Int]) { self.jobs = jobs }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// With its blobs.
        public var job: JobInfo

        public init(job: JobInfo) { self.job = job }
    }

    /// A job that was retried meanwhile counts as open again.
    public static func ending(for input: Input) -> StreamEnding<Output> {
        let open = OpenJobs(input.jobs)
        return StreamEnding(isLast: { open.isLast($0.job) }, closing: nil)
    }
}

/// The followed jobs that have not ended.
private final class OpenJobs: Sendable {
    private let open: Mutex<Set<Int>>

    init(_ jobs: [Int]) { open = Mutex(Set(jobs)) }

    func isLast(_ job: JobInfo) -> Bool {
        open.withLock { open in
            if job.hasEnded { open.remove(job.id) } else { open.insert(job.id) }
            return open.isEmpty
        }
    }
}
