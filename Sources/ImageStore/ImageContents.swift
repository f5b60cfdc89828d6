internal import FoundationEssentials
public import OCI

/// All that an image consists of, read and checked: what has to be in the registry before its tag can be.
public struct ImageContents: Sendable {
    public let root: Descriptor
    /// Children before their parents, the root last; each digest once.
    public let manifests: [ManifestNode]
    /// Configurations and layers, each digest once.
    public let blobs: [BlobNode]
    /// The machines the image is for, in the index's order; attestations are none.
    public let platforms: [(platform: Platform, manifest: Descriptor)]
    /// Attestations of the chosen image, where the choice of one made it the root: only an index can hold them.
    public internal(set) var attestationsLeftOut = 0

    /// Bytes of the blobs that are sent; manifests are not counted.
    public var totalBytes: Int64 { blobs.filter(\.isSent).map(\.descriptor.size).saturatingSum }

    /// Reads the image under `root` and checks everything that can be checked without reading layers.
    ///
    /// Manifests and configurations are hashed, layers measured. What is missing or has the wrong length stands in one
    /// error, all of it.
    ///
    /// - Parameter platforms: empty for the whole image. One match in an index makes that manifest the root, with its own
    ///   digest; several make a new index of those manifests and their attestations, unless they are all there is.
    /// - Throws: ``ImageStoreError``: `blobsMissing`, `platformsMissing`, `blobSizes`, `digestMismatch`, `imageInvalid`,
    ///   `platformNotFound`, `unsafePath`, `system`; `CancellationError`.
    public static func read(
        root: Descriptor, from source: any ContentSource, platforms: [Platform] = []
    ) async throws -> ImageContents {
        try await FileWork.run(.quick) { flag in
            var reader = ContentsReader(source: source, flag: flag)
            return try reader.read(root, platforms: platforms)
        }
    }
}

/// A manifest or index as the bytes it is.
public struct ManifestNode: Sendable {
    public let descriptor: Descriptor
    /// To be sent unchanged; at most ``ManifestDocument/maximumSize``.
    public let bytes: [UInt8]
    public let document: ManifestDocument

    /// Whether `digest` names it: its own, or that of the same bytes by another algorithm, as of a registry that stores
    /// every manifest under SHA-256.
    public func isNamed(by digest: Digest) -> Bool {
        let own = descriptor.digest
        return digest.algorithm == own.algorithm ? digest == own : digest.isOf(bytes)
    }
}

/// A configuration or a layer.
public struct BlobNode: Sendable {
    public enum Role: String, Sendable { case config, layer }

    public let descriptor: Descriptor
    public let role: Role
    /// Absolute path of the file; nil where the blob is not sent or stood inline in its descriptor.
    public let path: String?
    /// Content that has no file: it stood inline in its descriptor.
    public let inlineBytes: [UInt8]?
    /// False for non-distributable layers that have `urls`, or that the store does not have: they are not sent.
    public let isSent: Bool
}

extension Descriptor {
    /// The content that stands in the descriptor itself, if it is what the descriptor says; also the empty JSON
    /// object, which writers leave out of their stores.
    ///
    /// Source: OCI image-spec 1.1, descriptor.md, "Embedded Content", and manifest.md, "Guidance for an Empty Descriptor".
    var inlineContent: [UInt8]? {
        let bytes = data.flatMap { Data(base64Encoded: $0) }.map { Array($0) } ?? Array("{}".utf8)
        return Int64(bytes.count) == size && Digest(of: bytes, algorithm: digest.algorithm) == digest ? bytes : nil
    }
}
