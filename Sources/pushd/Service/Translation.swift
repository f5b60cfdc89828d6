import Control
import FoundationEssentials
import Glibc
import ImageStore
import OCI
import Publisher
import PushQueue
import Registry
import System

enum ProcessID {
    static var own: Int32 { getpid() }
}

extension ImageStoreError {
    /// A search that found nothing is no fault, and neither is a name that cannot be one.
    fileprivate var kind: ControlError.Kind {
        switch cause {
        case .imageNotFound, .imageElsewhere, .platformNotFound: .imageNotFound
        case .nameInvalid: .referenceInvalid
        case .notSupported, .entryNotSupported, .ambiguous, .layoutInvalid, .indexUnreadable, .imageInvalid,
            .contradictory, .manifestTooLarge,
            .formatRefused, .blobsMissing,
            .platformsMissing, .blobSizes, .digestMismatch, .unsafePath, .linkUnproven, .fileChanged, .cannotLink,
            .noSpace, .closedToCaller, .notOpenedAsCaller, .system:
            .imageInvalid
        }
    }
}

extension ControlError {
    init(_ error: ImageStoreError) {
        self.init(error.kind, error.description, advice: error.advice, code: error.code)
    }
}

extension RegistryError {
    /// What to do about a request that pushd does not repeat: only jobs are tried again by themselves.
    fileprivate var adviceForOnce: String? {
        switch disposition {
        case .waitForPerson, .waitForFile, .fail: advice
        case .retry, .retryRegistry:
            advice ?? retryAfter.map { "try again in \($0.components.seconds) s" } ?? "try again in a while"
        }
    }
}

/// Runs `body`; every error that it throws reaches the client as one of the interface's errors.
func translatingErrors<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as ControlError {
        throw error
    } catch let error as ImageStoreError {
        throw ControlError(error)
    } catch let error as ImageReferenceError {
        throw ControlError(.referenceInvalid, error.description, advice: "write HOST[:PORT]/REPOSITORY[:TAG]")
    } catch let error as PushRefusal {
        throw ControlError(error)
    } catch let error as EventAhead {
        throw ControlError.refusing(
            "after", error.description, advice: "the numbers began anew with another state directory: begin with 0")
    } catch let error as QueueError {
        throw ControlError(error)
    } catch let error as RegistryError {
        throw ControlError(
            .registryFailed, error.description, advice: error.adviceForOnce, code: error.code)
    } catch is CancellationError {
        throw CancellationError()
    } catch {
        throw ControlError(.failed, "unexpected: \(error)", advice: nil)
    }
}

extension ControlError {
    init(_ error: QueueError) {
        switch error.cause {
        case .quota(.jobs):
            self.init(.refused, error.description, advice: error.advice, code: "quota-jobs")
        case .quota(.bytes):
            self.init(.refused, error.description, advice: error.advice, code: "quota-bytes")
        default: self.init(.queueUnavailable, error.description, advice: error.advice)
        }
    }
}

extension Caller {
    /// `alice (1000), process 4711`.
    var shown: String { (name.map { "\($0) (\(identity.uid))" } ?? "user \(identity.uid)") + ", process \(pid)" }
}

extension ControlError {
    /// The caller's rights were taken away since he connected.
    static let notAdmitted = ControlError(
        .permissionDenied, "this user may not control the daemon any more",
        advice: "run as the daemon's user or as root, or let an administrator add this user to its group")

    init(_ refusal: PushRefusal) {
        let kind: Kind =
            switch refusal {
            case .destinationInvalid, .digestDiffers, .templateUnusable, .destinationTwice, .tagGiven: .referenceInvalid
            case .destinationMissing, .namespaceMissing, .loginUnreadable, .nameUnusable: .destinationMissing
            case .nothingToPush(_, let leftOut): leftOut.isEmpty ? .imageNotFound : .imageInvalid
            case .loginMissing, .loginForSeveral: .refused
            case .notAllowed: .notAllowed
            case .stopping: .stopping
            }
        self.init(kind, refusal.description, advice: refusal.advice, code: refusal.code)
    }
}

