internal import ImageStore
public import OCI
public import PushQueue
public import Registry

/// What registries have.
extension ImagePublisher {
    /// Checks an image in a registry, against a local one if `local` names it.
    ///
    /// - Returns: nil where the registry has nothing there.
    public func verify(
        _ reference: ImageReference, against local: String?, level: VerifyLevel
    ) async throws -> VerificationReport? {
        let reference = reference.withDefaultTag(settings.defaultTag)
        var expected: [Digest] = []
        if let local { expected = try await digests(of: ImageName.read(local)) }
        let registry = try await registries.registry(reference.domain)
        let verifier = Verifier(
            client: registry.client, repository: reference.path, grace: .zero,
            sleep: { try await Task.sleep(for: $0) })
        return try await verifier.verify(reference, expectedAny: expected, level: level)
    }

    /// The local image's digest, and those that it has in other formats: pushed in one of them it is the same image.
    private func digests(of name: ImageName) async throws -> [Digest] {
        let (image, layout) = try await stores.find(name, defaultTag: settings.defaultTag)
        let contents = try? await ImageContents.read(root: image.root, from: layout)
        let others = ImageFormat.allCases.compactMap { format in
            try? contents?.converted(to: format, subject: image.storeID).contents.root.digest
        }
        return [image.root.digest] + others.filter { $0 != image.root.digest }
    }

    /// The tags of a repository.
    public func tags(of repository: ImageReference, limit: Int?) async throws -> NamePages {
        try await registries.registry(repository.domain).client.tags(of: repository.path, limit: limit)
    }

    public func repositories(of registry: String, limit: Int?) async throws -> NamePages {
        try await registries.registry(registry).client.repositories(limit: limit)
    }

    /// Reads what a registry has under a reference.
    ///
    /// - Parameter withPlatforms: reads the configuration of a single image, too: only it names the platform.
    /// - Returns: nil where the registry has nothing there.
    public func inspect(_ reference: ImageReference, withPlatforms: Bool) async throws -> RemoteImage? {
        let reference = reference.withDefaultTag(settings.defaultTag)
        let registry = try await registries.registry(reference.domain)
        let name = reference.digest.map { ManifestReference.digest($0) } ?? .tag(reference.tag ?? settings.defaultTag)
        guard let manifest = try await registry.client.manifest(reference.path, name) else { return nil }
        return try await RemoteImage(
            manifest, in: reference.path, configurationFrom: withPlatforms ? registry.client : nil)
    }
}
