internal import FoundationEssentials

/// The list of what refers to a manifest, as clients keep it where the registry does not: an image index under a tag
/// that is made of the manifest's digest.
///
/// All that other clients wrote into it stays, also members that pushd does not know.
///
/// Source: OCI distribution-spec 1.1, "Referrers Tag Schema" and "Pushing Manifests with Subject".
public struct ReferrersIndex: Sendable {
    private var json: JSONValue

    /// A list of nothing.
    public init() {
        json = .object([
            "schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex.rawValue), "manifests": .array([]),
        ])
    }

    /// - Parameter mediaType: the `Content-Type` that the registry names.
    /// - Returns: nil for anything but an image index: it is an image under the same tag and must not be replaced.
    public init?(parsing bytes: [UInt8], mediaType: MediaType) {
        guard bytes.count <= ManifestDocument.maximumSize, mediaType == .ociIndex,
            let json = try? JSONValue(parsing: bytes), (try? KnownMembers.check(bytes, as: .document)) != nil,
            json["manifests"]?.items != nil, json["config"] == nil,
            json["layers"] == nil, json["mediaType"] == nil || json["mediaType"] == .string(mediaType.rawValue)
        else { return nil }
        self.json = json
    }

    /// `sha256-` and the digest's digits, as far as they go into a tag.
    public static func tag(of subject: Digest) -> String {
        "\(subject.algorithm.rawValue.prefix(32))-\(subject.hex.prefix(64))"
    }

    public func lists(_ digest: Digest) -> Bool {
        items.contains { $0["digest"] == .string(digest.description) }
    }

    /// Adds what refers to the subject, unless it is listed.
    ///
    /// - Parameters:
    ///   - bytes: the manifest that has the subject.
    ///   - descriptor: of `bytes`.
    public mutating func add(_ descriptor: Descriptor, bytes: [UInt8]) throws {
        guard !lists(descriptor.digest) else { return }
        let manifest = try JSONValue(parsing: bytes)
        var entry: [String: JSONValue] = [
            "mediaType": .string(descriptor.mediaType.rawValue), "digest": .string(descriptor.digest.description),
            "size": .integer(descriptor.size),
        ]
        // An index has no configuration, and then none stands for its type.
        entry["artifactType"] = Self.text(manifest["artifactType"]) ?? Self.text(manifest["config"]?["mediaType"])
        if case .object(let annotations) = manifest["annotations"], !annotations.isEmpty {
            entry["annotations"] = .object(annotations)
        }
        json["manifests"] = .array(items + [.object(entry)])
    }

    /// Adds what another list has and this one has not.
    ///
    /// - Returns: whether there was any.
    @discardableResult
    public mutating func add(from other: ReferrersIndex) -> Bool {
        var known = Set(items.compactMap(Self.digest))
        let new = other.items.filter { item in Self.digest(of: item).map { known.insert($0).inserted } ?? false }
        json["manifests"] = .array(items + new)
        return !new.isEmpty
    }

    public func bytes() throws -> [UInt8] { try json.bytes() }

    private var items: [JSONValue] { json["manifests"]?.items ?? [] }

    private static func digest(of item: JSONValue) -> String? {
        if case .string(let text)? = item["digest"] { text } else { nil }
    }

    private static func text(_ value: JSONValue?) -> JSONValue? {
        if case .string(let text) = value, !text.isEmpty { value } else { nil }
    }
}
