internal import ImageStore
public import OCI
public import PushQueue
public import Registry
internal import System

/// How a registry is asked for one call, and by whom.
public struct RemoteAccess: Sendable {
    /// Nil: an operator's.
    public var rights: CallerRights?
    /// In place of the daemon's own.
    public var login: PushLogin?

    public init(rights: CallerRights? = nil, login: PushLogin? = nil) {
        self.rights = rights
        self.login = login
    }
}

/// What registries have.
extension ImagePublisher {
    /// The registry with the login of the call, or with the daemon's where the caller may use that.
    ///
    /// - Throws: ``PushRefusal``, `RegistryError`.
    func access(to place: ImageReference, by access: RemoteAccess) async throws -> RegistryAccess {
        if let login = access.login {
            return try await registries.registry(place.domain, with: login.given(for: place, by: access.rights))
        }
        try access.rights?.check(.login, at: place)
        return try await registries.registry(place.domain)
    }

    /// Checks an image in a registry, against a local one if `local` names it.
    ///
    /// - Returns: nil where the registry has nothing there.
    /// - Throws: `RegistryError`, `ImageStoreError`; ``PushRefusal`` where the caller may not, or has no login.
    public func verify(
        _ reference: ImageReference, against local: String?, level: VerifyLevel, by access: RemoteAccess = .init()
    ) async throws -> VerificationReport? {
        let reference = reference.withDefaultTag(settings.defaultTag)
        let place = reference.normalised(settings.names)
        let client = try await self.access(to: place, by: access).client.reading
        var expected: [Digest] = []
        if let local { expected = try await digests(of: local, actsAs: access.rights?.actsAs) }
        let verifier = Verifier(
            client: client, repository: place.path, grace: .zero,
            sleep: { try await Task.sleep(for: $0) })
        return try await verifier.verify(reference, expectedAny: expected, level: level)
    }

    /// The local image's digest, and those that it has in other formats: pushed in one of them it is the same image.
    private func digests(of name: String, actsAs: UserIdentity?) async throws -> [Digest] {
        let stores = stores(actsAs: actsAs)
        let (image, layout) = try await stores.find(stores.name(name), defaultTag: settings.defaultTag)
        let contents = try? await ImageContents.read(root: image.root, from: layout)
        let others = ImageFormat.allCases.compactMap { format in
            try? contents?.converted(to: format, subject: image.storeID).contents.root.digest
        }
        return [image.root.digest] + others.filter { $0 != image.root.digest }
    }

    /// The tags of a repository.
    public func tags(
        of repository: ImageReference, limit: Int?, by access: RemoteAccess = .init()
    ) async throws -> NamePages {
        let place = repository.normalised(settings.names)
        return try await self.access(to: place, by: access).client.reading.tags(of: place.path, limit: limit)
    }

    /// The repositories of a registry; a member may use the daemon's login where all of them are allowed.
    public func repositories(
        of registry: String, limit: Int?, by access: RemoteAccess = .init()
    ) async throws -> NamePages {
        try await self.access(toAllOf: settings.names.name(of: registry), by: access).client.repositories(limit: limit)
    }

    func access(toAllOf registry: String, by access: RemoteAccess) async throws -> RegistryAccess {
        if let login = access.login {
            let place = try ImageReference(parsing: registry + "/x/y")
            return try await registries.registry(registry, with: login.given(for: place, by: access.rights))
        }
        try access.rights?.checkLogin(registry: registry)
        return try await registries.registry(registry)
    }

    /// Reads what a registry has under a reference.
    ///
    /// - Parameter withPlatforms: reads the configuration of a single image, too: only it names the platform.
    /// - Returns: nil where the registry has nothing there.
    public func inspect(
        _ reference: ImageReference, withPlatforms: Bool, by access: RemoteAccess = .init()
    ) async throws -> RemoteImage? {
        let reference = reference.withDefaultTag(settings.defaultTag)
        let place = reference.normalised(settings.names)
        let client = try await self.access(to: place, by: access).client.reading
        let name = reference.digest.map { ManifestReference.digest($0) } ?? .tag(reference.tag ?? settings.defaultTag)
        guard let manifest = try await client.manifest(place.path, name) else { return nil }
        return try await RemoteImage(manifest, in: place.path, configurationFrom: withPlatforms ? client : nil)
    }
}
