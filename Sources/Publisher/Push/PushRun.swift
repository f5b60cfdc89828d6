import ImageStore
import OCI
import PushQueue
import Registry

/// One attempt at one job, from the first question to the verified end.
///
/// Order: is the tag there already (one HEAD: done); is the manifest there (only the tag is put); the blobs that are
/// missing; manifests, children first; a look whether they can be read; the tag last. A reader of the registry never
/// sees an image with a missing part.
struct PushRun: Sendable {
    let claim: Claim
    let delivery: BlobDelivery
    let verifier: Verifier
    /// Called after each valid response; `changed`: it accepted a change, which a registry in trouble would refuse.
    let answered: @Sendable (_ changed: Bool) async -> Void
    /// Throws while the registry is paused.
    let mayAsk: @Sendable () async throws -> Void
    /// Called at once with a transient error, while the attempt lasts until the bodies that are being sent have ended.
    let troubled: @Sendable (any Error) async -> Void

    private var job: Job { claim.job }
    private var client: RegistryClient { delivery.registry.client }
    private var repository: String { delivery.repository }
    private var queue: JobStore { delivery.queue }

    /// The result of a push that succeeded, for the queue.
    struct Success: Sendable {
        let verified: VerifyLevel
        /// Empty where the registry has accepted no change.
        let outcomes: [Digest: BlobDelivery.Report]
    }

    /// - Throws: any error that ``PushFailure`` classifies, or `CancellationError`.
    func run() async throws -> Success {
        guard let repositories = client.repositories else { return try await push() }
        let start = try await repositories.prepare(repository)
        do { return try await push() } catch let error as RegistryError where error.mayBeMissing(repository) {
            return try await push(afterMakingBy: repositories, since: start)
        }
    }

    /// Makes the missing repository, and continues the same attempt.
    private func push(
        afterMakingBy repositories: RepositoryMaker, since start: RepositoryMaker.Moment
    ) async throws -> Success {
        var trouble: RegistryError?
        // It may fail because another client has made it meanwhile: whether the push works decides.
        do { try await repositories.make(repository, since: start) } catch let error as RegistryError {
            trouble = error
        }
        do { return try await push() } catch let error as RegistryError where error.mayBeMissing(repository) {
            throw trouble ?? error.missingAfterCreation
        }
    }

    private func push() async throws -> Success {
        if !job.force, try await !isSecondTag(), let done = try await alreadyThere() { return done }
        let contents = try await ImageContents.read(root: job.root, from: delivery.content, platforms: [])
        var outcomes: [Digest: BlobDelivery.Report] = [:]
        if !job.force {
            if try await manifestIsThere(), try await putRootAlone(contents) {
                return try await finish(contents, existing(contents))
            }
            outcomes = try await deliverFirst(contents)
            // No manifest without its configuration: only where that was there, the manifest may be too.
            if outcomes.values.contains(where: { $0.outcome == .existing }), try await headByDigest(),
                try await putRootAlone(contents)
            {
                return try await finish(contents, existing(contents))
            }
        }
        let rest = try await deliverAll(
            contents, trust: job.force ? .nothing : .usual, except: Set(outcomes.keys))
        outcomes.merge(rest) { _, new in new }
        do {
            try await putManifests(contents)
        } catch let error as RegistryError where error.isMissingContent {
            if let refusal = contents.refusal(error, wasAllSent: false) { throw refusal }
            // A HEAD with 200 is no proof: all blobs that this run did not send are sent now, without asking.
            try await distrust(outcomes)
            let sent = Set(outcomes.filter { $0.value.outcome == .uploaded }.keys)
            let again = try await deliverAll(contents, trust: .nothing, except: sent)
            outcomes.merge(again) { _, new in new }
            do { try await putManifests(contents) } catch let error as RegistryError where error.isMissingContent {
                throw contents.refusal(error, wasAllSent: true) ?? error
            }
        }
        return try await finish(contents, outcomes)
    }

