public import ImageStore
public import PushQueue

/// The result of `pushctl retry`.
public struct RetryOutcome: Sendable {
    /// Why a job was left as it is.
    public enum Reason: Sendable, CustomStringConvertible {
        /// It is queued or running already.
        case onItsWay(JobState)
        /// It has succeeded, or a newer job has superseded it: a retry would move the tag back.
        case over(JobState)
        /// A newer job for its destination is pending or has succeeded.
        case newerJob
        /// Its image is no longer on this machine.
        case imageGone(ImageStoreError)
        /// It is another user's, or an operator's.
        case notYours
        /// It uses a login of the daemon's that the caller may not use.
        case notAllowed(PushRefusal)

        init(_ state: JobState) {
            switch state {
            case .queued, .running: self = .onItsWay(state)
            case .succeeded, .superseded: self = .over(state)
            case .waiting, .blocked, .failed, .canceled: self = .newerJob
            }
        }

        /// A short word for programs.
        public var code: String {
            switch self {
            case .onItsWay: "retry-needless"
            case .over, .newerJob: "retry-refused"
            case .imageGone(let error): error.code
            case .notYours: "job-of-another"
            case .notAllowed(let refusal): refusal.code
            }
        }

        public var description: String {
            switch self {
            case .onItsWay(let state): "it is \(state.rawValue) already"
            case .over(.succeeded): "it has succeeded"
            case .over: "a newer job took its place"
            case .newerJob: "a newer job for its destination is pending or has succeeded"
            case .imageGone(let error): error.description
            case .notYours: "it is another user's, or was asked for with an operator's rights"
            case .notAllowed(let refusal): refusal.description
            }
        }

        public var advice: String? {
            switch self {
            case .onItsWay: nil
            case .over, .newerJob: "push the image again if it is the one that is wanted there"
            case .imageGone(let error): error.advice
            case .notYours: "push the image yourself, or let an operator try the job again"
            case .notAllowed(let refusal): refusal.advice
            }
        }
    }

    /// Those that are queued now.
    public internal(set) var revived: [JobID] = []
    public internal(set) var left: [(job: JobID, reason: Reason)] = []
}
