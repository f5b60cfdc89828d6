/// A job that a call named and that was left as it is, and why.
public struct LeftJob: Codable, Sendable, Equatable {
    public var job: Int
    public var error: JobErrorInfo

    public init(job: Int, error: JobErrorInfo) {
        self.job = job
        self.error = error
    }
}