extension PushRequest {
    /// What was asked for, but for logins and rights.
    ///
    /// - Parameter input: one whose values were checked: see ``Parameters/check()``.
    init(_ input: Push.Input) {
        self.init(image: input.image)
        destinations = input.destinations ?? []
        platforms = (input.platforms ?? []).compactMap(Platform.init(parsing:))
        priority = input.priority ?? 0
        verify = input.verify.flatMap(VerifyLevel.init(rawValue:))
        force = input.force ?? false
        allTags = input.allTags ?? false
        format = input.format.flatMap(ImageFormat.init(rawValue:))
        timeout = input.timeout.map { .milliseconds(Int64($0 * 1000)) }
    }
}

extension LeftOutImage {
    /// - Returns: nil where nothing was left out.
    static func list(_ leftOut: [LeftOut]) -> [LeftOutImage]? {
        leftOut.isEmpty ? nil : leftOut.map { LeftOutImage(image: $0.image, reason: $0.reason, advice: $0.advice) }
    }
}

extension PlannedPush {
    init(_ plan: PushPlan) {
        let sent = plan.blobs.filter(\.isSent)
        self.init(
            image: plan.image, source: plan.source, digest: plan.root.digest.description,
            mediaType: plan.root.mediaType.rawValue, destination: plan.destination.description,
            platforms: plan.platforms.map(\.description), job: plan.joins.map(Int.init),
            supersedes: plan.supersedes.map(Int.init), bytesTotal: sent.map(\.size).saturatingSum,
            blobs: plan.blobs.map { blob in
                let isKnown = plan.known.contains(blob.digest)
                let outcome: BlobOutcome = !blob.isSent ? .skipped : isKnown ? .existing : .pending
                return BlobInfo(
                    digest: blob.digest.description, size: blob.size, mediaType: blob.mediaType,
                    role: blob.role.rawValue, outcome: outcome.rawValue, bytesDone: 0)
            }, sourceDigest: plan.change?.named.digest.description, format: plan.change?.format?.rawValue,
            leftOut: plan.change?.leftOutIfAny)
    }
}

extension JobInfo {
    /// A job as the caller may see it: of another's a member sees the id, the state, the registry and the times.
    init(_ snapshot: JobSnapshot, withBlobs: Bool, for rights: CallerRights) {
        let job = snapshot.job
        func time(_ milliseconds: Int64?) -> Timestamp? { milliseconds.map { Timestamp(milliseconds: $0) } }
        guard rights.owns(job) else {
            self.init(
                id: Int(job.id), state: job.state.rawValue, image: "", source: "", digest: "",
                destination: job.destination.domain, origin: "", priority: 0, verify: "", attempts: 0,
                createdAt: Timestamp(milliseconds: job.createdAt), updatedAt: Timestamp(milliseconds: job.updatedAt),
                startedAt: time(job.startedAt), endedAt: time(job.endedAt),
                nextAttemptAt: time(snapshot.nextAttemptAt), bytesTotal: 0, bytesUploaded: 0, bytesMounted: 0,
                bytesExisting: 0, hidden: true)
            return
        }
        self.init(
            id: Int(job.id), state: job.state.rawValue, image: job.image, source: job.source,
            digest: job.root.digest.description, destination: job.destination.description,
            origin: job.origin.rawValue, priority: job.priority, verify: job.verify.rawValue, verified: job.verified,
            attempts: job.attempts, createdAt: Timestamp(milliseconds: job.createdAt),
            updatedAt: Timestamp(milliseconds: job.updatedAt), startedAt: time(job.startedAt),
            endedAt: time(job.endedAt), nextAttemptAt: time(snapshot.nextAttemptAt),
            error: job.error.map { JobErrorInfo(code: $0.code, message: $0.message, advice: $0.advice) },
            waitsFor: snapshot.waitsFor, supersededBy: job.supersededBy.map(Int.init), bytesTotal: job.bytesTotal,
            bytesUploaded: snapshot.bytesUploaded, bytesMounted: job.bytesMounted, bytesExisting: job.bytesExisting,
            blobs: withBlobs ? snapshot.blobs.map(BlobInfo.init) : nil,
            sourceDigest: job.change?.named.digest.description, format: job.change?.format?.rawValue,
            leftOut: job.change?.leftOutIfAny, askedBy: job.askedBy.map { AskerInfo(Asker($0)) })
    }
}

