internal import FoundationEssentials
public import OCI
public import Registry

/// An image as a registry has it.
public struct RemoteImage: Sendable {
    public let manifest: RemoteManifest
    /// What it runs on, attestations left out. A single image has one at most: what its configuration says.
    public let platforms: [(platform: Platform?, manifest: Descriptor)]

    /// - Parameter client: where a single image's configuration is read; nil: its platform stays unknown.
    init(_ manifest: RemoteManifest, in repository: String, configurationFrom client: RegistryClient?) async throws {
        self.manifest = manifest
        switch try? ManifestDocument(parsing: manifest.bytes, declared: manifest.mediaType) {
        case .index(let index):
            platforms = index.manifests.filter { !$0.isAttestation }.map { ($0.platform, $0) }
        case .manifest(let image):
            let platform = try await Self.platform(of: image.config, in: repository, client)
            platforms = platform.map { [($0, manifest.descriptor)] } ?? []
        case nil:
            platforms = []
        }
    }

    /// The largest configuration that is read, in bytes.
    private static let configurationLimit = 8 << 20

    private static func platform(
        of config: Descriptor, in repository: String, _ client: RegistryClient?
    ) async throws -> Platform? {
        guard let client, [.ociConfig, .dockerConfig].contains(config.mediaType), config.size <= configurationLimit
        else { return nil }
        do {
            let bytes = try await client.smallBlob(repository, config.digest, limit: configurationLimit)
            let platform = try? JSONDecoder().decode(Platform.self, from: Data(bytes))
            return platform.flatMap { $0.isNamed ? $0 : nil }
        } catch is RegistryError {
            return nil  // the manifest is what was asked for, and that is there
        }
    }
}
