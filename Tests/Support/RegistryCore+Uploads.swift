internal import OCI
internal import Synchronization

/// Uploads that are open: status, chunks, closing, giving up.
///
/// Source: OCI distribution-spec 1.1, "Pushing a blob in chunks".
extension RegistryCore {
    func upload(_ call: RegistryCall, _ repository: String, _ id: String) throws -> Answer? {
        guard ["GET", "PATCH", "PUT", "DELETE"].contains(call.head.method) else { return nil }
        if call.expiresSession { state.withLock { $0.sessions[id] = nil } }
        state.withLock { state in
            state.sessions[id]?.requests += 1
            if state.sessions[id]?.requests ?? 0 > profile.requestsPerUpload { state.sessions[id] = nil }
        }
        let isTaken = try occupy(call, id)
        defer { if isTaken { state.withLock { $0.sessions[id]?.isBusy = false } } }
        if !isTaken, state.withLock({ $0.sessions[id] != nil }) {
            violate(.concurrentBodies, call, "the upload is being written by another request")
            return .refusal(409, "BLOB_UPLOAD_INVALID", "the upload is in use")
        }
        if let refusal = checkLocation(call, id) { return refusal }
        guard state.withLock({ $0.sessions[id]?.repository == repository }) else {
            return .refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        }
        switch call.head.method {
        case "GET": return status(call, id)
        case "PATCH": return try patch(call, id)
        case "PUT": return try put(call, repository, id)
        default:
            guard profile.cancelsUploads else { return .refusal(405, "UNSUPPORTED") }
            state.withLock { $0.sessions[id] = nil }
            return Answer(204)
        }
    }

    /// Takes the session for this request. One whose client has gone may still be at its last bytes: that is waited for.
    private func occupy(_ call: RegistryCall, _ id: String) throws -> Bool {
        for _ in 0..<200 {
            let isFree = state.withLock { state -> Bool? in
                guard let session = state.sessions[id] else { return nil }
                if !session.isBusy { state.sessions[id]?.isBusy = true }
                return !session.isBusy
            }
            guard isFree == false else { return isFree ?? false }
            try call.exchange.delay(.milliseconds(10))
        }
        return false
    }

    private func status(_ call: RegistryCall, _ id: String) -> Answer {
        guard profile.answersStatus else { return .refusal(404, "BLOB_UPLOAD_UNKNOWN") }
        return Answer(204, headers: sessionHeaders(call, id) + [("Docker-Upload-UUID", id)])
    }

    private func patch(_ call: RegistryCall, _ id: String) throws -> Answer {
        guard checkOctetStream(call) else { return .refusal(400, "UNSUPPORTED", "Content-Type") }
        guard let session = state.withLock({ $0.sessions[id] }) else { return .refusal(404, "BLOB_UPLOAD_UNKNOWN") }
        let length = call.head.contentLength ?? 0
        let start = session.data.size
        if let refusal = checkRange(call, session) { return refusal }
        if session.patches >= profile.maximumPatches {
            return .refusal(400, "BLOB_UPLOAD_INVALID", "only one write to an upload is supported")
        }
        if session.patches > 0, profile.wantsContentRangeLater, call.head.header("Content-Range") == nil {
            return .refusal(400, "BLOB_UPLOAD_INVALID", "Stream uploads after first write are not allowed")
        }
        if let limit = profile.maximumPatch, length > limit {
            return .refusal(413, "SIZE_INVALID", "a chunk has at most \(limit) bytes")
        }
        if let minimum = profile.minimumChunk, let last = session.lastChunk, last.upperBound - last.lowerBound < minimum
        {
            return .refusal(416, "BLOB_UPLOAD_INVALID", "the part before this one had less than \(minimum) bytes")
        }
        try takeBody(call, id, session.data)
        state.withLock { state in
            state.sessions[id]?.patches += 1
            state.sessions[id]?.lastChunk = start..<start + length
            if session.firstChunkEnd == nil { state.sessions[id]?.firstChunkEnd = start + length }
        }
        return Answer(profile.patchStatus, headers: sessionHeaders(call, id) + [("Docker-Upload-UUID", id)])
    }