extension AskerInfo {
    init(_ asker: Asker) { self.init(uid: Int(asker.uid), name: asker.name, pid: Int(asker.pid)) }
}

extension ImageChange {
    fileprivate var leftOutIfAny: String? { leftOut.isEmpty ? nil : leftOut }
}

extension BlobInfo {
    init(_ blob: JobSnapshot.Blob) {
        self.init(
            digest: blob.blob.digest.description, size: blob.blob.size, mediaType: blob.blob.mediaType,
            role: blob.blob.role.rawValue, outcome: blob.outcome.rawValue, bytesDone: blob.bytesDone,
            detail: blob.detail, sentAgain: blob.sentAgain)
    }
}

extension AttemptInfo {
    init(_ attempt: Attempt) {
        self.init(
            number: attempt.number, startedAt: Timestamp(milliseconds: attempt.startedAt),
            endedAt: attempt.endedAt.map { Timestamp(milliseconds: $0) },
            error: attempt.error.map { JobErrorInfo(code: $0.code, message: $0.message, advice: $0.advice) },
            bytesSent: attempt.bytesSent)
    }
}

extension VerifyReport {
    init(_ report: VerificationReport) {
        self.init(
            reference: report.reference.description, digest: report.digest?.description ?? "",
            verified: report.isVerified,
            problems: report.problems.map {
                VerifyProblem(kind: $0.kind.rawValue, digest: $0.digest?.description ?? "", message: $0.message)
            }, blobs: report.blobs, bytes: report.bytes, level: report.level.rawValue)
    }
}

extension RemoteManifest {
    /// Why the bytes are no manifest that pushd knows; nil where they are.
    var fault: ManifestError? {
        do {
            _ = try ManifestDocument(parsing: bytes, declared: mediaType)
            return nil
        } catch { return error }
    }
}

extension Inspect.Output {
    init(_ reference: ImageReference, _ image: RemoteImage) {
        let manifest = image.manifest
        let platforms = image.platforms.map { platform, manifest in
            PlatformInfo(
                platform: platform?.description ?? "unknown", digest: manifest.digest.description, size: manifest.size)
        }
        self.init(
            reference: reference.description, digest: manifest.digest.description,
            mediaType: manifest.mediaType.rawValue, size: Int64(manifest.bytes.count), platforms: platforms,
            manifest: Data(manifest.bytes).base64EncodedString())
    }
}

extension LocalImageInfo {
    init(_ image: StoredImage, size: Int64?, pushed: [Publication]) {
        self.init(
            name: image.shownName ?? image.root.digest.description, names: image.names, store: image.storeID,
            digest: image.root.digest.description, mediaType: image.root.mediaType.rawValue, size: size,
            pushed: pushed.map {
                PublicationInfo(
                    destination: $0.destination, digest: image.root.digest.description,
                    at: Timestamp(milliseconds: $0.at), job: Int($0.job))
            })
    }
}

extension EventInfo {
    /// An event as the caller may see it: of another's job, or another's deed, a member sees that it was, and where.
    init(_ item: EventReader.Item, for rights: CallerRights) {
        switch item {
        case .event(let event) where !rights.owns(event):
            let place = event.destination.flatMap { try? ImageReference(parsing: $0) }?.domain
            self.init(
                id: Int(event.id), at: Timestamp(milliseconds: event.at), kind: event.kind.rawValue,
                job: event.job.map(Int.init), state: event.state?.rawValue, registry: event.registry ?? place,
                code: event.job == nil ? event.code : nil)
        case .event(let event):
            self.init(
                id: Int(event.id), at: Timestamp(milliseconds: event.at), kind: event.kind.rawValue,
                job: event.job.map(Int.init), state: event.state?.rawValue, image: event.image,
                destination: event.destination, registry: event.registry, code: event.code, message: event.message,
                askedBy: event.askedBy.map(AskerInfo.init))
        case .lost(let count, let last, let at):
            let what = count.map { "\($0) \($0 == 1 ? "event is" : "events are")" } ?? "earlier events are"
            self.init(
                id: Int(last), at: Timestamp(milliseconds: at), kind: "lost",
                message: "\(what) missing here: no longer kept", count: count.map(Int.init))
        }
    }
}
