internal import HTTP
public import OCI

/// Manifests and tags.
extension RegistryClient {
    /// Asks what a tag or digest stands for, without its bytes where the registry allows that.
    ///
    /// - Returns: nil if a registry says that there is no such manifest.
    /// - Throws: ``RegistryError``: whether it is there is unknown then.
    public func manifestHead(_ repository: String, _ reference: ManifestReference) async throws -> Descriptor? {
        let attempt = readAttempt(repository, reference)
        let response = try await read(
            repository, try manifestCall(.head, repository, reference, attempt), courier.ask)
        let answer = ServerAnswer(response)
        switch response.status {
        case 200:
            if let descriptor = Self.descriptor(in: response, of: reference) { return descriptor }
            return try await manifest(repository, reference)?.descriptor
        case 404 where answer.isFromRegistry: return nil
        // Not understood, or perhaps not from a registry: the answer to a GET has a body that shows it.
        case 400, 404, 405, 501: return try await manifest(repository, reference)?.descriptor
        default: throw attempt.error(answer)
        }
    }

    /// Reads a manifest, computes its digest and compares it with the one asked for and the one named in the answer.
    ///
    /// - Returns: nil if a registry says that there is no such manifest.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/digestMismatch(found:)`` for other bytes than were asked
    ///   for.
    public func manifest(_ repository: String, _ reference: ManifestReference) async throws -> RemoteManifest? {
        let attempt = readAttempt(repository, reference)
        var call = try manifestCall(.get, repository, reference, attempt)
        call.responseBytes = settings.limits.responseBytes
        let response = try await read(repository, call, courier.ask)
        guard response.status == 200 else {
            let answer = ServerAnswer(response)
            if response.status == 400, answer.refusesAlgorithm(of: reference.digest) { return nil }
            guard response.status == 404 else { throw attempt.error(answer) }
            if isAbsence(response, answer) { return nil }
            throw attempt.misfit(answer, "a 404 that does not come from a registry")
        }
        let digest = Digest(of: response.body, algorithm: reference.digest?.algorithm ?? .sha256)
        if let wanted = reference.digest, wanted != digest {
            throw RegistryError(.digestMismatch(found: digest), attempt, answer: ServerAnswer(response))
        }
        if ServerAnswer.isPage(response) { throw attempt.misfit(ServerAnswer(response), "a web page") }
        if Digest.contradicting(digest, of: response.body, in: response) != nil {
            throw RegistryError(.digestMismatch(found: digest), attempt, answer: ServerAnswer(response))
        }
        // A weak one can't be a condition: RFC 9110, 13.1.1.
        let entityTag = response.headers["ETag"].flatMap { $0.hasPrefix("\"") && $0.utf8.count <= 200 ? $0 : nil }
        return RemoteManifest(
            bytes: response.body, mediaType: Self.mediaType(of: response), digest: digest, entityTag: entityTag)
    }

    /// Puts a manifest, byte for byte, under a tag or its digest.
    ///
    /// Where that is refused, what is there already is looked at: with the same digest it is a success.
    ///
    /// - Parameters:
    ///   - mediaType: as the manifest itself says.
    ///   - digest: of `bytes`.
    ///   - replacing: the entity tag of what alone is to be replaced; a registry that knows conditions answers 412 where
    ///     something else is there. Many know none.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/referencesMissing`` where the registry lacks what the
    ///   manifest names, ``RegistryError/Cause/tagConflict(existing:)`` where the tag can't be moved.
    @discardableResult
    public func putManifest(
        _ repository: String, _ reference: ManifestReference, bytes: [UInt8], mediaType: MediaType, digest: Digest,
        replacing entityTag: String? = nil
    ) async throws -> ManifestPut {
        let (operation, text): (Attempt.Operation, String) =
            switch reference {
            case .tag(let tag): (.putTag, "put manifest \(digest.shortened) under \(repository):\(tag)")
            case .digest(let digest): (.putManifest, "put manifest \(digest.shortened) into \(repository)")
            }
        var attempt = attempt(operation, text, repository, digest)
        attempt.mediaType = mediaType
        var call = try manifestCall(.put, repository, reference, attempt)
        call.headers = ["Content-Type": mediaType.rawValue]
        if let entityTag { call.headers["If-Match"] = entityTag }
        call.body = .bytes(bytes)
        call.scopes = [.push(repository)]
        var outcome = try await put(call, bytes, digest, under: reference.digest)
        // Some refuse what is right at random: once more.
        if case .refused(let refusal) = outcome, refusal.cause == .manifestRefused, let status = refusal.status,
            [400, 500].contains(status)
        {
            outcome = try await put(call, bytes, digest, under: reference.digest)
        }
        switch outcome {
        case .taken(let subject): return .stored(subject: subject)
        case .refused(let refusal):
            guard try await holds(repository, reference, bytes, after: refusal) else { throw refusal }
            return .wasThere
        }
    }

