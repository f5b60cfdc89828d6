/// Why the daemon did not do what a call asked for: a typed error of the interface, the same on both ends of the wire.
public struct ControlError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        case imageNotFound, imageInvalid, destinationMissing, referenceInvalid
        case jobNotFound, remoteNotFound
        /// The code is the registry room's word for it, such as `login-missing`.
        case registryFailed(code: String)
        /// The job's state does not allow it.
        case refused
        case timedOut, queueUnavailable, stopping
        /// A fault that has no name of its own.
        case failed
        /// The message is no call; the connection is closed.
        case messageRejected
        case tooManyConnections
        /// The daemon runs as another user, and the caller is not in the configured group.
        case permissionDenied
        case interfaceNotFound(String), methodNotFound(String), methodNotImplemented(String)
        /// A parameter that the method does not know, that is missing, or whose value is out of the question.
        case invalidParameter(String)
        /// The method answers with several replies, and the call did not say `more`.
        case expectedMore
        /// Only read, never sent: an error of a newer daemon, by its full name.
        case unknown(String)
    }

    public let kind: Kind
    /// What failed and why, in one line without an end stop.
    public let message: String
    /// What to do about it, in one line.
    public let advice: String?

    public init(_ kind: Kind, _ message: String, advice: String? = nil) {
        self.kind = kind
        self.message = message
        self.advice = advice
    }

    public var description: String { message }

    /// What pushctl ends with.
    public var exitStatus: Int32 {
        switch kind {
        case .imageNotFound, .jobNotFound, .remoteNotFound: ExitStatus.notFound
        case .destinationMissing, .referenceInvalid, .invalidParameter: ExitStatus.usage
        case .timedOut: ExitStatus.timedOut
        case .stopping, .permissionDenied, .tooManyConnections: ExitStatus.noDaemon
        case .imageInvalid, .registryFailed, .refused, .queueUnavailable, .failed, .messageRejected,
            .interfaceNotFound, .methodNotFound, .methodNotImplemented, .expectedMore, .unknown:
            ExitStatus.failed
        }
    }
}

/// What pushctl's exit statuses mean. Scripts rely on them.
public enum ExitStatus {
    public static let done: Int32 = 0
    /// A push failed, a verification found a difference, or the daemon could not do it.
    public static let failed: Int32 = 1
    /// Wrong usage.
    public static let usage: Int32 = 2
    /// No daemon answers, or not to this user.
    public static let noDaemon: Int32 = 3
    /// No such job, image or reference.
    public static let notFound: Int32 = 4
    public static let timedOut: Int32 = 5
}
