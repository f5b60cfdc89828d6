internal import FoundationEssentials

/// An image manifest: one configuration and its layers.
///
/// Source: OCI image-spec 1.1, manifest.md; Docker schema 2 has the same shape.
public struct Manifest: Sendable {
    public let mediaType: MediaType
    public let config: Descriptor
    public let layers: [Descriptor]
    public let subject: Descriptor?
    public let artifactType: String?
}

/// An image index: the manifests of several platforms, attestations among them.
///
/// Source: OCI image-spec 1.1, image-index.md; Docker's manifest list has the same shape.
public struct ImageIndex: Sendable {
    public let mediaType: MediaType
    public let manifests: [Descriptor]
    public let subject: Descriptor?
}

/// What is stored under a manifest's digest, recognised and checked.
public enum ManifestDocument: Sendable {
    case manifest(Manifest)
    case index(ImageIndex)

    /// The largest that registries have to take, and the largest that is read.
    /// Source: OCI distribution-spec 1.1, "Pushing Manifests".
    public static let maximumSize = 4 * 1024 * 1024

    public var mediaType: MediaType {
        switch self {
        case .manifest(let manifest): manifest.mediaType
        case .index(let index): index.mediaType
        }
    }

    public var subject: Descriptor? {
        switch self {
        case .manifest(let manifest): manifest.subject
        case .index(let index): index.subject
        }
    }

    /// Reads a document whose digest was checked by the caller.
    ///
    /// - Parameters:
    ///   - bytes: the document, at most ``maximumSize``.
    ///   - declared: the type by which it is referred to; it must agree with the document's own `mediaType`, if that has one.
    /// - Throws: ``ManifestError``.
    public init(parsing bytes: [UInt8], declared: MediaType?) throws(ManifestError) {
        guard bytes.count <= Self.maximumSize else { throw ManifestError(reason: .tooLarge(bytes: bytes.count)) }
        if let declared, declared.isRetired { throw ManifestError(reason: .retiredSchema1) }
        let raw: RawManifest
        do {
            raw = try JSONDecoder().decode(RawManifest.self, from: Data(bytes))
        } catch {
            throw ManifestError(reason: .notJSON(ManifestError.explain(error)))
        }
        try KnownMembers.check(bytes, as: .document)
        if raw.schemaVersion == 1 { throw ManifestError(reason: .retiredSchema1) }
        guard raw.schemaVersion == 2 else { throw ManifestError(reason: .schemaVersion(raw.schemaVersion)) }
        // A document that is both would be one thing to us and another to the registry (CVE-2021-41190).
        if raw.manifests != nil, raw.config != nil || raw.layers != nil { throw ManifestError(reason: .ambiguous) }
        let own = raw.mediaType.map { MediaType($0) }
        if let own, own.isRetired { throw ManifestError(reason: .retiredSchema1) }
        if let own, let declared, !declared.rawValue.isEmpty, own != declared {
            throw ManifestError(reason: .mediaTypeDiffers(inside: own, declared: declared))
        }
        let known = own ?? declared.flatMap { $0.rawValue.isEmpty ? nil : $0 }
        if let manifests = raw.manifests {
            let type = known ?? .ociIndex
            guard type.isIndex else { throw ManifestError(reason: .unknownType(type)) }
            self = .index(ImageIndex(mediaType: type, manifests: manifests, subject: raw.subject))
        } else if let config = raw.config {
            let type = known ?? (config.mediaType == .dockerConfig ? .dockerManifest : .ociManifest)
            guard type.isImageManifest else { throw ManifestError(reason: .unknownType(type)) }
            self = .manifest(
                Manifest(
                    mediaType: type, config: config, layers: raw.layers ?? [], subject: raw.subject,
                    artifactType: raw.artifactType))
        } else {
            throw ManifestError(reason: .neither)
        }
    }
}

private struct RawManifest: Decodable {
    var schemaVersion: Int
    var mediaType: String?
    var artifactType: String?
    var config: Descriptor?
    var layers: [Descriptor]?
    var manifests: [Descriptor]?
    var subject: Descriptor?
}

/// Why bytes are not a manifest that can be published.
public struct ManifestError: Error, Sendable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        case tooLarge(bytes: Int)
        case notJSON(String)
        case schemaVersion(Int)
        case retiredSchema1
        case ambiguous, neither
        case mediaTypeDiffers(inside: MediaType, declared: MediaType)
        case unknownType(MediaType)
        /// A member stands there twice, or is spelled so that only some tools take it for the one that is meant.
        case readTwoWays(member: String, spelled: String?)
    }

    public let reason: Reason

    /// Whether other tools may read another image in it.
    public var isContradictory: Bool {
        switch reason {
        case .ambiguous, .readTwoWays: true
        default: false
        }
    }

    public var description: String {
        switch reason {
        case .tooLarge(let bytes):
            "the manifest has \(bytes) bytes, and registries take \(ManifestDocument.maximumSize)"
        case .notJSON(let why): "the manifest cannot be read: \(why)"
        case .schemaVersion(let version): "the manifest's schemaVersion is \(version), not 2"
        case .retiredSchema1:
            "the image is in the retired schema 1 format: rebuild or pull it again with a current tool"
        case .ambiguous: "the manifest has both \"manifests\" and \"config\" or \"layers\""
        case .neither: "the manifest has neither \"config\" nor \"manifests\""
        case .mediaTypeDiffers(let inside, let declared):
            "the manifest calls itself \(inside.rawValue.prefix(100)), its descriptor says \(declared.rawValue.prefix(100))"
        case .unknownType(let type): "\(type.rawValue.prefix(100)) is not a kind of manifest that pushd knows"
        case .readTwoWays(let member, nil): "it has \"\(member)\" twice, and tools differ in which one they take"
        case .readTwoWays(let member, let spelled?):
            "it has \"\(spelled)\", which some tools take for \"\(member)\" and others don't"
        }
    }

    /// A decoder's error in one short sentence, with the key it is about.
    public static func explain(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it is not JSON" }
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            let at = path(context)
            return "\"\(key.stringValue)\" is missing\(at.isEmpty ? "" : " in \(at)")"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context)) has the wrong type"
        case .dataCorrupted(let context):
            let at = path(context)
            return at.isEmpty ? "it is not JSON" : "\(at): \(context.debugDescription.prefix(200))"
        @unknown default: return "it is not JSON"
        }
    }
}
