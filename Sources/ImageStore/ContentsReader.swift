internal import FoundationEssentials
internal import OCI

/// Walks from an image's root to everything it needs. Blocks; one use, on one thread.
struct ContentsReader {
    /// Indexes within indexes: the specification sets no limit, and no known tool writes more.
    static let maximumDepth = 8
    /// Bytes of all manifests of one image, which are held in memory.
    static let maximumManifestBytes = 64 << 20
    /// Configurations up to this many bytes are read for their platform; longer ones are only hashed.
    static let maximumConfigSize: Int64 = 4 << 20

    let source: any ContentSource
    let flag: CancelFlag

    private var manifests: [ManifestNode] = []
    private var blobs: [BlobNode] = []
    private var platforms: [(platform: Platform, manifest: Descriptor)] = []
    /// Documents that were read, whether they turned out to be needed or not.
    private var documents: [Digest: ManifestNode] = [:]
    private var placed: Set<Digest> = []
    private var blobPlaces: [Digest: Int] = [:]
    /// Of all blobs, each at most as large as the limit that ends it.
    private var blobBytes: Int64 = 0
    private var documentBytes = 0

    private var missing: [Digest] = []
    private var missingChildren: [String] = []
    private var children = 0
    private var sizes: [ImageStoreError.SizeMismatch] = []

    init(source: any ContentSource, flag: CancelFlag) {
        self.source = source
        self.flag = flag
    }

    mutating func read(_ wanted: Descriptor, platforms selection: [Platform]) throws -> ImageContents {
        var root = wanted
        var attestationsLeftOut = 0
        if !selection.isEmpty {
            let chosen = try select(selection, from: wanted)
            if let made = chosen.newIndex { documents[made.descriptor.digest] = made }
            (root, attestationsLeftOut) = (chosen.root, chosen.attestationsLeftOut)
        }
        try visit(root, depth: 0, label: nil)
        try checkComplete()
        // As it was read: an entry of index.json may have no type.
        root = documents[root.digest]?.descriptor ?? root
        return ImageContents(
            root: root, manifests: manifests, blobs: blobs, platforms: platforms,
            attestationsLeftOut: attestationsLeftOut)
    }

    private func checkComplete() throws(ImageStoreError) {
        let subject = source.label
        if !missingChildren.isEmpty {
            throw ImageStoreError(.platformsMissing(missingChildren, total: children), subject: subject)
        }
        if !missing.isEmpty { throw ImageStoreError(.blobsMissing(missing), subject: subject) }
        if !sizes.isEmpty { throw ImageStoreError(.blobSizes(sizes), subject: subject) }
    }

    // MARK: Manifests

    /// - Parameter label: what an absent child of an index is called; nil for the root.
    private mutating func visit(_ descriptor: Descriptor, depth: Int, label: String?) throws {
        try flag.check()
        guard depth <= Self.maximumDepth else {
            throw invalid("indexes lie in each other deeper than \(Self.maximumDepth) levels")
        }
        guard let node = try document(descriptor) else {
            if let label { missingChildren.append(label) } else { missing.append(descriptor.digest) }
            return
        }
        // A digest that was placed before is complete, and a child cannot contain its own parent's hash.
        guard !placed.contains(descriptor.digest) else { return }
        placed.insert(descriptor.digest)
        switch node.document {
        case .index(let index):
            for child in index.manifests {
                children += 1
                try visit(child, depth: depth + 1, label: Self.label(of: child))
            }
        case .manifest(let manifest):
            let platform = try config(of: manifest, in: descriptor)
            for layer in manifest.layers { try add(layer, .layer) }
            if let platform, !platform.isUnknown, !descriptor.isAttestation {
                platforms.append((platform, descriptor))
            }
        }
        manifests.append(node)
    }

    private static func label(of child: Descriptor) -> String {
        if child.isAttestation { return "the attestation \(child.digest)" }
        return child.platform.map { "\($0)" } ?? "\(child.digest)"
    }

