/// What kind of content a descriptor points to.
///
/// Unknown types are legal everywhere and are passed through.
/// Source: OCI image-spec 1.1, media-types.md; Docker image manifest v2 schema 2.
public struct MediaType: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
    public init(_ rawValue: String) { self.rawValue = rawValue }

    public init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { rawValue }

    public static let ociManifest = MediaType("application/vnd.oci.image.manifest.v1+json")
    public static let ociIndex = MediaType("application/vnd.oci.image.index.v1+json")
    public static let ociConfig = MediaType("application/vnd.oci.image.config.v1+json")
    public static let ociEmpty = MediaType("application/vnd.oci.empty.v1+json")
    public static let dockerManifest = MediaType("application/vnd.docker.distribution.manifest.v2+json")
    public static let dockerManifestList = MediaType("application/vnd.docker.distribution.manifest.list.v2+json")
    public static let dockerConfig = MediaType("application/vnd.docker.container.image.v1+json")
    static let dockerSchema1 = MediaType("application/vnd.docker.distribution.manifest.v1+json")
    static let dockerSchema1Signed = MediaType("application/vnd.docker.distribution.manifest.v1+prettyjws")

    /// The four kinds that a registry is asked for, in the order of the `Accept` header.
    public static let manifests: [MediaType] = [.ociIndex, .ociManifest, .dockerManifestList, .dockerManifest]

    public var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }
    public var isImageManifest: Bool { self == .ociManifest || self == .dockerManifest }
    /// Schema 1, which no registry takes any more.
    public var isRetired: Bool { self == .dockerSchema1 || self == .dockerSchema1Signed }

    /// Layers whose licence restricts where they may be stored.
    public var isNonDistributable: Bool {
        rawValue.hasPrefix("application/vnd.oci.image.layer.nondistributable.")
            || rawValue.hasPrefix("application/vnd.docker.image.rootfs.foreign.")
    }
}