    /// Whether this is most likely one more tag for an image that is there: then putting the tag is cheaper than
    /// asking about it first.
    private func isSecondTag() async throws -> Bool {
        guard job.destination.tag != nil, try await isRemembered(job.root.digest) else { return false }
        return try await queue.lastPublished(to: job.destination) != job.root.digest
    }

    private func isRemembered(_ manifest: Digest) async throws -> Bool {
        let since = delivery.clock() - delivery.settings.ledgerAge.inMilliseconds
        return try await queue.knows(manifest, registry: delivery.registry.name, repository: repository, since: since)
    }

    /// The cheapest question: one HEAD, and for a tag that has this digest nothing else.
    private func alreadyThere() async throws -> Success? {
        guard let tag = job.destination.tag else { return nil }
        let head = try await head(.tag(tag))
        await answered(false)
        guard let head else { return nil }
        let isOfSameKind = head.digest.algorithm == job.root.digest.algorithm
        if isOfSameKind, head.digest != job.root.digest { return nil }
        let contents = try await ImageContents.read(root: job.root, from: delivery.content, platforms: [])
        guard let root = contents.manifests.last, root.isNamed(by: head.digest) else { return nil }
        if try await mayBeUnlisted(root) { return nil }
        guard job.verify == .blobs || job.verify == .deep else { return Success(verified: job.verify, outcomes: [:]) }
        return try await finish(contents, [:], isTagOld: true)
    }

    /// Whether a manifest that is in the registry may lack its entry in the referrers tag of its subject: other clients,
    /// and pushd before it knew of such tags, push a manifest without it.
    private func mayBeUnlisted(_ root: ManifestNode) async throws -> Bool {
        guard let subject = root.document.subject?.digest else { return false }
        switch try await delivery.registry.keepsReferrers {
        case true?: return false
        case nil: return true
        case false?:
            let referrers = try await client.referrers(of: subject, in: repository)
            return referrers?.index.lists(root.descriptor.digest) != true
        }
    }

    /// Whether the image is in the repository under its digest: as remembered, or as the registry says.
    ///
    /// Where one request both checks for the configuration and opens its upload, that comes first and shows the same.
    private func manifestIsThere() async throws -> Bool {
        if try await isRemembered(job.root.digest) { return true }
        if job.destination.tag != nil, try await delivery.registry.selfMount != .fails { return false }
        return try await headByDigest()
    }

    private func headByDigest() async throws -> Bool {
        let head = try await head(.digest(job.root.digest))
        await answered(false)
        return head != nil
    }

    /// Some registries answer 403 for what they do not have: then the push decides, whose refusal also says more.
    private func head(_ reference: ManifestReference) async throws -> Descriptor? {
        do { return try await client.manifestHead(repository, reference) } catch let error as RegistryError
            where error.cause == .denied && error.status == 403
        { return nil }
    }

    /// Puts the tag on a manifest that should be there.
    ///
    /// - Returns: false if the registry misses something all the same; what was remembered is forgotten then.
    private func putRootAlone(_ contents: ImageContents) async throws -> Bool {
        do {
            for child in contents.children where job.verify != .none {
                if try await head(.digest(child.descriptor.digest)) != nil { continue }
                try await distrust([:])
                return false
            }
            try await putRoot(contents)
            return true
        } catch let error as RegistryError where error.isMissingContent {
            try await distrust([:])
            return false
        }
    }

