internal import FoundationEssentials
internal import OCI

/// Choosing the machines that an image is published for.
extension ContentsReader {
    struct Selection {
        let root: Descriptor
        /// The index that was made up for the choice; nil where the root is one that existed.
        let newIndex: ManifestNode?
        /// Of the one image that was chosen.
        var attestationsLeftOut = 0
    }

    /// An image at the end of an index's branch, with its descriptor as JSON, so that nothing in it is lost.
    private struct Leaf {
        let descriptor: Descriptor
        let json: JSONValue
        let platform: Platform?
    }

    /// - Throws: ``ImageStoreError``: `platformNotFound`, which lists what is there.
    mutating func select(_ wanted: [Platform], from root: Descriptor) throws -> Selection {
        guard let node = try document(root) else {
            throw ImageStoreError(.blobsMissing([root.digest]), subject: source.label)
        }
        guard case .index = node.document else {
            let platform = try root.platform ?? configPlatform(of: node)
            for wish in wanted where platform?.matches(wish) != true { throw notFound(wish, [platform]) }
            return Selection(root: node.descriptor, newIndex: nil)
        }
        var visited: Set<Digest> = []
        let leaves = try leaves(of: node, depth: 0, &visited)
        let images = leaves.filter { !$0.descriptor.isAttestation && $0.platform?.isUnknown != true }
        var chosen: [Leaf] = []
        for wish in wanted {
            let matches = images.filter { $0.platform?.matches(wish) == true }
            guard !matches.isEmpty else { throw notFound(wish, images.map(\.platform)) }
            for match in matches
            // The first of equals counts; versions of Windows are no equals.
            where !chosen.contains(where: {
                $0.platform?.normalised == match.platform?.normalised || $0.descriptor.digest == match.descriptor.digest
            }) {
                chosen.append(match)
            }
        }
        if Set(images.map(\.descriptor.digest)) == Set(chosen.map(\.descriptor.digest)), chosen.count > 1 {
            return Selection(root: node.descriptor, newIndex: nil)
        }
        let digests = Set(chosen.map(\.descriptor.digest.description))
        func isAttestationOfChosen(_ leaf: Leaf) -> Bool {
            leaf.descriptor.isAttestation
                && digests.contains(leaf.descriptor.annotations?["vnd.docker.reference.digest"] ?? "")
        }
        if chosen.count == 1 {
            return Selection(
                root: chosen[0].descriptor, newIndex: nil,
                attestationsLeftOut: leaves.count(where: isAttestationOfChosen))
        }
        let kept = leaves.filter { leaf in
            chosen.contains { $0.descriptor.digest == leaf.descriptor.digest } || isAttestationOfChosen(leaf)
        }
        let made = try newIndex(of: kept.map(\.json), like: node)
        return Selection(root: made.descriptor, newIndex: made)
    }

    private func notFound(_ wish: Platform, _ there: [Platform?]) -> ImageStoreError {
        ImageStoreError(
            .platformNotFound(wanted: wish.description, available: there.compactMap { $0?.description }),
            subject: source.label)
    }

    /// - Parameter visited: the indexes that were looked into; each is, once.
    private mutating func leaves(
        of node: ManifestNode, depth: Int, _ visited: inout Set<Digest>
    ) throws -> [Leaf] {
        try flag.check()
        guard case .index(let index) = node.document, visited.insert(node.descriptor.digest).inserted else { return [] }
        guard depth < Self.maximumDepth else {
            throw invalid("indexes lie in each other deeper than \(Self.maximumDepth) levels")
        }
        let json = try JSONValue(parsing: node.bytes)["manifests"]?.items ?? []
        var leaves: [Leaf] = []
        for (child, json) in zip(index.manifests, json) {
            if child.mediaType.isIndex {
                // A nested index that is absent has no leaves to choose from.
                if let nested = try document(child) {
                    leaves += try self.leaves(of: nested, depth: depth + 1, &visited)
                }
            } else if let platform = child.platform {
                leaves.append(Leaf(descriptor: child, json: json, platform: platform))
            } else {
                let platform = try document(child).flatMap { try configPlatform(of: $0) }
                leaves.append(Leaf(descriptor: child, json: json, platform: platform))
            }
            guard leaves.count <= 10_000 else { throw invalid("its indexes list more than 10000 images") }
        }
        return leaves
    }

    private func configPlatform(of node: ManifestNode) throws -> Platform? {
        guard case .manifest(let manifest) = node.document else { return nil }
        return try configDocument(manifest.config)?.platform
    }

    /// The same index with fewer children, under a digest of its own: keys sorted, no white space, so that one choice
    /// always has one digest.
    private func newIndex(of children: [JSONValue], like node: ManifestNode) throws -> ManifestNode {
        guard case .object(var members) = try JSONValue(parsing: node.bytes) else { throw invalid("no JSON object") }
        members["manifests"] = .array(children)
        members["mediaType"] = .string(node.document.mediaType.rawValue)
        members["subject"] = nil  // what the whole index was attached to, its part is not
        let bytes = try JSONValue.object(members).bytes()
        let descriptor = Descriptor(
            mediaType: node.document.mediaType, digest: Digest(of: bytes), size: Int64(bytes.count))
        return ManifestNode(
            descriptor: descriptor, bytes: bytes,
            document: try ManifestDocument(parsing: bytes, declared: descriptor.mediaType))
    }
}

extension Descriptor {
    func with(mediaType: MediaType) -> Descriptor {
        Descriptor(
            mediaType: mediaType, digest: digest, size: size, platform: platform, annotations: annotations,
            artifactType: artifactType, data: data, urls: urls)
    }
}
