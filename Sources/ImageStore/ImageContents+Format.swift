public import OCI

/// An image in another format than it has in its store.
public struct ConvertedImage: Sendable {
    public let contents: ImageContents
    /// What the format has no place for and is left out, each as a part of a sentence; empty where nothing is.
    public let losses: [String]
}

extension ImageContents {
    /// The same configurations and layers under manifests of `format`; unchanged where it has that format.
    ///
    /// What only describes the image, annotations and attestations, is left out where the format has no place for it;
    /// what the image can't do without is refused.
    ///
    /// - Parameter subject: what errors call the image.
    /// - Throws: ``ImageStoreError``: `formatRefused`.
    public func converted(to format: ImageFormat, subject: String) throws -> ConvertedImage {
        do {
            var writer = FormatWriter(format: format, old: self)
            return try writer.write()
        } catch let error as FormatConversionError {
            throw ImageStoreError(.formatRefused(error), subject: subject)
        }
    }
}

/// Goes through an image's manifests, children first, and puts together what becomes of it.
private struct FormatWriter {
    let conversion: FormatConversion
    let old: ImageContents
    private var manifests: [ManifestNode] = []
    /// By the digest that it had; nil for what is left out.
    private var became: [Digest: Descriptor?] = [:]
    private var annotations = 0
    private var attestations = 0

    init(format: ImageFormat, old: ImageContents) {
        conversion = FormatConversion(to: format)
        self.old = old
    }

    mutating func write() throws -> ConvertedImage {
        for node in old.manifests { try convert(node) }
        guard case .some(.some(let root)) = became[old.root.digest], root.digest != old.root.digest else {
            return ConvertedImage(contents: old, losses: [])
        }
        let contents = ImageContents(
            root: root, manifests: manifests, blobs: blobs,
            platforms: old.platforms.compactMap { entry in
                (became[entry.manifest.digest] ?? nil).map { (entry.platform, $0) }
            })
        return ConvertedImage(contents: contents, losses: losses)
    }

    private mutating func convert(_ node: ManifestNode) throws {
        let written: FormatConversion.Written?
        switch node.document {
        case .manifest(let manifest):
            if conversion.format == .docker, node.descriptor.isAttestation {
                attestations += 1
                became[node.descriptor.digest] = .some(nil)
                return
            }
            written = try conversion.manifest(manifest, bytes: node.bytes)
        case .index(let index):
            let (became, platforms) = (became, old.platforms)
            written = try conversion.index(
                index, bytes: node.bytes, converted: { became[$0.digest] ?? nil },
                platform: { child in platforms.first { $0.manifest.digest == child.digest }?.platform })
        }
        guard let written else {
            became[node.descriptor.digest] = node.descriptor
            manifests.append(node)
            return
        }
        annotations += written.annotations
        became[node.descriptor.digest] = written.descriptor
        manifests.append(
            ManifestNode(descriptor: written.descriptor, bytes: written.bytes, document: written.document))
    }

    /// What the new manifests name, in the old order and under the new types.
    private var blobs: [BlobNode] {
        var types: [Digest: MediaType] = [:]
        for node in manifests {
            guard case .manifest(let manifest) = node.document else { continue }
            for blob in [manifest.config] + manifest.layers { types[blob.digest] = blob.mediaType }
        }
        return old.blobs.compactMap { blob in
            types[blob.descriptor.digest].map {
                BlobNode(
                    descriptor: blob.descriptor.with(mediaType: $0), role: blob.role, path: blob.path,
                    inlineBytes: blob.inlineBytes, isSent: blob.isSent)
            }
        }
    }

    private var losses: [String] {
        [(annotations, "annotation"), (attestations, "attestation")].filter { $0.0 > 0 }.map { count, name in
            "\(count) \(name)\(count == 1 ? "" : "s")"
        }
    }
}