    /// The document behind a descriptor, read and hashed once; nil if the source has not got it.
    mutating func document(_ descriptor: Descriptor) throws -> ManifestNode? {
        if let known = documents[descriptor.digest] {
            guard known.descriptor.size == descriptor.size else {
                throw invalid("\(descriptor.digest) is listed with two different sizes")
            }
            try agree(known.document.mediaType, descriptor.mediaType, on: descriptor.digest)
            return known
        }
        guard descriptor.size <= Int64(ManifestDocument.maximumSize) else {
            throw ImageStoreError(.manifestTooLarge(bytes: descriptor.size), subject: source.label)
        }
        guard let (bytes, isLinked, path) = try bytes(of: descriptor) else { return nil }
        // An error must say nothing about a file that a link leads to, unless it has the digest.
        let isProven =
            Int64(bytes.count) == descriptor.size
            && Digest(of: bytes, algorithm: descriptor.digest.algorithm) == descriptor.digest
        if isLinked, !isProven { throw ImageStoreError(.linkUnproven(path: path), subject: path) }
        guard Int64(bytes.count) == descriptor.size else {
            throw ImageStoreError(
                .blobSizes([.init(digest: descriptor.digest, expected: descriptor.size, found: Int64(bytes.count))]),
                subject: source.label)
        }
        try check(bytes, descriptor.digest)
        documentBytes += bytes.count
        guard documentBytes <= Self.maximumManifestBytes else {
            throw invalid("its manifests have more than \(Self.maximumManifestBytes >> 20) MiB")
        }
        do throws(ManifestError) {
            let document = try ManifestDocument(parsing: bytes, declared: descriptor.mediaType)
            // An entry without a type of its own is sent under the document's.
            let known =
                descriptor.mediaType.rawValue.isEmpty ? descriptor.with(mediaType: document.mediaType) : descriptor
            let node = ManifestNode(descriptor: known, bytes: bytes, document: document)
            documents[descriptor.digest] = node
            return node
        } catch {
            let reason = "\(descriptor.digest): \(error)"
            throw error.isContradictory
                ? ImageStoreError(.contradictory(reason: reason), subject: source.label) : invalid(reason)
        }
    }

    private func agree(_ own: MediaType, _ declared: MediaType, on digest: Digest) throws(ImageStoreError) {
        guard own == declared || declared.rawValue.isEmpty else {
            throw invalid("\(digest) is listed as \(own) and as \(declared)")
        }
    }

    private func bytes(of descriptor: Descriptor) throws -> (bytes: [UInt8], isLinked: Bool, path: String)? {
        guard let file = try source.openForReading(descriptor) else {
            return descriptor.inlineContent.map { ($0, false, "") }
        }
        if file.isLinked, try file.status().size != descriptor.size { return ([], true, file.path) }
        return (try file.readAll(limit: Int(descriptor.size)), file.isLinked, file.path)
    }

    private func check(_ bytes: [UInt8], _ digest: Digest) throws(ImageStoreError) {
        let found = Digest(of: bytes, algorithm: digest.algorithm)
        guard found == digest else {
            throw ImageStoreError(.digestMismatch(expected: digest, found: found), subject: source.label)
        }
    }

    // MARK: Blobs

    /// Adds and hashes the configuration, and holds an image's against its layers.
    ///
    /// - Returns: the machine that the index or else the configuration names.
    private mutating func config(of manifest: Manifest, in descriptor: Descriptor) throws -> Platform? {
        try add(manifest.config, .config)
        guard manifest.config.mediaType == .ociConfig || manifest.config.mediaType == .dockerConfig,
            let config = try configDocument(manifest.config)
        else { return descriptor.platform }
        if let count = config.rootfs?.diffIDs?.count, count != manifest.layers.count, !descriptor.isAttestation {
            throw invalid(
                "\(descriptor.digest) has \(manifest.layers.count) layers, and its configuration names \(count)")
        }
        return descriptor.platform ?? config.platform
    }

