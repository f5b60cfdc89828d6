import ImageStore
import OCI
import PushQueue

/// Turns a request into durable jobs: resolves the name now, checks and pins the content, stores the job.
struct Intake: Sendable {
    let queue: JobStore
    let spool: Spool
    let clock: @Sendable () -> Int64

    struct Order: Sendable {
        let image: String
        let destination: ImageReference
        let layout: OCILayout
        let stored: StoredImage
        /// What of the image is pushed there; empty: all that it has.
        let platforms: [Platform]
        /// Nil: as it is.
        let format: ImageFormat?
    }

    /// An image as it is pushed.
    struct Prepared: Sendable {
        let contents: ImageContents
        let change: ImageChange?
    }

    /// Accepts all orders or none. What it returns survives a crash, and the local image may be deleted.
    ///
    /// - Parameter handled: what a rule has dealt with by this, marked in the same transaction.
    func accept(
        _ orders: [Order], _ request: PushRequest, origin: JobOrigin, handled: Handled?,
        settings: PublisherSettings
    ) async throws -> [Accepted] {
        var images: [PreparedKey: (Prepared, OCILayout)] = [:]
        let now = clock()
        var jobs: [NewJob] = []
        for order in orders {
            let key = PreparedKey(root: order.stored.root.digest, platforms: order.platforms, format: order.format)
            let image: Prepared
            if let known = images[key]?.0 { image = known } else { image = try await prepare(order) }
            images[key] = images[key] ?? (image, order.layout)
            jobs.append(try job(order, image, request, origin, settings, now: now))
        }
        guard !orders.isEmpty else { return [] }
        return try await pinned(images.values.map { ($0.contents, $1) }[...]) { [jobs] in
            guard let handled else {
                return try await queue.accept(jobs, quota: request.rights?.quota, now: now)
            }
            return try await queue.accept(jobs, handled: handled, now: now)
        }
    }

    private struct PreparedKey: Hashable {
        let root: Digest
        let platforms: [Platform]
        let format: ImageFormat?
    }

    /// Reads an image whole, of the wanted platforms and in the wanted format.
    ///
    /// - Throws: `ImageStoreError`; ``PushRefusal/digestDiffers(wanted:image:)`` where the destination is a digest, and
    ///   that is not what would be pushed.
    func prepare(_ order: Order) async throws -> Prepared {
        var contents = try await ImageContents.read(
            root: order.stored.root, from: order.layout, platforms: order.platforms)
        var format: ImageFormat?
        var leftOut: [String] = []
        let attestations = contents.attestationsLeftOut
        if let wanted = order.format {
            let converted = try contents.converted(to: wanted, subject: order.image)
            if converted.contents.root.digest != contents.root.digest { format = wanted }
            contents = converted.contents
            leftOut = converted.losses
        }
        if attestations > 0 {
            leftOut.append("\(attestations) attestation\(attestations == 1 ? "" : "s"), which only an index can hold")
        }
        if order.destination.tag == nil, let wanted = order.destination.digest,
            contents.manifests.last?.isNamed(by: wanted) != true
        {
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
                    format: format, leftOut: leftOut.joined(separator: ", ")))
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
            platforms: order.platforms.map(\.description), change: image.change, askedBy: request.rights?.caller,
            actsAs: request.actsAs, hasOwnLogin: request.login != nil)
    }

    /// Runs `body` while all of `images` are pinned and cannot be swept away.
    private func pinned<Value: Sendable>(
        _ images: ArraySlice<(contents: ImageContents, layout: OCILayout)>, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let first = images.first else { return try await body() }
        return try await spool.withPinned(first.contents, from: first.layout) { _ in
            try await pinned(images.dropFirst(), body)
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
