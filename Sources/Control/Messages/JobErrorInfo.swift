/// Why a job, or one attempt at it, failed.
public struct JobErrorInfo: Codable, Sendable, Equatable {
    /// A short word for programs, such as `login-missing`.
    public var code: String
    public var message: String
    /// What a person can do; absent where only waiting helps.
    public var advice: String?

    public init(code: String, message: String, advice: String? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    public init(_ error: ControlError) {
        self.init(code: error.code, message: error.message, advice: error.advice)
    }
}
