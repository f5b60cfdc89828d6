/// A pointer to content: what it is, its digest and its size in bytes.
///
/// Only what pushd acts on is read; manifests travel as the bytes they are, so nothing is lost.
/// Source: OCI image-spec 1.1, descriptor.md, "Properties".
public struct Descriptor: Hashable, Sendable, Codable {
    /// The largest size that is believed, in bytes: a pebibyte. No blob comes near it, and sums of sizes stay numbers.
    public static let maximumSize: Int64 = 1 << 50

    public let mediaType: MediaType
    public let digest: Digest
    /// Bytes, 0...``maximumSize``.
    public let size: Int64
    public let platform: Platform?
    public let annotations: [String: String]?
    public let artifactType: String?
    /// The content itself, base64, where the writer put it inline.
    public let data: String?
    /// Other addresses that the content can be fetched from.
    public let urls: [String]?

    public init(
        mediaType: MediaType, digest: Digest, size: Int64, platform: Platform? = nil,
        annotations: [String: String]? = nil, artifactType: String? = nil, data: String? = nil,
        urls: [String]? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
        self.annotations = annotations
        self.artifactType = artifactType
        self.data = data
        self.urls = urls
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try values.decodeIfPresent(MediaType.self, forKey: .mediaType) ?? MediaType("")
        digest = try values.decode(Digest.self, forKey: .digest)
        size = try values.decode(Int64.self, forKey: .size)
        guard (0...Self.maximumSize).contains(size) else {
            throw DecodingError.dataCorruptedError(
                forKey: .size, in: values, debugDescription: "no content has a size of \(size) bytes")
        }
        platform = try values.decodeIfPresent(Platform.self, forKey: .platform)
        annotations = try values.decodeIfPresent([String: String].self, forKey: .annotations)
        artifactType = try values.decodeIfPresent(String.self, forKey: .artifactType)
        data = try values.decodeIfPresent(String.self, forKey: .data)
        urls = try? values.decodeIfPresent([String].self, forKey: .urls)
    }

    /// Whether it is a non-distributable layer with `urls`, which is not sent: clients fetch it from there. One without
    /// `urls` is sent like any other layer: no other source is known.
    ///
    /// Source: OCI image-spec 1.1, layer.md, "Non-Distributable Layers".
    public var isHadElsewhere: Bool { mediaType.isNonDistributable && urls?.isEmpty == false }

    /// BuildKit's mark of an attestation manifest among an index's children.
    public var isAttestation: Bool { annotations?["vnd.docker.reference.type"] == "attestation-manifest" }
}