    /// - Returns: the refusal of a `Content-Range` that is malformed, denied by the length, or does not go on.
    private func checkRange(_ call: RegistryCall, _ session: RegistryState.Session) -> Answer? {
        guard let text = call.head.header("Content-Range") else { return nil }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        let isNumeric = ends.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard ends.count == 2, isNumeric, let first = Int64(ends[0]), let last = Int64(ends[1]) else {
            violate(.contentRange, call, "Content-Range: \(text)")
            return .refusal(416, "RANGE_INVALID", "malformed Content-Range")
        }
        guard last - first + 1 == call.head.contentLength else {
            violate(.contentRange, call, "Content-Range: \(text) over \(call.head.contentLength ?? 0) bytes")
            return .refusal(400, "SIZE_INVALID", "Content-Range and Content-Length disagree")
        }
        let size = session.data.size
        if let told = session.told, first < told { violate(.overlap, call, "\(first) was stored, up to \(told)") }
        guard profile.checksContentRange, first != size else { return nil }
        let message =
            profile.namesWantedByte
            ? "The upload's part is invalid: the requested first byte is \(first) instead of \(size)"
            : "invalid content range"
        return .refusal(416, profile.namesWantedByte ? "BLOB_UPLOAD_INVALID" : "RANGE_INVALID", message)
    }

    private func put(_ call: RegistryCall, _ repository: String, _ id: String) throws -> Answer {
        guard let text = call.head.query("digest"), let digest = try? Digest(parsing: text) else {
            violate(.missingDigest, call, "no digest")
            return .refusal(400, "DIGEST_INVALID", "digest missing")
        }
        guard let session = state.withLock({ $0.sessions[id] }) else { return .refusal(404, "BLOB_UPLOAD_UNKNOWN") }
        if call.head.contentLength ?? 0 > 0 {
            guard checkOctetStream(call) else { return .refusal(400, "UNSUPPORTED", "Content-Type") }
            guard profile.takesWholePut || session.patches > 0 else {
                return .refusal(400, "BLOB_UPLOAD_INVALID", "the blob is wanted in a PATCH")
            }
            if let refusal = checkRange(call, session) { return refusal }
        }
        do {
            try takeBody(call, id, session.data)
        } catch {
            state.withLock { state in
                let bytes = call.exchange.bodyBytes
                state.receivedBytes[digest, default: 0] += bytes
                state.sessions[id]?.receivedBytes -= bytes
            }
            throw error
        }
        state.withLock { state in
            state.receivedBytes[digest, default: 0] += state.sessions[id]?.receivedBytes ?? 0
            state.sessions[id]?.receivedBytes = 0
        }
        let answer = try commit(call, session.data, digest, repository)
        // distribution 2 means to remove a refused upload too, but leaves it lying, with the refused bytes in it.
        if answer.status == profile.storedStatus || !profile.keepsRefusedUploads {
            state.withLock { $0.sessions[id] = nil }
        }
        return answer
    }

    /// Appends the body to the session, and leaves of a broken one what the profile says.
    private func takeBody(_ call: RegistryCall, _ id: String, _ data: BlobData) throws {
        let start = data.size
        let hasBody = call.head.contentLength ?? 0 > 0
        if hasBody {
            state.withLock { state in
                state.bodiesInFlight += 1
                state.peakBodies = max(state.peakBodies, state.bodiesInFlight)
            }
        }
        defer {
            state.withLock { state in
                if hasBody { state.bodiesInFlight -= 1 }
                state.sessions[id]?.receivedBytes += call.exchange.bodyBytes
            }
            if call.corrupted { data.markTampered() }
        }
        do {
            try call.readBody { try data.append($0) }
        } catch {
            let kept: BlobData? =
                switch profile.brokenBody {
                case .kept: data
                case .dropped: try data.prefix(start)
                case .losesSession: nil
                }
            state.withLock { state in
                state.sessions[id]?.told = nil
                if let kept { state.sessions[id]?.data = kept } else { state.sessions[id] = nil }
            }
            throw error
        }
    }

    func commit(
        _ call: RegistryCall, _ data: BlobData, _ digest: Digest, _ repository: String
    ) throws -> Answer {
        if let actual = try data.digest(digest.algorithm), actual != digest {
            if !data.isTampered { violate(.wrongDigest, call, "the bytes have the digest \(actual)") }
            return .refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        }
        state.withLock { state in
            if state.blobs[digest] == nil { state.blobs[digest] = data }
            state.repositories[repository, default: .init()].blobs.insert(digest)
            state.lost.remove(digest)
            state.hide(repository, digest.description, looks: call.hiddenLooks)
        }
        return committed(call, repository, digest)
    }

    func committed(_ call: RegistryCall, _ repository: String, _ digest: Digest) -> Answer {
        var headers = [("Location", "http://\(call.host)/v2/\(repository)/blobs/\(digest)")]
        if profile.sendsDigestHeader { headers.append(("Docker-Content-Digest", digest.description)) }
        return Answer(call.kind == .mount ? 201 : profile.storedStatus, headers: headers)
    }

    func checkOctetStream(_ call: RegistryCall) -> Bool {
        let type = call.head.header("Content-Type")
        if type == "application/octet-stream" { return true }
        violate(.contentType, call, "Content-Type: \(type ?? "none")")
        return false
    }
}
