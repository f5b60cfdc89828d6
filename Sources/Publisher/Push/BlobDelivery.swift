import HTTP
import ImageStore
import OCI
import PushQueue
import Registry
import Synchronization

/// Brings single blobs into one repository for one job, in the way that costs least.
///
/// The cheapest question first: what is remembered, then a mount from a repository that has it, then whether it is
/// there, then an upload. Uploads, and the questions before them, are shared with all jobs that need the blob there.
struct BlobDelivery: Sendable {
    let job: JobID
    /// Whose job it is.
    var bringer = BlobBringer.operators
    /// Whether no attempt at the job has failed since its last progress.
    let isFirstTry: Bool
    let repository: String
    let registry: RegistryAccess
    let queue: JobStore
    let content: any ContentSource
    let transfers: SharedTransfers
    let slots: Slots<String>
    let progress: JobProgress
    let settings: PublisherSettings
    let clock: @Sendable () -> Int64
    let isStopping: @Sendable () -> Bool

    /// What became of a blob.
    struct Report: Sendable {
        let outcome: BlobOutcome
        /// Where it was mounted from or which job sent it.
        var detail: String?
        var mountedFrom: String?
        /// Whether the registry took it now and never before for this job.
        var isNew = false
    }

    /// How much is believed of what is remembered and of what the registry says.
    enum Trust: Sendable {
        case usual
        /// `--force`, or the registry contradicted itself: the bytes are sent without asking whether they are there.
        case nothing
    }

    /// Returns when the blob is in the repository.
    ///
    /// - Throws: ``RegistryError``, `ImageStoreError`, `CancellationError`.
    func deliver(_ blob: BlobNode, trust: Trust) async throws -> Report {
        var report = try await progress.bringing { try await bring(blob, trust: trust) }
        if report.outcome != .existing { report.isNew = progress.noteHeld(blob.descriptor.digest) }
        progress.update(blob.descriptor.digest) {
            $0.outcome = report.outcome
            $0.detail = report.detail
            $0.sharedWith = nil
            $0.bytesDone = blob.descriptor.size
        }
        return report
    }

    private func bring(_ blob: BlobNode, trust: Trust) async throws -> Report {
        let digest = blob.descriptor.digest
        var refused: Set<String> = []
        var denied: [String] = []
        var session: UploadSession?
        // Where mounts do not work, what another repository gets is of no use to this one.
        var isAlone = false
        while true {
            if trust == .usual {
                let since = clock() - settings.ledgerAge.inMilliseconds
                if try await queue.knows(digest, registry: registry.name, repository: repository, since: since) {
                    await drop(session)
                    return Report(outcome: .existing)
                }
                if !isAlone, let source = try await mountSource(of: digest, since: since, except: refused) {
                    refused.insert(source)
                    switch try await mount(blob, from: source, since: since) {
                    case .mounted:
                        await drop(session)
                        return Report(outcome: .mounted, detail: "from \(source)", mountedFrom: source)
                    case .known: break
                    case .notThere(let opened):
                        await drop(session)
                        session = opened
                    case .refused(let opened):
                        isAlone = opened != nil || refused.count > 1
                        guard let opened else { break }
                        await drop(session)
                        session = opened
                    case .denied:
                        denied.append(source)
                        isAlone = refused.count > 1
                    }
                    continue
                }
            }
            let opened = session
            let result: TransferResult
            do {
                result = try await share(blob, session: opened, trust: trust, refused: refused, isAlone: isAlone)
            } catch let trouble as OthersTrouble {
                // It concerns the other job's repository or file only.
                guard !trouble.endsThisJobToo, !Task.isCancelled else { throw trouble.error }
                continue
            }
            if result.job != job { await drop(opened) }
            session = nil
            if result.repository == repository, result.outcome == .uploaded {
                // Pushing here is allowed: it was the mounts that were denied.
                for source in denied { try await refuse(source) }
            }
            if result.job == job, result.repository == repository {
                return Report(outcome: result.outcome, detail: result.detail)
            }
            if result.repository == repository, trust == .usual || result.outcome == .uploaded {
                return Report(outcome: .shared, detail: "job \(result.job)")
            }
            // Another repository has it now, so the next round mounts it, or with no trust sends it.
        }
    }

