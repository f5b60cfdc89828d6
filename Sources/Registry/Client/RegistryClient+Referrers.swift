public import OCI

/// The list of what refers to a manifest, where the registry keeps none.
extension RegistryClient {
    /// The list as it stands under the tag of `subject`, and the entity tag by which it can be replaced.
    ///
    /// - Returns: nil where there is none yet.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/referrersTagTaken(tag:)`` where the tag holds something
    ///   else, which must stay.
    public func referrers(
        of subject: Digest, in repository: String
    ) async throws -> (index: ReferrersIndex, entityTag: String?)? {
        let tag = ReferrersIndex.tag(of: subject)
        guard let found = try await manifest(repository, .tag(tag)) else { return nil }
        guard let index = ReferrersIndex(parsing: found.bytes, mediaType: found.mediaType) else {
            let text = "list what refers to \(subject.shortened) in \(repository)"
            throw attempt(.putTag, text, repository, subject).error(.referrersTagTaken(tag: tag))
        }
        return (index, found.entityTag)
    }

    /// Puts the list under the tag of `subject`.
    ///
    /// - Parameter entityTag: as in ``putManifest(_:_:bytes:mediaType:digest:replacing:)``.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/manifestTooLarge`` for a list that is longer than
    ///   registries take.
    public func putReferrers(
        _ index: ReferrersIndex, of subject: Digest, into repository: String, replacing entityTag: String?
    ) async throws {
        let bytes = try index.bytes()
        let tag = ReferrersIndex.tag(of: subject)
        guard bytes.count <= ManifestDocument.maximumSize else {
            let text = "put the list of what refers to \(subject.shortened) under \(repository):\(tag)"
            throw attempt(.putTag, text, repository, subject).error(.manifestTooLarge)
        }
        try await putManifest(
            repository, .tag(tag), bytes: bytes, mediaType: .ociIndex, digest: Digest(of: bytes), replacing: entityTag)
    }
}
