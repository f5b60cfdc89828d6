internal import FoundationEssentials
public import OCI

/// Manifests, configurations, indexes and attestations.
extension LayoutBuilder {
    /// An image of layers that were added before.
    ///
    /// - Parameters:
    ///   - name: where given, the image gets an entry in `index.json` under this `ref.name`.
    ///   - platform: stands in the configuration and in the returned descriptor; nil: neither.
    ///   - label: ends up in the configuration, so that images with the same layers differ.
    @discardableResult
    public func addImage(
        layers: [Descriptor], name: String? = nil, mediaTypes: MediaTypes = .oci,
        platform: Platform? = Platform(os: "linux", architecture: "amd64"), label: String? = nil
    ) throws -> Descriptor {
        // The layers' own digests stand for the uncompressed ones: nobody unpacks them.
        let config = ConfigFile(
            architecture: platform?.architecture, os: platform?.os, variant: platform?.variant,
            osVersion: platform?.osVersion, config: .init(Labels: label.map { ["test": $0] }),
            rootfs: .init(diffIDs: layers.map(\.digest)))
        let isDocker = mediaTypes == .docker
        let configDescriptor = try addBlob(
            Self.encode(config), mediaType: isDocker ? .dockerConfig : .ociConfig)
        let layers = layers.map { layer in
            isDocker && layer.mediaType.rawValue == "application/vnd.oci.image.layer.v1.tar+gzip"
                ? Descriptor(
                    mediaType: MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip"), digest: layer.digest,
                    size: layer.size)
                : layer
        }
        return try addManifest(
            config: configDescriptor, layers: layers, name: name,
            mediaType: isDocker ? .dockerManifest : .ociManifest, platform: platform)
    }

    /// A manifest over any configuration: an artifact, or something broken on purpose.
    @discardableResult
    public func addManifest(
        config: Descriptor, layers: [Descriptor], name: String? = nil, mediaType: MediaType = .ociManifest,
        artifactType: String? = nil, subject: Descriptor? = nil, annotations: [String: String]? = nil,
        platform: Platform? = nil
    ) throws -> Descriptor {
        let file = ManifestFile(
            mediaType: mediaType, artifactType: artifactType, config: config, layers: layers, subject: subject,
            annotations: annotations)
        let descriptor = try addBlob(Self.encode(file), mediaType: mediaType).with(annotations: nil, platform: platform)
        if let name { addEntry(descriptor, refName: name) }
        return descriptor
    }

    /// An index over manifests or indexes; the children's platforms and annotations are taken over.
    @discardableResult
    public func addIndex(
        of children: [Descriptor], name: String? = nil, mediaTypes: MediaTypes = .oci,
        annotations: [String: String]? = nil
    ) throws -> Descriptor {
        let type: MediaType = mediaTypes == .docker ? .dockerManifestList : .ociIndex
        let file = IndexFile(mediaType: type, manifests: children, annotations: annotations)
        let descriptor = try addBlob(Self.encode(file), mediaType: type)
        if let name { addEntry(descriptor, refName: name) }
        return descriptor
    }

    /// What BuildKit puts beside an image in its index: a manifest with one in-toto layer, for no machine.
    public func addAttestation(for image: Descriptor) throws -> Descriptor {
        let statement = try addBlob(
            Array(#"{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"digest":"\#(image.digest)"}]}"#.utf8),
            mediaType: MediaType("application/vnd.in-toto+json"))
        let unknown = Platform(os: "unknown", architecture: "unknown")
        return try addImage(layers: [statement], platform: unknown).with(annotations: [
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image.digest.description,
        ])
    }
}

private struct ManifestFile: Encodable {
    var schemaVersion = 2
    var mediaType: MediaType
    var artifactType: String?
    var config: Descriptor
    var layers: [Descriptor]
    var subject: Descriptor?
    var annotations: [String: String]?
}

private struct ConfigFile: Encodable {
    struct Process: Encodable { var Labels: [String: String]? }
    struct RootFS: Encodable {
        var type = "layers"
        var diffIDs: [Digest]
        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }
    var architecture: String?
    var os: String?
    var variant: String?
    var osVersion: String?
    var config: Process
    var rootfs: RootFS

    enum CodingKeys: String, CodingKey {
        case architecture, os, variant, config, rootfs
        case osVersion = "os.version"
    }
}