    private func drop(_ session: UploadSession?) async {
        if let session { await registry.client.cancelUpload(repository, session) }
    }

    /// The error of another job's transfer that this job waited for.
    private struct OthersTrouble: Error {
        let error: any Error

        /// A transient error concerns the registry, and so this job too; a permanent one only that job's repository or
        /// content.
        var endsThisJobToo: Bool {
            let failure = PushFailure(error)
            return !failure.isForGood && failure.disposition != .waitForFile
        }
    }

    /// Leads the blob's transfer, or waits for the job that does. One at a time for each repository in any case.
    private func share(
        _ blob: BlobNode, session: UploadSession?, trust: Trust, refused: Set<String>, isAlone: Bool
    ) async throws -> TransferResult {
        let digest = blob.descriptor.digest
        let leader = Mutex<SharedTransfers.Leader?>(nil)
        let willWait: @Sendable (SharedTransfers.Leader) -> Void = { other in
            // It may be called for both locations, one after the other, and counts once.
            if leader.withLock({ known in
                defer { known = other }
                return known == nil
            }) {
                progress.wait(true)
            }
            progress.update(digest) { $0.sharedWith = other }
        }
        defer { if leader.withLock({ $0 != nil }) { progress.wait(false) } }
        let own = SharedTransfers.Leader(job: job, meter: progress.meter(of: digest))
        let here = BlobLocation(registry: registry.name, digest: digest, repository: repository)
        let lead: SharedTransfers.Work = {
            try await transfers.bring(here, for: own, willWait: willWait) {
                try await self.lead(blob, session: session, trust: trust, refused: refused, isAlone: isAlone)
            }
        }
        do {
            if isAlone { return try await lead() }
            let anywhere = BlobLocation(registry: registry.name, digest: digest, party: party)
            return try await transfers.bring(anywhere, for: own, willWait: willWait, work: lead)
        } catch {
            guard let other = leader.withLock({ $0 }), !(error is CancellationError) else { throw error }
            progress.update(digest) { $0.sharedWith = nil }
            progress.noteKept(other.meter.bytesKept, of: digest)
            let met = (error as? RegistryError)?.met(waitingFor: digest, in: repository)
            throw OthersTrouble(error: met ?? error)
        }
    }

    /// The repository of this registry in which the blob was confirmed last, from which no mount was refused, and for
    /// which the same login is used.
    private func mountSource(of digest: Digest, since: Int64, except refused: Set<String>) async throws -> String? {
        for source in try await queue.repositories(
            holding: digest, registry: registry.name, for: bringer, since: since, limit: 4)
        where source != repository && !refused.contains(source) {
            if try await !queue.mountRefused(registry: registry.name, source: source, since: since),
                try await registry.client.haveOneLogin(repository, source)
            {
                return source
            }
        }
        return nil
    }

    /// A repository that is remembered to have the blob: this one, or one that it can be mounted from.
    private func newPlace(of digest: Digest, except refused: Set<String>, isAlone: Bool) async throws -> String? {
        let since = clock() - settings.ledgerAge.inMilliseconds
        if try await queue.knows(digest, registry: registry.name, repository: repository, since: since) {
            return repository
        }
        return isAlone ? nil : try await mountSource(of: digest, since: since, except: refused)
    }

    private enum Mounting {
        case mounted
        /// Another job has brought it into this repository meanwhile.
        case known
        /// The source has lost it.
        case notThere(UploadSession)
        /// Nothing can be mounted from there; perhaps an upload was opened instead.
        case refused(UploadSession?)
        /// This login may not do it, or perhaps not push to this repository at all, which says nothing of the source.
        case denied
    }

    /// Mounts the blob, unless another job does: then it waits for that one.
    private func mount(_ blob: BlobNode, from source: String, since: Int64) async throws -> Mounting {
        let digest = blob.descriptor.digest
        return try await registry.facts.writeTurns.withSlot(for: "\(repository)@\(digest)") {
            if try await queue.knows(digest, registry: registry.name, repository: repository, since: since) {
                return .known
            }
            return try await mount(blob, from: source)
        }
    }

