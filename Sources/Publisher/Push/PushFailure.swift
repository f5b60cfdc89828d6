import ImageStore
import OCI
import PushQueue
import Registry

/// What follows from a push attempt that did not succeed.
struct PushFailure: Error, Sendable {
    enum Disposition: Sendable, Equatable {
        /// This job waits and is tried again.
        case retry(after: Duration?)
        /// Every request to this registry would fail the same way: the registry is paused.
        case pauseRegistry(RegistryHealth.Trouble)
        /// A local file does not match its descriptor, and may soon again: the job is retried a few times.
        case waitForFile
        /// A person must act; the job is queued again after a login or reload, or by `pushctl retry`.
        case block
        case fail
    }

    let error: JobError
    let disposition: Disposition
    /// Whether the registry gave a valid response; a refusal is one, too.
    var registryAnswered = true
    /// Why the whole registry is paused. It names no repository, because it is shown for all jobs of the registry.
    var pauseReason: String?

    /// Whether a retry is useless until a person has acted. Such an error concerns one job's repository, rights or
    /// content; a transient one concerns the registry or the network.
    var isForGood: Bool { disposition == .block || disposition == .fail }

    init(error: JobError, disposition: Disposition) {
        self.error = error
        self.disposition = disposition
    }

    /// Classifies any error of an attempt by its cause, never by a text.
    init(_ error: any Error) {
        switch error {
        case let failure as PushFailure: self = failure
        case let error as RegistryError:
            self.error = JobError(code: error.code, message: error.description, advice: error.advice)
            switch error.disposition {
            case .retry: disposition = .retry(after: error.retryAfter)
            case .retryRegistry:
                disposition = .pauseRegistry(
                    .init(retryAfter: error.retryAfter, isLimit: error.cause == .rateLimited))
                registryAnswered = false
                pauseReason = error.reason
            case .waitForPerson: disposition = .block
            case .waitForFile:
                disposition = .waitForFile
                registryAnswered = false
            case .fail: disposition = .fail
            }
        case let error as ImageStoreError:
            self.error = JobError(code: error.code, message: error.description, advice: error.advice)
            disposition = error.isTransient ? .retry(after: nil) : error.mayBeUnfinished ? .waitForFile : .fail
            registryAnswered = false
        case let error as QueueError:
            self.error = JobError(code: "queue", message: error.description, advice: error.advice)
            disposition = .retry(after: nil)
            registryAnswered = false
        default:
            self.error = JobError(code: "internal", message: "unexpected: \(error)", advice: nil)
            disposition = .retry(after: nil)
            registryAnswered = false
        }
    }

    /// The login that a job came with was in memory only, and the daemon was started anew since.
    static func ownLoginGone(_ job: Job) -> PushFailure {
        var failure = PushFailure(
            error: JobError(
                code: "own-login-gone",
                message: "the login that the push came with is no longer known: it is kept in memory alone",
                advice: "log in again: pushctl push \(shellWord(job.image)) \(job.destination) --my-login, "
                    + "or pushctl retry \(job.id) --my-login"),
            disposition: .block)
        failure.registryAnswered = false
        return failure
    }

    static func blobGone(_ digest: Digest) -> PushFailure {
        PushFailure(
            error: JobError(
                code: "blob-missing", message: "blob \(digest) is no longer in the local store",
                advice: "build or pull the image again and push it anew"),
            disposition: .waitForFile)
    }
}

extension ImageStoreError {
    /// Trouble of this machine that may pass, rather than of the image.
    var isTransient: Bool {
        switch cause {
        case .noSpace, .closedToCaller, .notOpenedAsCaller, .system: true
        case .nameInvalid, .notSupported, .imageElsewhere, .imageNotFound, .entryNotSupported, .ambiguous,
            .layoutInvalid, .indexUnreadable, .imageInvalid, .contradictory,
            .manifestTooLarge, .formatRefused,
            .blobsMissing, .platformsMissing, .platformNotFound, .blobSizes, .digestMismatch, .unsafePath,
            .linkUnproven, .fileChanged, .cannotLink:
            false
        }
    }
}
