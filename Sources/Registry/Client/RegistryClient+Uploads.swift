internal import HTTP
public import OCI

/// Uploads and mounts.
extension RegistryClient {
    /// Asks for a blob to be linked into `repository` from `source`, with no byte sent.
    ///
    /// With both the same this is a question whether the blob is there, which opens an upload where it is not.
    ///
    /// - Returns: ``MountOutcome/refused(_:)`` for each failure that only concerns mounting. A failure of the whole
    ///   registry or of the network is thrown.
    ///
    /// Source: OCI distribution-spec 1.1, "Mounting a blob from another repository".
    public func mount(
        _ digest: Digest, from source: String, into repository: String
    ) async throws -> MountOutcome {
        let attempt = attempt(
            .mount, "mount blob \(digest.shortened) from \(source) into \(repository)", repository, digest)
        let url = try url("/v2/\(repository)/blobs/uploads/", for: attempt)
            .appendingQuery([("mount", digest.description), ("from", source)])
        let scopes: [AccessScope] = source == repository ? [.push(repository)] : [.push(repository), .pull(source)]
        do {
            let response = try await courier.ask(
                Courier.Call(method: .post, url: url, scopes: scopes, attempt: attempt))
            let answer = ServerAnswer(response)
            switch response.status {
            case 201:
                guard let found = Digest.contradicting(digest, in: response) else { return .mounted }
                return .refused(RegistryError(.digestMismatch(found: found), attempt, answer: answer))
            case 202:
                if let session = try UploadSession(opening: response, courier.endpoint, attempt) {
                    return .session(session)
                }
                return .refused(attempt.misfit(answer, "it opens an upload and does not say where"))
            case 200..<300: return .refused(attempt.misfit(answer, "HTTP status \(response.status) to a mount"))
            default: throw attempt.error(answer)
            }
        } catch let error as RegistryError {
            switch error.disposition {
            case .retryRegistry: throw error
            case .retry where error.status == nil: throw error
            case .retry, .waitForPerson, .waitForFile, .fail: return .refused(error)
            }
        }
    }

    /// Opens an upload.
    ///
    /// - Throws: ``RegistryError``; with ``RegistryError/Cause/repositoryMissing`` where repositories are not made by
    ///   pushing.
    public func startUpload(_ repository: String) async throws -> UploadSession {
        let attempt = attempt(.startUpload, "open an upload in \(repository)", repository)
        switch UploadMachine.Event.start(try await openUpload(repository, attempt), courier.endpoint, attempt) {
        case .started(let session): return session
        case let event: throw event.error ?? attempt.error(.protocolViolation(reason: "no upload was opened"))
        }
    }

    func openUpload(_ repository: String, _ attempt: Attempt) async throws -> HTTPResponse {
        let url = try url("/v2/\(repository)/blobs/uploads/", for: attempt)
        return try await courier.ask(
            Courier.Call(method: .post, url: url, scopes: [.push(repository)], attempt: attempt))
    }

    /// Asks how far an upload got.
    ///
    /// Some registries end an upload when they are asked after a broken body.
    ///
    /// - Parameter size: the blob's; an upload that claims to hold more is none of ours.
    /// - Returns: the session as it is now; nil if it is gone.
    public func uploadStatus(
        _ repository: String, _ session: UploadSession, size: Int64
    ) async throws -> UploadSession? {
        let attempt = attempt(.upload, "ask for the state of an upload in \(repository)", repository)
        let call = Courier.Call(method: .get, url: session.location, scopes: [.push(repository)], attempt: attempt)
        switch UploadMachine.Event.status(try await courier.ask(call), courier.endpoint, attempt) {
        case .held(let range, let location):
            let held = range.least ?? 0
            guard held <= size else { return nil }
            return UploadSession(
                location: location ?? session.location, offset: held, chunkMinimum: session.chunkMinimum)
        case .sessionGone: return nil
        case let event: throw event.error ?? attempt.error(.protocolViolation(reason: "no state of an upload"))
        }
    }

    /// Uploads a blob, with all requests that one attempt may make.
    ///
    /// A session that was kept is resumed at the registry's offset. A connection that breaks ends the attempt with
    /// an error whose disposition is ``RegistryError/Disposition/retry``; the session was reported before and is good
    /// for the next attempt. So is it after a cancellation.
    ///
    /// - Throws: ``RegistryError``; `CancellationError` also where ``BlobUpload/isStopping`` said so; what
    ///   ``BlobUpload/localBlobIsIntact`` throws.
    public func upload(_ job: BlobUpload) async throws -> BlobUploadResult {
        var run = UploadRun(job, client: self)
        return try await run.run()
    }

    /// Cancels an upload session at the registry. A failure does no harm: registries purge old sessions.
    public func cancelUpload(_ repository: String, _ session: UploadSession) async {
        let attempt = attempt(.upload, "cancel an upload in \(repository)", repository)
        _ = try? await courier.ask(
            Courier.Call(method: .delete, url: session.location, scopes: [.push(repository)], attempt: attempt))
    }
}