    /// A mount is an optimisation: where it is refused, the blob is uploaded.
    private func mount(_ blob: BlobNode, from source: String) async throws -> Mounting {
        let digest = blob.descriptor.digest
        switch try await registry.client.mount(digest, from: source, into: repository) {
        case .mounted:
            try await remember(digest, in: repository)
            try await registry.learn(mountsWork: true)
            return .mounted
        case .session(let session):
            // It may be the source that lost the blob, or the registry that mounts nothing.
            if blob.descriptor.size <= Self.smallBlob { return .refused(session) }
            let presence: BlobPresence?
            do {
                presence = try await registry.client.blobPresence(source, digest, size: blob.descriptor.size)
            } catch is RegistryError {
                presence = nil
            }
            if case .absent = presence {
                try await queue.forget(digest, registry: registry.name, repository: source)
                return .notThere(session)
            }
            try await refuse(source)
            return .refused(session)
        case .refused(let error):
            // An error by chance must not cost the bytes; one that comes again must not hold up the push.
            if error.disposition == .retry, isFirstTry, blob.descriptor.size > Self.smallBlob { throw error }
            if error.disposition == .waitForPerson { return .denied }
            try await refuse(source)
            return .refused(nil)
        }
    }

    /// Nothing more is mounted from `source` for a while.
    func refuse(_ source: String) async throws {
        try await queue.rememberMountRefused(registry: registry.name, source: source, now: clock())
        try await registry.learn(mountsWork: false)
    }

    /// The leader's part, run once for all that wait.
    ///
    /// - Parameter refused: repositories that nothing can be mounted from.
    func lead(
        _ blob: BlobNode, session: UploadSession?, trust: Trust, refused: Set<String>, isAlone: Bool
    ) async throws -> TransferResult {
        let digest = blob.descriptor.digest
        var session = session
        if trust == .usual {
            // Another job's transfer may have ended since this one looked: its bytes are not sent again.
            if let place = try await newPlace(of: digest, except: refused, isAlone: isAlone) {
                await drop(session)
                return TransferResult(repository: place, job: job, outcome: .existing, detail: nil)
            }
            switch try await ask(blob, hasSession: session != nil) {
            case .present:
                try await remember(digest, in: repository)
                await drop(session)
                return TransferResult(repository: repository, job: job, outcome: .existing, detail: nil)
            case .absent(let opened): session = opened ?? session
            }
        }
        // An interrupted upload is resumed, also one to another repository if the blob can be mounted from there
        // afterwards.
        let broken = try await queue.uploads(registry: registry.name, digest: digest, since: 0)
        let mayGoElsewhere = try await registry.mountsWork && !isAlone && trust == .usual && party == nil
        if let own = broken.first(where: { $0.repository == repository }), let resumed = UploadSession(own) {
            await drop(session)
            try await upload(blob, to: repository, session: resumed)
        } else if mayGoElsewhere, let other = broken.max(by: { $0.offset < $1.offset }),
            let resumed = UploadSession(other),
            try await registry.client.haveOneLogin(repository, other.repository)
        {
            do {
                try await upload(blob, to: other.repository, session: resumed)
                await drop(session)
                return TransferResult(repository: other.repository, job: job, outcome: .uploaded, detail: nil)
            } catch  where PushFailure(error).isForGood {
                // Pushing there is no longer allowed, for example, which says nothing of this repository.
                try await queue.removeUpload(registry: registry.name, repository: other.repository, digest: digest)
                try await upload(blob, to: repository, session: session)
            }
        } else {
            try await upload(blob, to: repository, session: session)
        }
        return TransferResult(repository: repository, job: job, outcome: .uploaded, detail: nil)
    }

    private enum Answer {
        case present
        case absent(UploadSession?)
    }

