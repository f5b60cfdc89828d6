import ImageStore
public import OCI
public import PushQueue
public import Registry

/// What somebody wants to have pushed.
public struct PushRequest: Sendable {
    /// As the user wrote it: `team/app:1`, `oci:/images/app:1`.
    public var image: String
    /// Empty: the image's own name is the destination.
    public var destinations: [String] = []
    /// Empty: all that the image has.
    public var platforms: [Platform] = []
    public var priority = 0
    /// Nil: as configured.
    public var verify: VerifyLevel?
    public var force = false
    /// From acceptance until the job counts as failed; nil: no limit.
    public var timeout: Duration?
    /// Every tag of the image's name in its store, not only one.
    public var allTags = false
    /// The format that its manifests are to have; nil: as configured for the registry, or as they are.
    public var format: ImageFormat?
    /// Nil: the daemon's own logins.
    public var login: PushLogin?

    public init(image: String) { self.image = image }
}

/// Why a push was not accepted; nothing was changed.
public enum PushRefusal: Error, Sendable, CustomStringConvertible {
    case destinationInvalid(ImageReferenceError)
    case destinationMissing(image: String)
    case digestDiffers(wanted: Digest, image: Digest)
    case loginMissing(registry: String, CallersLogins.Failure)
    case stopping

    public var description: String {
        switch self {
        case .destinationInvalid(let error): error.description
        case .destinationMissing(let image): "\"\(image)\" does not say which registry it is for"
        case .digestDiffers(let wanted, let image): "the destination wants \(wanted), the image is \(image)"
        case .loginMissing(let registry, .missing): "you have no login for \(registry) of your own"
        case .loginMissing(let registry, .keptByHelper(let name, let path)):
            "your login for \(registry) is kept by docker-credential-\(name), which \(path) names"
        case .loginMissing(_, .unreadable(let path, let reason)): "your logins in \(path) can't be read: \(reason)"
        case .stopping: "pushd is stopping"
        }
    }

    public var advice: String? {
        switch self {
        case .destinationInvalid: "write the destination as HOST[:PORT]/REPOSITORY[:TAG]"
        case .destinationMissing(let image):
            "name the destination: pushctl push \(image) HOST/REPOSITORY:TAG, "
                + "or set defaults.registry and defaults.namespace in pushd.json5"
        case .digestDiffers: "leave the digest out, or push the image that has it"
        case .loginMissing(_, .unreadable): "mend the file, or give the login: pushctl push -u USER --password-stdin"
        case .loginMissing: "give it: pushctl push -u USER --password-stdin"
        case .stopping: "try again when it is back"
        }
    }
}

/// Turns a wish into durable jobs: the name is resolved now, the content is checked and pinned, the job is on disk.
struct Intake: Sendable {
    let queue: JobStore
    let spool: Spool
    let clock: @Sendable () -> Int64

    struct Order: Sendable {
        let image: String
        let destination: ImageReference
        let layout: OCILayout
        let stored: StoredImage
        /// Nil: as it is.
        let format: ImageFormat?
    }

    /// An image as it is pushed.
    struct Prepared: Sendable {
        let contents: ImageContents
        let change: ImageChange?
    }

    /// What would be pushed where.
    func orders(
        _ request: PushRequest, stores: LocalLayouts, settings: PublisherSettings
    ) async throws -> [Order] {
        let (image, layout) = try await stores.find(
            ImageName(parsing: request.image), defaultTag: settings.defaultTag)
        guard request.allTags else {
            return try destinations(request, of: image, settings).map {
                Order(
                    image: request.image, destination: $0, layout: layout, stored: image,
                    format: request.format ?? settings.format(at: $0))
            }
        }
        var orders: [Order] = []
        for (name, sibling) in try await siblings(of: image, in: layout, settings) {
            var one = request
            one.destinations = try request.destinations.map { text in
                let reference = try parse(text)
                return reference.withTag(name.tag).description
            }
            orders += try destinations(one, of: sibling, settings).map {
                Order(
                    image: name.description, destination: $0, layout: layout, stored: sibling,
                    format: request.format ?? settings.format(at: $0))
            }
        }
        return orders
    }

    private func siblings(
        of image: StoredImage, in layout: OCILayout, _ settings: PublisherSettings
    ) async throws -> [(PublishedName, StoredImage)] {
        func name(_ image: StoredImage) -> PublishedName? {
            PublishedName(names: image.names, directory: layout.directory, defaultTag: settings.defaultTag)
        }
        guard let own = name(image) else { return [] }
        return try await layout.images().compactMap { sibling in
            guard let found = name(sibling), found.name == own.name else { return nil }
            return (found, sibling)
        }
    }

