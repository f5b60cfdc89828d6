/// Writes manifests in another family of media types, under new digests. Configurations and layers stay as they are.
///
/// The same manifest always gives the same bytes, and those that containers/image (skopeo) writes for it.
///
/// Source: OCI image-spec 1.1, media-types.md, "Compatibility Matrix"; Docker's image manifest version 2, schema 2.
public struct FormatConversion: Sendable {
    public let format: ImageFormat

    public init(to format: ImageFormat) { self.format = format }

    /// A manifest in the new form.
    public struct Written: Sendable {
        public let bytes: [UInt8]
        public let document: ManifestDocument
        public let descriptor: Descriptor
        /// Annotations that the new form has no place for.
        public let annotations: Int
    }

    /// - Returns: nil where it is in that form already.
    /// - Throws: ``FormatConversionError`` for what the other form can't say.
    public func manifest(_ manifest: Manifest, bytes: [UInt8]) throws -> Written? {
        guard manifest.config.mediaType == .ociConfig || manifest.config.mediaType == .dockerConfig,
            manifest.artifactType == nil
        else {
            throw FormatConversionError(.artifact(manifest.artifactType ?? manifest.config.mediaType.rawValue), format)
        }
        guard manifest.subject == nil else { throw FormatConversionError(.attached, format) }
        let json = try JSONValue(parsing: bytes)
        let items = json["layers"]?.items ?? []
        guard items.count == manifest.layers.count else {
            throw FormatConversionError(.artifact("layers that can't be read"), format)
        }
        var layers: [OrderedJSON] = []
        var isSame = manifest.mediaType == format.manifest && manifest.config.mediaType == format.config
        for (layer, item) in zip(manifest.layers, items) {
            guard let type = format.layer(layer.mediaType) else {
                throw FormatConversionError(.layer(layer.mediaType, layer.digest), format)
            }
            let urls = item["urls"]?.items?.compactMap { url in
                if case .string(let text) = url { OrderedJSON.text(text) } else { nil }
            }
            if format == .docker, type.isNonDistributable, urls?.isEmpty != false {
                throw FormatConversionError(.withoutAddress(layer.digest), format)
            }
            isSame = isSame && type == layer.mediaType
            let kept = format == .oci ? item["annotations"] : nil
            layers.append(descriptor(type, layer, urls: urls, annotations: kept))
        }
        if isSame { return nil }
        let parts = [json, json["config"] ?? .null] + items
        return try written(
            .object([
                ("schemaVersion", .integer(2)), ("mediaType", .text(format.manifest.rawValue)),
                ("config", descriptor(format.config, manifest.config, urls: nil, annotations: nil)),
                ("layers", .list(layers)),
            ]), format.manifest, annotations: format == .docker ? parts.reduce(0) { $0 + $1.annotationCount } : 0)
    }

    /// - Parameters:
    ///   - converted: what became of each child; nil for those that are left out.
    ///   - platform: of a child that the index names none for.
    /// - Returns: nil where it is in that form already, and so are all its children.
    public func index(
        _ index: ImageIndex, bytes: [UInt8], converted: (Descriptor) -> Descriptor?,
        platform: (Descriptor) -> Platform?
    ) throws -> Written? {
        guard index.subject == nil else { throw FormatConversionError(.attached, format) }
        let json = try JSONValue(parsing: bytes)
        let items = json["manifests"]?.items ?? []
        guard items.count == index.manifests.count else {
            throw FormatConversionError(.artifact("images that can't be read"), format)
        }
        var entries: [OrderedJSON] = []
        var isSame = index.mediaType == format.index
        var annotations = json.annotationCount
        for (child, item) in zip(index.manifests, items) {
            guard let new = converted(child) else {
                isSame = false
                continue
            }
            if format == .docker, new.mediaType.isIndex { throw FormatConversionError(.nested, format) }
            let machine = Self.platform(item["platform"]) ?? platform(child).map(Self.platform)
            if format == .docker, machine == nil { throw FormatConversionError(.withoutPlatform(child.digest), format) }
            isSame = isSame && new.digest == child.digest && new.mediaType == child.mediaType
            annotations += item.annotationCount
            let kept = format == .oci ? item["annotations"] : nil
            entries.append(descriptor(new.mediaType, new, urls: nil, annotations: kept, platform: machine))
        }
        if isSame { return nil }
        return try written(
            .object([
                ("schemaVersion", .integer(2)), ("mediaType", .text(format.index.rawValue)),
                ("manifests", .list(entries)),
            ]), format.index, annotations: format == .docker ? annotations : 0)
    }

