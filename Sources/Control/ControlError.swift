internal import System

/// Why the daemon did not do what a call asked for: a typed error of the interface, the same on both ends of the wire.
public struct ControlError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        case imageNotFound, imageInvalid, destinationMissing, referenceInvalid
        case jobNotFound, remoteNotFound
        /// The registry could not be asked: the code says why, such as `login-missing`.
        case registryFailed
        /// The job's state does not allow it.
        case refused
        /// The caller may not do it: it is for operators, another's, or not allowed by the configuration.
        case notAllowed
        case timedOut, queueUnavailable, stopping
        /// A fault that has no name of its own.
        case failed
        /// The message is no call; the connection is closed.
        case messageRejected
        case tooManyConnections
        /// The daemon runs as another user, and the caller is not in the configured group.
        case permissionDenied
        case interfaceNotFound(String), methodNotFound(String), methodNotImplemented(String)
        /// A value that the parameter can't have.
        case parameterInvalid(String)
        /// A parameter that the method does not know, that is missing, or that is of another type: Varlink's own error.
        case invalidParameter(String)
        /// The method answers with several replies, and the call did not say `more`.
        case expectedMore
        /// Only read, never sent: an error of a newer daemon, by its full name.
        case unknown(String)
    }

    public let kind: Kind
    /// A short word for programs, such as `image-ambiguous`; `docs/errors.md` lists them.
    public let code: String
    /// What failed and why, in one line without an end stop.
    public let message: String
    /// What to do about it, in one line.
    public let advice: String?

    /// - Parameter code: nil where the kind says it all.
    public init(_ kind: Kind, _ message: String, advice: String? = nil, code: String? = nil) {
        self.kind = kind
        self.code = code ?? kind.code
        self.message = message
        self.advice = advice
    }

    /// A value that a method does not take.
    public static func refusing(_ parameter: String, _ message: String, advice: String? = nil) -> ControlError {
        ControlError(.parameterInvalid(parameter), message, advice: advice)
    }

    public var description: String { message }

    /// What pushctl ends with.
    public var exitStatus: Int32 {
        switch kind {
        case .imageNotFound, .jobNotFound, .remoteNotFound: ExitStatus.notFound
        case .destinationMissing, .referenceInvalid, .parameterInvalid, .invalidParameter: ExitStatus.usage
        case .timedOut: ExitStatus.timedOut
        case .stopping, .permissionDenied, .tooManyConnections: ExitStatus.noDaemon
        case .imageInvalid, .registryFailed, .refused, .notAllowed, .queueUnavailable, .failed, .messageRejected,
            .interfaceNotFound, .methodNotFound, .methodNotImplemented, .expectedMore, .unknown:
            ExitStatus.failed
        }
    }
}

extension ControlError.Kind {
    /// The code of an error of which nothing more is known.
    var code: String {
        switch self {
        case .imageNotFound: "image-not-found"
        case .imageInvalid: "image-invalid"
        case .destinationMissing: "destination-missing"
        case .referenceInvalid: "reference-invalid"
        case .jobNotFound: "job-not-found"
        case .remoteNotFound: "remote-not-found"
        case .registryFailed: "registry-failed"
        case .refused: "refused"
        case .notAllowed: "not-allowed"
        case .timedOut: "wait-timed-out"
        case .queueUnavailable: "queue"
        case .stopping: "stopping"
        case .failed, .unknown: "internal"
        case .messageRejected: "message-rejected"
        case .tooManyConnections: "too-many-connections"
        case .permissionDenied: "permission-denied"
        case .interfaceNotFound: "interface-not-found"
        case .methodNotFound: "method-not-found"
        case .methodNotImplemented: "method-not-implemented"
        case .parameterInvalid, .invalidParameter: "parameter-invalid"
        case .expectedMore: "more-expected"
        }
    }
}

extension ControlError {
    /// A member has as many connections as the quota allows.
    static func tooManyConnections(of caller: Caller, limit: Int) -> ControlError {
        ControlError(
            .tooManyConnections,
            "user \(caller.identity.uid) has \(limit) connections open, as many as control.quotas.connections allows",
            advice: "close some, or let an administrator raise control.quotas.connections in pushd.json5",
            code: "quota-connections")
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
