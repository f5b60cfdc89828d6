/// The two families of media types that manifests are written in. What they mean is the same, byte for byte of every
/// configuration and layer.
public enum ImageFormat: String, Sendable, Hashable, Codable, CaseIterable {
    case oci
    /// Docker's image manifest version 2, schema 2: what registries from before 2019 know alone.
    case docker

    public var name: String { self == .oci ? "OCI's format" : "Docker's format" }

    public var manifest: MediaType { self == .oci ? .ociManifest : .dockerManifest }
    public var index: MediaType { self == .oci ? .ociIndex : .dockerManifestList }
    public var config: MediaType { self == .oci ? .ociConfig : .dockerConfig }

    /// What the same layer is called in this family.
    ///
    /// - Returns: nil for what it has no word for.
    public func layer(_ type: MediaType) -> MediaType? {
        if self == .oci, type.rawValue == Self.dockerZstd { return MediaType(Self.ociZstd) }
        for names in Self.layers where names.oci == type.rawValue || names.docker == type.rawValue {
            return MediaType(self == .oci ? names.oci : names.docker)
        }
        return self == .oci && type.rawValue == Self.ociZstd ? type : nil
    }

    private static let layers: [(oci: String, docker: String)] = [
        ("application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"),
        ("application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        (
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.docker.image.rootfs.foreign.diff.tar"
        ),
        (
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        ),
    ]
    private static let ociZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    /// Written by some tools, and by no specification.
    private static let dockerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd"
}

extension MediaType {
    /// The family that a manifest or index of this type belongs to; nil for everything else.
    public var format: ImageFormat? {
        ImageFormat.allCases.first { self == $0.manifest || self == $0.index }
    }
}
