internal import OCI
internal import Synchronization

/// POST: opening an upload, mounting a blob, or storing one at once.
///
/// Source: OCI distribution-spec 1.1, "Pushing blobs" and "Mounting a blob from another repository".
extension RegistryCore {
    func startUpload(_ call: RegistryCall, _ repository: String) throws -> Answer {
        if profile.wantsRepositoryFirst, state.withLock({ $0.repositories[repository] == nil }) {
            return .refusal(404, "NAME_UNKNOWN", "the repository \(repository) does not exist")
        }
        if let text = call.head.query("mount") {
            guard let digest = try? Digest(parsing: text) else {
                violate(.missingDigest, call, "mount is no digest")
                return .refusal(400, "DIGEST_INVALID")
            }
            if call.exchange.unread > 0 {
                violate(.framing, call, "a mount with a body")
                return .refusal(400, "SIZE_INVALID")
            }
            if let answer = mount(call, digest, into: repository) { return answer }
        } else if let text = call.head.query("digest") {
            guard let digest = try? Digest(parsing: text) else {
                violate(.missingDigest, call, "digest is no digest")
                return .refusal(400, "DIGEST_INVALID")
            }
            if profile.takesSinglePost { return try takeSinglePost(call, digest, repository) }
            try call.readBody()  // and forgotten, as distribution does
        } else if call.exchange.unread > 0 {
            violate(.framing, call, "a body without digest")
            return .refusal(400, "SIZE_INVALID")
        }
        return open(call, repository)
    }

    private func open(_ call: RegistryCall, _ repository: String) -> Answer {
        let data = newData()
        let id = state.withLock { state in
            let id = "5e551011-0000-4000-8000-\(String(state.nextSession + 0x1000_0000_0000, radix: 16))"
            state.nextSession += 1
            state.sessions[id] = RegistryState.Session(repository: repository, data: data)
            return id
        }
        var headers = sessionHeaders(call, id)
        headers.append(("Docker-Upload-UUID", id))
        if let minimum = profile.minimumChunk, profile.announcesMinimumChunk {
            headers.append(("OCI-Chunk-Min-Length", String(minimum)))
        }
        return Answer(202, headers: headers)
    }

    func newData() -> BlobData { BlobData(hashes: verifiesDigests, keeps: keepsContent) }

    /// - Returns: nil where an ordinary session is to be opened instead.
    private func mount(_ call: RegistryCall, _ digest: Digest, into repository: String) -> Answer? {
        switch state.withLock({ $0.mount }) ?? profile.mount {
        case .ignored: return nil
        case .answers(let status): return .refusal(status, "UNSUPPORTED", "no mounts here")
        case .works: break
        }
        guard let source = call.head.query("from") else { return nil }
        let isThere = state.withLock { state in
            guard state.repositories[source]?.blobs.contains(digest) == true,
                !state.isHidden(source, digest.description)
            else { return false }
            state.repositories[repository, default: .init()].blobs.insert(digest)
            return true
        }
        return isThere ? committed(call, repository, digest) : nil
    }

    private func takeSinglePost(_ call: RegistryCall, _ digest: Digest, _ repository: String) throws -> Answer {
        guard checkOctetStream(call) else { return .refusal(400, "UNSUPPORTED", "Content-Type") }
        let data = newData()
        try call.readBody { try data.append($0) }
        if call.corrupted { data.markTampered() }
        state.withLock { $0.receivedBytes[digest, default: 0] += call.exchange.bodyBytes }
        return try commit(call, data, digest, repository)
    }
}