    private func written(_ json: OrderedJSON, _ type: MediaType, annotations: Int) throws -> Written {
        let bytes = try json.bytes()
        return Written(
            bytes: bytes, document: try ManifestDocument(parsing: bytes, declared: type),
            descriptor: Descriptor(mediaType: type, digest: Digest(of: bytes), size: Int64(bytes.count)),
            annotations: annotations)
    }

    /// Members in the order of the tools of each family.
    private func descriptor(
        _ type: MediaType, _ content: Descriptor, urls: [OrderedJSON]?, annotations: JSONValue?,
        platform: OrderedJSON? = nil
    ) -> OrderedJSON {
        let size = ("size", OrderedJSON.integer(content.size) as OrderedJSON?)
        let digest = ("digest", OrderedJSON.text(content.digest.description) as OrderedJSON?)
        return .object(
            [("mediaType", .text(type.rawValue))] + (format == .docker ? [size, digest] : [digest, size])
                + [
                    ("urls", urls.flatMap { $0.isEmpty ? nil : .list($0) }),
                    ("annotations", Self.annotations(annotations)), ("platform", platform),
                ])
    }

    private static func annotations(_ json: JSONValue?) -> OrderedJSON? {
        guard case .object(let members)? = json, !members.isEmpty else { return nil }
        let texts = members.compactMap { name, value in
            if case .string(let text) = value { (name, OrderedJSON.text(text) as OrderedJSON?) } else { nil }
        }
        return .object(texts.sorted { $0.0 < $1.0 })
    }

    private static func platform(_ json: JSONValue?) -> OrderedJSON? {
        guard case .object? = json, let json, json["os"] != nil, json["architecture"] != nil else { return nil }
        func member(_ name: String) -> (String, OrderedJSON?) {
            switch json[name] {
            case .string(let text): (name, .text(text))
            case .array(let items):
                (name, .list(items.compactMap { if case .string(let text) = $0 { .text(text) } else { nil } }))
            default: (name, nil)
            }
        }
        return .object(
            ["architecture", "os", "os.version", "os.features", "variant", "features"].map(member))
    }

    private static func platform(_ platform: Platform) -> OrderedJSON {
        .object([
            ("architecture", .text(platform.architecture)), ("os", .text(platform.os)),
            ("os.version", platform.osVersion.map { .text($0) }), ("variant", platform.variant.map { .text($0) }),
        ])
    }
}

extension JSONValue {
    fileprivate var annotationCount: Int {
        if case .object(let members)? = self["annotations"] { members.count } else { 0 }
    }
}

/// What can't be said in another family of media types.
public struct FormatConversionError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        /// No image, but something else that is kept in a registry.
        case artifact(String)
        /// It is attached to another image, as signatures are.
        case attached
        case layer(MediaType, Digest)
        /// A layer that is not distributed, and says not where it is instead.
        case withoutAddress(Digest)
        /// Indexes lie in each other.
        case nested
        case withoutPlatform(Digest)
    }

    public let reason: Reason
    public let format: ImageFormat

    public init(_ reason: Reason, _ format: ImageFormat) {
        self.reason = reason
        self.format = format
    }

    public var description: String {
        switch reason {
        case .artifact(let type): "\(format.name) has no artifacts, and this is one: \(type.prefix(100))"
        case .attached: "\(format.name) has nothing that is attached to an image, and this is (it has a subject)"
        case .layer(let type, let digest):
            "\(format.name) has no layers of the type \(type.rawValue.prefix(100)), as \(digest) is"
        case .withoutAddress(let digest):
            "\(format.name) wants an address of each layer that is not distributed, and \(digest) has none"
        case .nested: "\(format.name) has no lists within lists of images"
        case .withoutPlatform(let digest):
            "\(format.name) wants a platform of each image in a list, and \(digest) has none"
        }
    }

    public var advice: String {
        switch reason {
        case .artifact, .attached: "push it without --format, to a registry that takes artifacts"
        case .layer(let type, _):
            type.rawValue.hasSuffix("zstd")
                ? "compress its layers with gzip (skopeo copy --dest-compress-format gzip, or the builder's option), "
                    + "or push it as it is to a registry that takes zstd"
                : "push it without --format, to a registry that takes such layers"
        case .withoutAddress: "build the image anew with a base whose layers may be distributed"
        case .nested: "push single platforms: --platform OS/ARCH"
        case .withoutPlatform: "push single platforms, or build the index anew with a tool that writes platforms"
        }
    }
}