    private func destinations(
        _ request: PushRequest, of image: StoredImage, _ settings: PublisherSettings
    ) throws -> [ImageReference] {
        if request.destinations.isEmpty {
            let named = image.names.compactMap { try? ImageReference(parsing: $0) }
            let candidates = named.filter(\.isQualified) + named
            guard let destination = candidates.lazy.compactMap({ settings.destination(for: $0) }).first else {
                throw PushRefusal.destinationMissing(image: request.image)
            }
            return [destination]
        }
        return try request.destinations.map { text in
            let reference = try parse(text)
            if let wanted = reference.digest, request.platforms.isEmpty, wanted != image.root.digest {
                throw PushRefusal.digestDiffers(wanted: wanted, image: image.root.digest)
            }
            guard let destination = settings.destination(for: reference) else {
                throw PushRefusal.destinationMissing(image: text)
            }
            // The digest was a condition, which holds; what is pushed to is the tag.
            return destination.tag.map { destination.withTag($0) } ?? destination
        }
    }

    private func parse(_ text: String) throws -> ImageReference {
        do { return try ImageReference(parsing: text) } catch { throw PushRefusal.destinationInvalid(error) }
    }

    /// Accepts all orders or none. What it returns survives a crash, and the local image may be deleted.
    ///
    /// - Parameter handled: what a rule has dealt with by this, marked in the same transaction.
    func accept(
        _ orders: [Order], _ request: PushRequest, origin: JobOrigin, handled: Handled?,
        settings: PublisherSettings
    ) async throws -> [Accepted] {
        var images: [PreparedKey: Prepared] = [:]
        let now = clock()
        var jobs: [NewJob] = []
        for order in orders {
            let key = PreparedKey(root: order.stored.root.digest, format: order.format)
            let image: Prepared
            if let known = images[key] { image = known } else { image = try await prepare(order, request.platforms) }
            images[key] = image
            jobs.append(try job(order, image, request, origin, settings, now: now))
        }
        guard let layout = orders.first?.layout else { return [] }
        return try await pinned(images.values.map(\.contents)[...], from: layout) { [jobs] in
            guard let handled else { return try await queue.accept(jobs, now: now) }
            return try await queue.accept(jobs, handled: handled, now: now)
        }
    }

    private struct PreparedKey: Hashable {
        let root: Digest
        let format: ImageFormat?
    }

    /// Reads an image whole, of the wanted platforms and in the wanted format.
    ///
    /// - Throws: `ImageStoreError`; ``PushRefusal/digestDiffers(wanted:image:)`` where the destination is a digest, and
    ///   that is not what would be pushed.
    func prepare(_ order: Order, _ platforms: [Platform]) async throws -> Prepared {
        var contents = try await ImageContents.read(
            root: order.stored.root, from: order.layout, platforms: platforms)
        var format: ImageFormat?
        var leftOut = ""
        if let wanted = order.format {
            let converted = try contents.converted(to: wanted, subject: order.image)
            if converted.contents.root.digest != contents.root.digest { format = wanted }
            contents = converted.contents
            leftOut = converted.losses.joined(separator: ", ")
        }
        if order.destination.tag == nil, let wanted = order.destination.digest, wanted != contents.root.digest {
            throw PushRefusal.digestDiffers(wanted: wanted, image: contents.root.digest)
        }
        let named = order.stored.root
        let isSame = named.digest == contents.root.digest
        return Prepared(
            contents: contents,
            change: isSame
                ? nil
                : ImageChange(
                    named: Descriptor(mediaType: named.mediaType, digest: named.digest, size: named.size),
                    format: format, leftOut: leftOut))
    }

    private func job(
        _ order: Order, _ image: Prepared, _ request: PushRequest, _ origin: JobOrigin, _ settings: PublisherSettings,
        now: Int64
    ) throws -> NewJob {
        let root = image.contents.root
        return NewJob(
            image: order.image, source: order.layout.storeID,
            root: Descriptor(mediaType: root.mediaType, digest: root.digest, size: root.size),
            destination: order.destination, blobs: image.contents.jobBlobs, verify: request.verify ?? settings.verify,
            force: request.force, priority: request.priority,
            expiresAt: request.timeout.map { now + $0.inMilliseconds }, origin: origin,
            platforms: request.platforms.map(\.description), change: image.change)
    }

    /// Runs `body` while all of `contents` are pinned and cannot be swept away.
    private func pinned<Value: Sendable>(
        _ contents: ArraySlice<ImageContents>, from layout: OCILayout, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let first = contents.first else { return try await body() }
        return try await spool.withPinned(first, from: layout) { _ in
            try await pinned(contents.dropFirst(), from: layout, body)
        }
    }
}

extension ImageContents {
    /// What the queue keeps of an image: its manifests, children first, then its blobs.
    var jobBlobs: [JobBlob] {
        manifests.map {
            JobBlob(
                digest: $0.descriptor.digest, size: $0.descriptor.size, mediaType: $0.descriptor.mediaType.rawValue,
                role: .manifest, isSent: true)
        }
            + blobs.map {
                JobBlob(
                    digest: $0.descriptor.digest, size: $0.descriptor.size, mediaType: $0.descriptor.mediaType.rawValue,
                    role: $0.role == .config ? .config : .layer, isSent: $0.isSent)
            }
    }
}