    private enum PutOutcome {
        /// With what `OCI-Subject` says.
        case taken(subject: Digest?)
        case refused(RegistryError)
    }

    /// - Parameter name: nil where the manifest is put under a tag.
    private func put(
        _ call: Courier.Call, _ bytes: [UInt8], _ digest: Digest, under name: Digest?
    ) async throws -> PutOutcome {
        do {
            let response = try await courier.ask(call)
            let answer = ServerAnswer(response)
            guard (200..<300).contains(response.status) else {
                let error = call.attempt.error(answer)
                guard let name, answer.refusesAlgorithm(of: name) else { return .refused(error) }
                return .refused(error.with(.digestAlgorithmRefused(name.algorithm)))
            }
            guard response.status == 201 || (response.status < 205 && response.headers["Docker-Content-Digest"] != nil)
            else { throw call.attempt.misfit(answer, "HTTP status \(response.status) to a manifest") }
            if let found = Digest.contradicting(digest, of: bytes, in: response) {
                throw RegistryError(.digestMismatch(found: found), call.attempt, answer: answer)
            }
            return .taken(subject: response.headers["OCI-Subject"].flatMap { try? Digest(parsing: $0) })
        } catch let error as RegistryError where error.cause == .denied {
            return .refused(error)
        }
    }

    /// Whether a manifest that was refused is there all the same.
    ///
    /// - Throws: the conflict, where the tag is refused because it holds another manifest.
    private func holds(
        _ repository: String, _ reference: ManifestReference, _ bytes: [UInt8], after refusal: RegistryError
    ) async throws -> Bool {
        let isConflict = refusal.cause == .tagConflict(existing: nil)
        let mayHold: [RegistryError.Cause] = [
            .denied, .tagRefused, .manifestRefused, .mediaTypeUnsupported, .pushUnsupported, .requestRefused,
        ]
        guard isConflict || mayHold.contains(refusal.cause) else { return false }
        let found: Descriptor?
        do { found = try await manifestHead(repository, reference) } catch let error as RegistryError {
            // Why it was refused says more, unless the look may succeed later.
            switch error.disposition {
            case .retry, .retryRegistry: throw error
            case .waitForPerson, .waitForFile, .fail: return false
            }
        }
        if let found, found.digest.isOf(bytes) { return true }
        if isConflict { throw refusal.with(.tagConflict(existing: found?.digest)) }
        return false
    }

    // MARK: - Parts

    private func readAttempt(_ repository: String, _ reference: ManifestReference) -> Attempt {
        let text =
            switch reference {
            case .tag(let tag): "read the manifest of \(repository):\(tag)"
            case .digest(let digest): "read manifest \(digest.shortened) of \(repository)"
            }
        return attempt(.readManifest, text, repository, reference.digest)
    }

    private func manifestCall(
        _ method: HTTPMethod, _ repository: String, _ reference: ManifestReference, _ attempt: Attempt
    ) throws(RegistryError) -> Courier.Call {
        let url = try url("/v2/\(repository)/manifests/\(reference)", for: attempt)
        var call = Courier.Call(method: method, url: url, scopes: [.pull(repository)], attempt: attempt)
        call.headers = ["Accept": MediaType.manifests.map(\.rawValue).joined(separator: ", ")]
        return call
    }

    /// What the headers tell, if they tell all: digest, type and size. The digest must be the one asked for.
    private static func descriptor(in response: HTTPResponse, of reference: ManifestReference) -> Descriptor? {
        let mediaType = mediaType(of: response)
        guard mediaType.isIndex || mediaType.isImageManifest,
            let size = response.lengthOfContent, size > 0,
            let digest = response.headers["Docker-Content-Digest"].flatMap({ try? Digest(parsing: $0) }),
            reference.digest == nil || reference.digest == digest
        else { return nil }
        return Descriptor(mediaType: mediaType, digest: digest, size: size)
    }

    /// `Content-Type` without parameters.
    private static func mediaType(of response: HTTPResponse) -> MediaType {
        let text = response.headers["Content-Type"] ?? ""
        return MediaType(String(text.prefix { $0 != ";" && $0 != " " }.prefix(255)))
    }
}
