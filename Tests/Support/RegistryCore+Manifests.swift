internal import FoundationEssentials
internal import OCI
internal import Synchronization

/// Manifests and tags.
///
/// Source: OCI distribution-spec 1.1, "Pushing Manifests" and "Pulling manifests"; distribution's answers.
extension RegistryCore {
    func manifest(_ call: RegistryCall, _ repository: String, _ reference: String) throws -> Answer? {
        switch call.head.method {
        case "HEAD" where !profile.answersHead: .refusal(405, "UNSUPPORTED")
        case "GET", "HEAD": readManifest(call, repository, reference)
        case "PUT": try putManifest(call, repository, reference)
        default: nil
        }
    }

    private func readManifest(_ call: RegistryCall, _ repository: String, _ reference: String) -> Answer {
        let accepted = call.head.headers.filter { $0.name.lowercased() == "accept" }.flatMap { header in
            header.value.split(separator: ",").map { part in
                String(part.prefix { $0 != ";" }).replacing(" ", with: "")
            }
        }
        if accepted.isEmpty { violate(.accept, call, "no Accept") }
        let found = state.withLock { state -> (Digest, RegistryState.StoredManifest)? in
            guard let known = state.repositories[repository] else { return nil }
            let named = (try? Digest(parsing: reference)) ?? known.tags[reference]
            guard let digest = named, let manifest = known.manifests[digest], state.look(repository, reference) else {
                return nil
            }
            return (digest, manifest)
        }
        guard let (digest, manifest) = found else {
            return .refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        }
        guard accepted.contains(manifest.mediaType) || accepted.contains("*/*") else {
            return .refusal(404, "MANIFEST_UNKNOWN", "\(manifest.mediaType) is not accepted")
        }
        var headers = [("Content-Type", manifest.mediaType), ("ETag", "\"\(digest)\"")]
        if profile.sendsDigestHeader { headers.append(("Docker-Content-Digest", digest.description)) }
        return Answer(200, headers: headers, body: .bytes(manifest.bytes))
    }

    private func putManifest(_ call: RegistryCall, _ repository: String, _ reference: String) throws -> Answer {
        guard call.exchange.unread <= ManifestDocument.maximumSize else {
            return .refusal(400, "MANIFEST_INVALID", "manifest too large")
        }
        if profile.wantsRepositoryFirst, state.withLock({ $0.repositories[repository] == nil }) {
            return .refusal(404, "NAME_UNKNOWN", "the repository \(repository) does not exist")
        }
        let bytes = try call.collectBody()
        guard let type = call.head.header("Content-Type"), !type.contains(";"), !type.contains(" ") else {
            violate(.contentType, call, "Content-Type: \(call.head.header("Content-Type") ?? "none")")
            return .refusal(400, "MANIFEST_INVALID", "Content-Type")
        }
        let named = try? Digest(parsing: reference)
        let digest = Digest(of: bytes, algorithm: named?.algorithm ?? .sha256)
        if let named, named != digest {
            if !call.corrupted { violate(.wrongDigest, call, "the bytes have the digest \(digest)") }
            return .refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        }
        if let refusal = profile.ociRefusal, MediaType(type).format == .oci { return refusal }
        if let refusal = check(call, bytes, type, repository) { return refusal }
        let refusal = state.withLock { state -> Answer? in
            var known = state.repositories[repository, default: .init()]
            if named == nil, known.tags[reference] != nil, let refusal = profile.immutableTags { return refusal }
            known.manifests[digest] = RegistryState.StoredManifest(bytes: bytes, mediaType: type)
            if named == nil { known.tags[reference] = digest }
            state.repositories[repository] = known
            state.hide(repository, reference, looks: max(call.hiddenLooks, profile.looksInVain))
            return nil
        }
        if let refusal { return refusal }
        var headers: [(String, String)] = []
        if profile.namesManifestLocation {
            headers.append(("Location", "http://\(call.host)/v2/\(repository)/manifests/\(digest)"))
        }
        if profile.sendsDigestHeader { headers.append(("Docker-Content-Digest", digest.description)) }
        if profile.keepsReferrers, let subject = try? JSONDecoder().decode(Document.self, from: Data(bytes)).subject {
            headers.append(("OCI-Subject", subject.digest))
        }
        return Answer(profile.storedStatus, headers: headers)
    }

    /// Read here by its own few lines, so that a mistake in the product's reader shows.
    private struct Document: Decodable {
        struct Reference: Decodable {
            var mediaType: String
            var digest: String
            var size: Int64
            var urls: [String]?
        }
        var schemaVersion: Int
        var mediaType: String?
        var config: Reference?
        var layers: [Reference]?
        var manifests: [Reference]?
        var subject: Reference?
    }

    /// - Returns: the refusal of a manifest that is malformed or names what is not here.
    private func check(_ call: RegistryCall, _ bytes: [UInt8], _ type: String, _ repository: String) -> Answer? {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)), document.schemaVersion == 2,
            (document.config == nil) != (document.manifests == nil)
        else {
            if !call.corrupted { violate(.invalidManifest, call, "not a manifest of schema 2") }
            return .refusal(400, "MANIFEST_INVALID", "manifest invalid")
        }
        let isIndex = MediaType(type).isIndex
        guard document.mediaType ?? type == type, isIndex == (document.manifests != nil),
            isIndex || MediaType(type).isImageManifest
        else {
            violate(.contentType, call, "sent as \(type), says \(document.mediaType ?? "nothing")")
            return .refusal(400, "MANIFEST_INVALID", "Content-Type and mediaType disagree")
        }
        let (missing, wrong, wasLost) = state.withLock { state in
            let known = state.repositories[repository, default: .init()]
            var (missing, wrong, wasLost) = ([String](), [String](), true)
            func note(_ reference: Document.Reference, _ size: Int64?) {
                if let size, size != reference.size { wrong.append(reference.digest) }
                guard size == nil else { return }
                missing.append(reference.digest)
                wasLost = wasLost && (try? Digest(parsing: reference.digest)).map(state.lost.contains) == true
            }
            let blobs = ([document.config].compactMap { $0 } + (document.layers ?? []))
            for reference in blobs
            where !MediaType(reference.mediaType).isNonDistributable || reference.urls?.isEmpty != false {
                let digest = try? Digest(parsing: reference.digest)
                let isHere = digest.map { known.blobs.contains($0) && !state.isHidden(repository, $0.description) }
                note(reference, isHere == true ? digest.flatMap { state.blobs[$0]?.size } : nil)
            }
            for reference in document.manifests ?? [] {
                let child = (try? Digest(parsing: reference.digest)).flatMap { known.manifests[$0] }
                if child != nil || profile.checksIndexes { note(reference, child.map { Int64($0.bytes.count) }) }
            }
            return (missing, wrong, wasLost)
        }
        if !missing.isEmpty {
            if !wasLost { violate(.missingReference, call, "missing: \(missing.joined(separator: ", "))") }
            return .refusal(400, "MANIFEST_BLOB_UNKNOWN", "unknown: \(missing.joined(separator: ", "))")
        }
        if !wrong.isEmpty {
            violate(.missingReference, call, "other sizes: \(wrong.joined(separator: ", "))")
            return .refusal(400, "MANIFEST_INVALID", "size mismatch")
        }
        return nil
    }
}
