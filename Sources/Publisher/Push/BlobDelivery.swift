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
    let repository: String
    let registry: RegistryAccess
    let queue: JobStore
    let content: any ContentSource
    let transfers: SharedTransfers
    let slots: TransferSlots
    let progress: JobProgress
    let settings: PublisherSettings
    let clock: @Sendable () -> Int64
    let isStopping: @Sendable () -> Bool

    /// What became of a blob.
    struct Report: Sendable {
        let outcome: BlobOutcome
        /// Where it was mounted from or which job sent it.
        var detail: String?
    }

    /// How much is believed of what is remembered and of what the registry says.
    enum Trust: Sendable {
        case usual
        /// `--force`, or the registry contradicted itself: the bytes are sent whatever anybody says.
        case nothing
    }

    /// Returns when the blob is in the repository.
    ///
    /// - Throws: ``RegistryError``, `ImageStoreError`, `CancellationError`.
    func deliver(_ blob: BlobNode, trust: Trust) async throws -> Report {
        let report = try await bring(blob, trust: trust)
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
        var session: UploadSession?
        while true {
            if trust == .usual {
                let since = clock() - settings.ledgerAge.inMilliseconds
                if try await queue.knows(digest, registry: registry.name, repository: repository, since: since) {
                    return Report(outcome: .existing)
                }
                if let source = try await mountSource(of: digest, since: since, except: refused) {
                    switch try await mount(digest, from: source) {
                    case .mounted: return Report(outcome: .mounted, detail: "from \(source)")
                    case .session(let opened): session = opened
                    case .refused: break
                    }
                    refused.insert(source)
                    continue
                }
            }
            let opened = session
            let result = try await transfers.bring(
                BlobLocation(registry: registry.name, digest: digest), for: job,
                willWait: { leader in progress.update(digest) { $0.sharedWith = leader } },
                work: { try await lead(blob, session: opened, trust: trust) })
            if result.job != job, let opened { await registry.client.cancelUpload(repository, opened) }
            session = nil
            if result.job == job, result.repository == repository {
                return Report(outcome: result.outcome, detail: result.detail)
            }
            if result.repository == repository, trust == .usual || result.outcome == .uploaded {
                return Report(outcome: .shared, detail: "job \(result.job)")
            }
            // Another repository has it now, so the next round mounts it, or with no trust sends it.
        }
    }

    /// The newest repository of this registry that has the blob and has not refused to share it.
    private func mountSource(of digest: Digest, since: Int64, except refused: Set<String>) async throws -> String? {
        for source in try await queue.repositories(holding: digest, registry: registry.name, since: since, limit: 4)
        where source != repository && !refused.contains(source) {
            if try await !queue.mountRefused(registry: registry.name, source: source, since: since) { return source }
        }
        return nil
    }

    /// A mount is an optimisation: whatever refuses it only means that the blob goes another way.
    private func mount(_ digest: Digest, from source: String) async throws -> MountOutcome {
        let outcome = try await registry.client.mount(digest, from: source, into: repository)
        switch outcome {
        case .mounted: try await remember(digest, in: repository)
        case .session:
            // The source has lost it, or this registry mounts nothing; either way it is no source for this blob.
            try await queue.forget(digest, registry: registry.name, repository: source)
        case .refused: try await queue.rememberMountRefused(registry: registry.name, source: source, now: clock())
        }
        return outcome
    }

    /// The leader's part, run once for all that wait.
    private func lead(_ blob: BlobNode, session: UploadSession?, trust: Trust) async throws -> TransferResult {
        let digest = blob.descriptor.digest
        var session = session
        if trust == .usual {
            switch try await ask(blob, hasSession: session != nil) {
            case .present:
                try await remember(digest, in: repository)
                if let session { await registry.client.cancelUpload(repository, session) }
                return TransferResult(repository: repository, job: job, outcome: .existing, detail: nil)
            case .absent(let opened): session = opened ?? session
            }
        }
        // Bytes that are already there in a broken upload are gone on with, whichever repository it was for.
        let broken = try await queue.uploads(registry: registry.name, digest: digest, since: 0)
        let elsewhere = trust == .usual ? broken.max { $0.offset < $1.offset } : nil
        let stored = broken.first { $0.repository == repository } ?? elsewhere
        let target = stored?.repository ?? repository
        if let stored, let location = try? HTTPURL(parsing: stored.location) {
            if let session { await registry.client.cancelUpload(repository, session) }
            session = UploadSession(location: location, offset: stored.offset)
        }
        try await upload(blob, to: target, session: session)
        return TransferResult(repository: target, job: job, outcome: .uploaded, detail: nil)
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
        if !hasSession, selfMount == .works || isProbe {
            switch try await registry.client.mount(digest, from: repository, into: repository) {
            case .mounted:
                try await registry.learn(selfMount: .works)
                return .present
            case .session(let session): return .absent(session)
            case .refused: try await registry.learn(selfMount: .fails)
            }
        }
        switch try await registry.client.blobPresence(repository, digest, size: size) {
        case .present: return .present
        case .absent: return .absent(nil)
        case .unknown: return .absent(nil)  // a registry that refuses the question; its POST decides
        }
    }

    /// Bytes. Sending a blob of this size again costs no more than asking about it.
    static let smallBlob: Int64 = 65_536

    private func upload(_ blob: BlobNode, to target: String, session: UploadSession?) async throws {
        let (digest, size) = (blob.descriptor.digest, blob.descriptor.size)
        guard let file = content.file(for: digest) ?? blob.path else { throw PushFailure.blobGone(digest) }
        let counter = TransferProgress()
        let confirmed = Mutex(session?.offset ?? 0)
        try await slots.withSlot(at: registry.name) {
            let style = try await registry.uploadStyle(size: size, chunkSize: settings.chunkSize)
            progress.update(digest) {
                $0.transfer = counter
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
                        localBlobIsIntact: { try await rehash(file: file, expecting: digest) }))
                progress.addMoved(result.bytesSent, of: digest)
            } catch {
                progress.addMoved(max(0, counter.bytesSent - confirmed.withLock { $0 }), of: digest)
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
        try await queue.remember(digest, registry: registry.name, repository: repository, now: clock())
    }
}
