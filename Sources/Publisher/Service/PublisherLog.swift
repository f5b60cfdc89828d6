public import OCI
public import PushQueue

/// An entry for the daemon's log. It never contains a secret.
public enum PublisherLog: Sendable, CustomStringConvertible {
    case recovered(jobs: Int)
    case accepted(job: JobID, image: String, destination: ImageReference, origin: JobOrigin)
    case attemptStarted(job: JobID, attempt: Int, destination: ImageReference)
    case attemptFailed(job: JobID, attempt: Int, error: JobError)
    case repositoryMade(registry: String, repository: String)
    case succeeded(job: JobID, destination: ImageReference)
    case storeTrouble(store: String, reason: String)
    case queueTrouble(String)
    case clockSet(by: Duration)

    public enum Level: Sendable { case debug, info, warning, error }

    public var level: Level {
        switch self {
        case .attemptStarted: .debug
        case .recovered, .accepted, .succeeded, .repositoryMade: .info
        case .attemptFailed, .storeTrouble, .clockSet: .warning
        case .queueTrouble: .error
        }
    }

    public var description: String {
        switch self {
        case .recovered(let jobs): "\(jobs) interrupted \(jobs == 1 ? "push is" : "pushes are") resumed"
        case .accepted(let job, let image, let destination, let origin):
            "job \(job): \(image) to \(destination) accepted\(origin == .rule ? " by rule" : "")"
        case .attemptStarted(let job, let attempt, let destination):
            "job \(job): attempt \(attempt), to \(destination)"
        case .attemptFailed(let job, let attempt, let error):
            "job \(job): attempt \(attempt): \(error.code): \(error.message)"
                + (error.advice.map { "; \($0)" } ?? "")
        case .repositoryMade(let registry, let repository): "\(registry): made \(repository), which was missing"
        case .succeeded(let job, let destination): "job \(job): \(destination) is published"
        case .storeTrouble(let store, let reason): "\(store): \(reason)"
        case .clockSet(let step):
            "the clock was set \(step < .zero ? "back" : "forward") by \(abs(step.inMilliseconds) / 1000) s"
        case .queueTrouble(let reason): "the queue: \(reason)"
        }
    }
}
