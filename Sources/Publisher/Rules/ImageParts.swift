import ImageStore
import OCI

/// What of an image can go to a destination of its own: all of it, or what it has for one kind of machine.
struct ImageParts: Sendable {
    struct Part: Sendable, Hashable {
        /// Of what is pushed.
        let digest: Digest
        /// As a push selects it; empty: all that the image has.
        let platforms: [Platform]
        /// `amd64`, `armv7`; nil for all machines together.
        let machine: String?
    }

    let whole: Part
    /// One part for each platform, or why the platforms are unknown; nil where the image was not read.
    let machines: Result<[Part], TemplateError.Reason>?

    /// Without a look into the image.
    ///
    /// - Parameter root: of the whole image.
    init(root: Digest) {
        whole = Part(digest: root, platforms: [], machine: nil)
        machines = nil
    }

    init(whole: Part, machines: Result<[Part], TemplateError.Reason>) {
        self.whole = whole
        self.machines = machines
    }

    /// Looks into the image.
    ///
    /// - Parameter platforms: those that are wanted; empty: all.
    /// - Throws: `ImageStoreError`, `CancellationError`.
    static func read(_ image: StoredImage, in layout: OCILayout, platforms: [Platform]) async throws -> ImageParts {
        let contents = try await ImageContents.read(root: image.root, from: layout, platforms: platforms)
        let whole = Part(digest: contents.root.digest, platforms: platforms, machine: nil)
        switch kinds(of: contents) {
        case .failure(let reason): return ImageParts(whole: whole, machines: .failure(reason))
        case .success(let kinds):
            var parts: [Part] = []
            for kind in kinds {
                guard kinds.count > 1 else {
                    parts = [Part(digest: whole.digest, platforms: platforms, machine: kind.machineName)]
                    break
                }
                let root = try await ImageContents.read(root: image.root, from: layout, platforms: [kind]).root
                parts.append(Part(digest: root.digest, platforms: [kind], machine: kind.machineName))
            }
            return ImageParts(whole: whole, machines: .success(parts))
        }
    }

    /// The machines that an image is for, each once; versions of Windows stay together.
    private static func kinds(of contents: ImageContents) -> Result<[Platform], TemplateError.Reason> {
        var kinds: [Platform] = []
        for (platform, manifest) in contents.platforms {
            guard platform.isNamed else { return .failure(.platformUnknown(manifest.digest)) }
            let exact = platform.normalised
            let kind = Platform(os: exact.os, architecture: exact.architecture, variant: exact.variant)
            guard !kinds.contains(kind) else { continue }
            if let other = kinds.first(where: { $0.machineName == kind.machineName }) {
                return .failure(.machinesAlike(other, kind))
            }
            kinds.append(kind)
        }
        let known = Set(contents.platforms.map(\.manifest.digest))
        let unknown = contents.manifests.first { node in
            guard case .manifest = node.document, !node.descriptor.isAttestation else { return false }
            return !known.contains(node.descriptor.digest)
        }
        if let unknown { return .failure(.platformUnknown(unknown.descriptor.digest)) }
        return kinds.isEmpty ? .failure(.platformUnknown(contents.root.digest)) : .success(kinds)
    }
}

extension Platform {
    /// Architecture with variant: `amd64`, `arm64`, `armv7`.
    var machineName: String { architecture + (variant ?? "") }
}

extension TemplateError {
    /// Why `{arch}` can't be filled in.
    enum Reason: Error, Hashable {
        case platformUnknown(Digest)
        case machinesAlike(Platform, Platform)

        var description: String {
            switch self {
            case .platformUnknown(let digest):
                "{arch} can't be filled in: \(digest) does not say which platform it is for"
            case .machinesAlike(let one, let other):
                "{arch} can't be filled in: \(one) and \(other) would both be \(one.machineName)"
            }
        }
    }
}
