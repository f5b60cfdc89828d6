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
            guard kinds.count > 1 else {
                let parts = kinds.map { Part(digest: whole.digest, platforms: platforms, machine: $0.kind.machineName) }
                return ImageParts(whole: whole, machines: .success(parts))
            }
            var parts: [Part] = []
            for (kind, manifests) in kinds {
                // Of one machine the image is the part; several versions get an index of their own.
                var digest = manifests[0].digest
                if manifests.count > 1 {
                    digest = try await ImageContents.read(root: image.root, from: layout, platforms: [kind]).root.digest
                }
                parts.append(Part(digest: digest, platforms: [kind], machine: kind.machineName))
            }
            return ImageParts(whole: whole, machines: .success(parts))
        }
    }

    /// Pushes that one image can become. Each is a job, and no image is for so many machines.
    static let mostMachines = 200

    /// The machines that an image is for, each once; versions of Windows stay together.
    ///
    /// - Returns: each with the manifests for it, of which there is one at least.
    private static func kinds(
        of contents: ImageContents
    ) -> Result<[(kind: Platform, manifests: [Descriptor])], TemplateError.Reason> {
        guard contents.platforms.count <= mostMachines else {
            return .failure(.tooManyMachines(contents.platforms.count))
        }
        var kinds: [(kind: Platform, manifests: [Descriptor])] = []
        var places: [String: Int] = [:]
        var versions: Set<Platform> = []
        for (platform, manifest) in contents.platforms {
            guard platform.isNamed else { return .failure(.platformUnknown(manifest.digest)) }
            let exact = platform.normalised
            let kind = Platform(os: exact.os, architecture: exact.architecture, variant: exact.variant)
            // The first of equals counts.
            let isNew = versions.insert(exact).inserted
            if let place = places[kind.machineName] {
                let other = kinds[place].kind
                guard other == kind else { return .failure(.machinesAlike(other, kind)) }
                if isNew { kinds[place].manifests.append(manifest) }
            } else {
                places[kind.machineName] = kinds.count
                kinds.append((kind, [manifest]))
            }
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
        case tooManyMachines(Int)

        var description: String {
            switch self {
            case .platformUnknown(let digest):
                "{arch} can't be filled in: \(digest) does not say which platform it is for"
            case .machinesAlike(let one, let other):
                "{arch} can't be filled in: \(one) and \(other) would both be \(one.machineName)"
            case .tooManyMachines(let count):
                "{arch} can't be filled in: the image is for \(count) machines, and one push becomes "
                    + "\(ImageParts.mostMachines) at most; choose some with --platform"
            }
        }
    }
}