    /// What an image's configuration says; nil if it is absent, long, or of a form that only its users know.
    func configDocument(_ descriptor: Descriptor) throws -> ConfigDocument? {
        guard descriptor.size <= Self.maximumConfigSize, let bytes = try bytes(of: descriptor)?.bytes,
            Int64(bytes.count) == descriptor.size
        else { return nil }
        guard let config = try? JSONDecoder().decode(ConfigDocument.self, from: Data(bytes)) else { return nil }
        do { try KnownMembers.check(bytes, as: .configuration) } catch {
            throw ImageStoreError(
                .contradictory(reason: "the configuration \(descriptor.digest): \(error)"), subject: source.label)
        }
        return config
    }

    private mutating func add(_ descriptor: Descriptor, _ role: BlobNode.Role) throws {
        try flag.check()
        let isSent = try role == .config || !isWithheld(descriptor)
        if let place = blobPlaces[descriptor.digest] {
            guard blobs[place].descriptor.size == descriptor.size else {
                throw invalid("\(descriptor.digest) is listed with two different sizes")
            }
            // The same bytes may be listed once under a restricted type and once under a free one.
            guard isSent, !blobs[place].isSent else { return }
            if let node = try examine(descriptor, role) { blobs[place] = node }
            return
        }
        let node =
            isSent
            ? try examine(descriptor, role)
            : BlobNode(descriptor: descriptor, role: role, path: nil, inlineBytes: nil, isSent: false)
        guard let node else { return }
        blobBytes += descriptor.size
        guard blobBytes <= Descriptor.maximumSize else { throw invalid("its blobs have more than a pebibyte together") }
        blobPlaces[descriptor.digest] = blobs.count
        blobs.append(node)
    }

    /// Whether a layer is not sent: it is non-distributable, and has `urls` or is not in the source.
    private func isWithheld(_ layer: Descriptor) throws -> Bool {
        guard layer.mediaType.isNonDistributable else { return false }
        return try layer.isHadElsewhere || (source.openForReading(layer) == nil && layer.inlineContent == nil)
    }

    /// Finds and measures a blob, and hashes a configuration; nil if that went into the list of what is wrong.
    private mutating func examine(_ descriptor: Descriptor, _ role: BlobNode.Role) throws -> BlobNode? {
        guard let file = try source.openForReading(descriptor) else {
            guard let inline = descriptor.inlineContent else {
                if !missing.contains(descriptor.digest) { missing.append(descriptor.digest) }
                return nil
            }
            return BlobNode(descriptor: descriptor, role: role, path: nil, inlineBytes: inline, isSent: true)
        }
        let size = try file.status().size
        let unproven = ImageStoreError(.linkUnproven(path: file.path), subject: file.path)
        guard size == descriptor.size else {
            if file.isLinked { throw unproven }
            if !sizes.contains(where: { $0.digest == descriptor.digest }) {
                sizes.append(.init(digest: descriptor.digest, expected: descriptor.size, found: size))
            }
            return nil
        }
        if role == .config {
            let found = try file.digest(descriptor.digest.algorithm, flag)
            guard found == descriptor.digest else {
                if file.isLinked { throw unproven }
                throw ImageStoreError(.digestMismatch(expected: descriptor.digest, found: found), subject: source.label)
            }
        }
        // What a link leads to is proven when it is copied, and sent from the copy.
        return BlobNode(
            descriptor: descriptor, role: role, path: file.isLinked ? nil : file.path, inlineBytes: nil, isSent: true)
    }

    func invalid(_ reason: String) -> ImageStoreError {
        ImageStoreError(.imageInvalid(reason: reason), subject: source.label)
    }
}

/// What pushd wants to know of an image's configuration. Lenient: it travels as the bytes it is.
///
/// Source: OCI image-spec 1.1, config.md.
struct ConfigDocument: Decodable {
    struct RootFS: Decodable {
        var diffIDs: [String]?
        enum CodingKeys: String, CodingKey { case diffIDs = "diff_ids" }
    }

    enum CodingKeys: String, CodingKey { case rootfs }

    let rootfs: RootFS?
    /// Nil where no machine is named.
    let platform: Platform?

    init(from decoder: any Decoder) throws {
        rootfs = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(RootFS.self, forKey: .rootfs)
        let platform = try? Platform(from: decoder)
        self.platform = platform.flatMap { $0.isNamed ? $0 : nil }
    }
}
