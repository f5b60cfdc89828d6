public import OCI
internal import Synchronization

/// What the registry holds, and ways to change it behind the clients' backs.
extension TestRegistry {
    /// A blob's bytes, wherever it is linked; nil if it is not stored or content is not kept.
    public func content(of digest: Digest) -> [UInt8]? {
        core.state.withLock { $0.blobs[digest] }.flatMap { try? $0.bytes() }
    }

    /// A stored blob's size in bytes.
    public func size(of digest: Digest) -> Int64? { core.state.withLock { $0.blobs[digest]?.size } }

    /// Whether the blob belongs to the repository.
    public func hasBlob(_ digest: Digest, in repository: String) -> Bool {
        core.state.withLock { $0.repositories[repository]?.blobs.contains(digest) ?? false }
    }

    public func blobs(in repository: String) -> Set<Digest> {
        core.state.withLock { $0.repositories[repository]?.blobs ?? [] }
    }

    /// The bytes under a tag or digest.
    public func manifest(_ repository: String, _ reference: String) -> [UInt8]? {
        core.state.withLock { state in
            let known = state.repositories[repository]
            let digest = (try? Digest(parsing: reference)) ?? known?.tags[reference]
            return digest.flatMap { known?.manifests[$0]?.bytes }
        }
    }

    /// Tags and what they point to.
    public func tags(_ repository: String) -> [String: Digest] {
        core.state.withLock { $0.repositories[repository]?.tags ?? [:] }
    }

    public var repositories: [String] { core.state.withLock { $0.repositories.keys.sorted() } }

    /// Uploads that were opened and neither closed nor lost.
    public func openUploads(in repository: String) -> Int {
        core.state.withLock { $0.sessions.values.count { $0.repository == repository } }
    }

    /// Makes an empty repository, for ``RegistryProfile/wantsRepositoryFirst``.
    public func createRepository(_ repository: String) {
        core.state.withLock { state in
            if state.repositories[repository] == nil { state.repositories[repository] = .init() }
        }
    }

    /// Stores a blob without a request.
    @discardableResult
    public func addBlob(_ bytes: [UInt8], to repository: String) throws -> Digest {
        let data = core.newData()
        try bytes.withUnsafeBytes { try data.append($0) }
        let digest = Digest(of: bytes)
        core.state.withLock { state in
            state.blobs[digest] = data
            state.repositories[repository, default: .init()].blobs.insert(digest)
        }
        return digest
    }

    /// Stores a manifest without a request and without a look at what it names.
    @discardableResult
    public func addManifest(
        _ bytes: [UInt8], mediaType: MediaType, to repository: String, tag: String? = nil
    ) -> Digest {
        let digest = Digest(of: bytes)
        core.state.withLock { state in
            let stored = RegistryState.StoredManifest(bytes: bytes, mediaType: mediaType.rawValue)
            state.repositories[repository, default: .init()].manifests[digest] = stored
            if let tag { state.repositories[repository]?.tags[tag] = digest }
        }
        return digest
    }

    /// Loses a blob, as garbage collection does. That a manifest names it afterwards is no violation.
    public func removeBlob(_ digest: Digest, from repository: String) {
        core.state.withLock { state in
            state.repositories[repository]?.blobs.remove(digest)
            state.lost.insert(digest)
            if !state.repositories.values.contains(where: { $0.blobs.contains(digest) }) { state.blobs[digest] = nil }
        }
    }

    /// Changes a bit in the middle of a stored blob, in every repository, as a bad disk does.
    public func corruptBlob(_ digest: Digest) throws {
        guard var bytes = content(of: digest), !bytes.isEmpty else { throw TestSupportError("no bytes of \(digest)") }
        bytes[bytes.count / 2] ^= 1
        let data = core.newData()
        try bytes.withUnsafeBytes { try data.append($0) }
        core.state.withLock { $0.blobs[digest] = data }
    }

    /// Loses a manifest, and the tags that point to it.
    public func removeManifest(_ digest: Digest, from repository: String) {
        core.state.withLock { state in
            guard var known = state.repositories[repository] else { return }
            known.manifests[digest] = nil
            known.tags = known.tags.filter { $0.value != digest }
            state.repositories[repository] = known
        }
    }

    /// Forgets all open uploads.
    public func expireUploads() { core.state.withLock { $0.sessions = [:] } }

    /// Makes every token that was given out invalid.
    public func expireTokens() { core.state.withLock { $0.tokens = [:] } }

    /// Answers mounts in another way than the profile says from now on, as after an update.
    public func setMount(_ mount: RegistryProfile.Mount) { core.state.withLock { $0.mount = mount } }

    /// Changes who may do what from now on; tokens already given out stay.
    public func setAuthentication(_ authentication: TestAuthentication) {
        core.state.withLock { $0.authentication = authentication }
    }
}