    private func existing(_ contents: ImageContents) -> [Digest: BlobDelivery.Report] {
        Dictionary(
            contents.blobs.filter(\.isSent).map { ($0.descriptor.digest, BlobDelivery.Report(outcome: .existing)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Forgets the reasons to assume that the registry has the blobs.
    private func distrust(_ outcomes: [Digest: BlobDelivery.Report]) async throws {
        try await queue.forget(nil, registry: delivery.registry.name, repository: repository)
        if delivery.progress.hasTrustedSelfMount { try await delivery.registry.learn(selfMount: .fails) }
        for source in Set(outcomes.values.compactMap(\.mountedFrom)) { try await delivery.refuse(source) }
    }

    // MARK: Blobs

    /// Brings the configuration ahead of the layers. With the first push to a registry ever, it also shows whether a
    /// mount from the repository itself answers what is there.
    private func deliverFirst(_ contents: ImageContents) async throws -> [Digest: BlobDelivery.Report] {
        let selfMount = try await delivery.registry.selfMount
        guard selfMount != .fails, let config = contents.blobs.first(where: { $0.role == .config && $0.isSent }) else {
            return [:]
        }
        let digest = config.descriptor.digest
        let report = try await deliver(config, trust: .usual)
        if selfMount == .unknown, contents.blobs.count > 1 {
            try await delivery.registry.probeSelfMount(digest, in: repository)
        }
        return [digest: report]
    }

    private func deliverAll(
        _ contents: ImageContents, trust: BlobDelivery.Trust, except done: Set<Digest> = []
    ) async throws -> [Digest: BlobDelivery.Report] {
        let waiting = contents.blobs.filter { $0.isSent && !done.contains($0.descriptor.digest) }
        var outcomes: [Digest: BlobDelivery.Report] = [:]
        try await withThrowingTaskGroup(of: (Digest, BlobDelivery.Report).self) { group in
            var window = 0
            var rest = waiting[...]
            var trouble: (any Error)?
            while !rest.isEmpty || window > 0 {
                while window < Self.blobsAtOnce, let blob = rest.popFirst() {
                    window += 1
                    group.addTask { (blob.descriptor.digest, try await deliver(blob, trust: trust)) }
                }
                do {
                    guard let (digest, report) = try await group.next() else { break }
                    outcomes[digest] = report
                } catch {
                    if error is CancellationError || Task.isCancelled || PushFailure(error).isForGood { throw error }
                    // No further blob starts; the bodies that are being sent may end, because a cut may lose them.
                    rest = []
                    if trouble == nil { await troubled(error) }
                    trouble = trouble ?? error
                }
                window -= 1
            }
            if let trouble { throw trouble }
        }
        return outcomes
    }

    /// Questions under way at once for one job; bodies have their own, tighter limit.
    private static let blobsAtOnce = 16

    private func deliver(_ blob: BlobNode, trust: BlobDelivery.Trust) async throws -> BlobDelivery.Report {
        try await mayAsk()
        let report = try await delivery.deliver(blob, trust: trust)
        await answered(report.isNew && report.outcome != .shared)
        if report.outcome != .existing {
            try await queue.setOutcome(
                claim, digest: blob.descriptor.digest, outcome: report.outcome, detail: report.detail,
                bytesSent: delivery.progress.movedBytes[blob.descriptor.digest] ?? 0)
        }
        return report
    }

    // MARK: Manifests

    private func putManifests(_ contents: ImageContents) async throws {
        var new: [ManifestNode] = []
        for node in contents.children {
            let digest = node.descriptor.digest
            if !job.force, try await isRemembered(digest) {
                // It may be lost, and not every registry refuses an index then.
                if job.verify == .none { continue }
                if try await head(.digest(digest)) != nil { continue }
            }
            try await mayAsk()
            try await put(node, as: .digest(digest))
            try await delivery.remember(digest, in: repository)
            new.append(node)
        }
        if job.verify != .none {
            let report = try await verifier.verifyChildren(new, job.destination, level: job.verify)
            guard report.isVerified else { throw PushFailure(report, destination: job.destination) }
        }
        try await putRoot(contents)
    }

    private func putRoot(_ contents: ImageContents) async throws {
        guard let root = contents.manifests.last else { throw PushFailure.blobGone(job.root.digest) }
        try await mayAsk()
        let digest = root.descriptor.digest
        guard let tag = job.destination.tag else {
            try await put(root, as: .digest(job.destination.digest ?? digest))
            return try await delivery.remember(digest, in: repository)
        }
        // The tag last: if it were there before the referrers tag, a crash in between would make the push look done.
        if root.document.subject != nil, try await delivery.registry.keepsReferrers != true {
            try await put(root, as: .digest(digest))
            try await bytesPut(root, as: .tag(tag))
        } else {
            try await put(root, as: .tag(tag))
        }
        try await delivery.remember(digest, in: repository)
    }

    /// Puts a manifest, and, where the registry does not answer with `OCI-Subject`, its entry in the referrers tag.
    private func put(_ node: ManifestNode, as reference: ManifestReference) async throws {
        let result = try await bytesPut(node, as: reference)
        guard let subject = node.document.subject?.digest else { return }
        switch result {
        case .stored(let processed):
            try await delivery.registry.learn(.keepsReferrers(processed == subject))
            guard processed != subject else { return }
        case .wasThere:
            guard try await delivery.registry.keepsReferrers != true else { return }
        }
        try await ReferrersTag(registry: delivery.registry, repository: repository, sleep: verifier.sleep)
            .list(node, under: subject)
    }

    @discardableResult
    private func bytesPut(_ node: ManifestNode, as reference: ManifestReference) async throws -> ManifestPut {
        let turn = "\(repository)@\(node.descriptor.digest)"
        let result = try await delivery.registry.facts.writeTurns.withSlot(for: turn) { [client, repository] in
            try await delivery.registry.putManifest {
                try await client.putManifest(
                    repository, reference, bytes: node.bytes, mediaType: node.descriptor.mediaType,
                    digest: node.descriptor.digest)
            }
        }
        delivery.progress.noteHeld(node.descriptor.digest)
        return result
    }

    /// - Parameter isTagOld: whether the tag was there already; else the children were checked before it was put.
    private func finish(
        _ contents: ImageContents, _ outcomes: [Digest: BlobDelivery.Report], isTagOld: Bool = false
    ) async throws -> Success {
        if job.verify != .none {
            let report = try await verifier.verifyPushed(
                contents, job.destination, level: job.verify, children: isTagOld)
            guard report.isVerified else { throw PushFailure(report, destination: job.destination) }
        }
        return Success(verified: job.verify, outcomes: outcomes)
    }
}

extension ImageContents {
    /// All manifests but the root, children before their parents.
    fileprivate var children: ArraySlice<ManifestNode> { manifests.dropLast() }

    /// The error for a registry that misses non-distributable layers, which were not sent: sending all again would
    /// change nothing.
    ///
    /// - Parameter wasAllSent: whether all other content was sent in this attempt, without asking for it first.
    /// - Returns: nil where the registry misses other content.
    fileprivate func refusal(_ error: RegistryError, wasAllSent: Bool) -> RegistryError? {
        let withheld = blobs.filter { !$0.isSent }.map(\.descriptor)
        guard error.cause == .referencesMissing, !withheld.isEmpty else { return nil }
        let named = Set(error.unknownContent)
        let wanted = withheld.filter { named.isEmpty || named.contains($0.digest) }
        guard wasAllSent ? !wanted.isEmpty : !named.isEmpty && named.isSubset(of: wanted.map(\.digest)) else {
            return nil
        }
        return error.wanting(
            withheld: wanted.map(\.digest), haveAddresses: wanted.contains { $0.urls?.isEmpty == false })
    }
}

extension PushFailure {
    /// A push whose verification found something else than what was sent.
    init(_ report: VerificationReport, destination: ImageReference) {
        let first = report.problems.first
        let isOther = first?.kind == .digestDiffers
        self.init(
            error: JobError(
                code: isOther ? "verification-other-digest" : "verification-failed",
                message: "\(destination) is not what was pushed: \(first?.message ?? "")",
                advice: isOther
                    ? "another client has pushed to this tag meanwhile, or a mirror answered: pushctl inspect \(destination)"
                    : "the registry lost content that it had accepted; look at its garbage collection, "
                        + "then: pushctl push --force"),
            disposition: isOther ? .fail : .retry(after: nil))
    }
}