    /// Is it there? Unknown is an error, and nothing is uploaded on it.
    private func ask(_ blob: BlobNode, hasSession: Bool) async throws -> Answer {
        let (digest, size) = (blob.descriptor.digest, blob.descriptor.size)
        let selfMount = try await registry.selfMount
        let isProbe = selfMount == .unknown && size <= Self.smallBlob
        var mountIsRefused = false
        if !hasSession, selfMount == .works || isProbe {
            switch try await registry.client.mount(digest, from: repository, into: repository) {
            case .mounted where isProbe:
                // Some say so to everything: the first time it is looked at.
                guard case .present = try await registry.client.blobPresence(repository, digest, size: size) else {
                    try await registry.learn(selfMount: .fails)
                    return .absent(nil)
                }
                try await registry.learn(selfMount: .works)
                return .present
            case .mounted:
                progress.noteSelfMount()
                return .present
            case .session(let session): return .absent(session)
            // An error by chance says nothing about mounts, nor does a repository that is not there yet.
            case .refused(let error):
                mountIsRefused = error.disposition != .retry && error.cause != .repositoryMissing
            }
        }
        let presence = try await registry.client.blobPresence(repository, digest, size: size)
        // Nor does a refusal where the login may not even ask.
        if mountIsRefused, !presence.isUnknown { try await registry.learn(selfMount: .fails) }
        switch presence {
        case .present: return .present
        case .absent: return .absent(nil)
        case .unknown: return .absent(nil)  // a registry that refuses the question; its POST decides
        }
    }

    /// Bytes. Sending a blob of this size again costs no more than asking about it.
    static let smallBlob: Int64 = 65_536

    private func upload(_ blob: BlobNode, to target: String, session: UploadSession?) async throws {
        let (digest, size) = (blob.descriptor.digest, blob.descriptor.size)
        guard let file = try await content.fileToSend(blob) else { throw PushFailure.blobGone(digest) }
        let counter = TransferProgress()
        let start = session?.offset ?? 0
        let confirmed = Mutex(start)
        let turn = UploadTurn(progress)
        defer { turn.comes() }
        try await slots.withSlot(for: registry.name, willWait: { turn.isWaitedFor() }) {
            turn.comes()
            let style = try await registry.uploadStyle(size: size, chunkSize: settings.chunkSize)
            progress.update(digest) {
                $0.meter.follow(counter)
                $0.isInPieces = if case .chunked = style { true } else { false }
                $0.sharedWith = nil
            }
            do {
                let result = try await registry.client.upload(
                    BlobUpload(
                        repository: target, digest: digest, size: size, file: file, session: session, style: style,
                        progress: counter,
                        sessionChanged: { session in
                            confirmed.withLock { $0 = session?.offset ?? 0 }
                            if size > Self.smallBlob { try? await store(session, of: digest, in: target) }
                        },
                        learned: { fact in try? await registry.learn(fact) },
                        isStopping: isStopping,
                        localBlobIsIntact: { [content] in try await content.isIntact(file, blob) }))
                progress.addMoved(result.bytesSent, of: digest)
            } catch {
                let held = confirmed.withLock { $0 }
                progress.addMoved(max(0, counter.bytesSent - min(start, held)), of: digest)
                progress.meter(of: digest).keep(held)
                progress.noteKept(held, of: digest)
                throw error
            }
        }
        if size > Self.smallBlob {
            try await queue.removeUpload(registry: registry.name, repository: target, digest: digest)
        }
        try await remember(digest, in: target)
    }

    /// On disk before the body goes out, so that a crash in mid-layer loses nothing. Small blobs are not worth that.
    private func store(_ session: UploadSession?, of digest: Digest, in target: String) async throws {
        if let session {
            try await queue.saveUpload(
                StoredUpload(
                    registry: registry.name, repository: target, digest: digest,
                    location: session.location.absoluteString, offset: session.offset, style: "", updatedAt: clock()))
        } else {
            try await queue.removeUpload(registry: registry.name, repository: target, digest: digest)
        }
    }

    func remember(_ digest: Digest, in repository: String) async throws {
        try await queue.remember(
            digest, registry: registry.name, repository: repository, by: bringer, now: clock())
    }

    /// Members share what is in other repositories with none but themselves; nil: it is no member's job.
    private var party: UInt32? { if case .member(let uid) = bringer { uid } else { nil } }
}

extension BlobPresence {
    fileprivate var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }
}

extension UploadSession {
    /// - Returns: nil where what was stored is no address any more.
    fileprivate init?(_ stored: StoredUpload) {
        guard let location = try? HTTPURL(parsing: stored.location) else { return nil }
        self.init(location: location, offset: stored.offset)
    }
}
