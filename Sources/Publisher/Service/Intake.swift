import ImageStore
import OCI
import PushQueue

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
        /// What of the image is pushed there; empty: all that it has.
        let platforms: [Platform]
    }

    /// What is read of a store once, however many destinations get it.
    private struct Content: Hashable {
        let root: Digest
        let platforms: [Platform]

        init(_ order: Order) {
            root = order.stored.root.digest
            platforms = order.platforms
        }
    }

    /// Accepts all orders or none. What it returns survives a crash, and the local image may be deleted.
    ///
    /// - Parameter handled: what a rule has dealt with by this, marked in the same transaction.
    func accept(
        _ orders: [Order], _ request: PushRequest, origin: JobOrigin, handled: Handled?,
        settings: PublisherSettings
    ) async throws -> [Accepted] {
        var contents: [Content: ImageContents] = [:]
        for order in orders where contents[Content(order)] == nil {
            contents[Content(order)] = try await ImageContents.read(
                root: order.stored.root, from: order.layout, platforms: order.platforms)
        }
        let now = clock()
        let jobs = orders.compactMap { order in
            contents[Content(order)].map { contents in
                NewJob(
                    image: order.image, source: order.layout.storeID,
                    root: Descriptor(
                        mediaType: contents.root.mediaType, digest: contents.root.digest, size: contents.root.size),
                    destination: order.destination, blobs: contents.jobBlobs, verify: request.verify ?? settings.verify,
                    force: request.force, priority: request.priority,
                    expiresAt: request.timeout.map { now + $0.inMilliseconds }, origin: origin,
                    platforms: order.platforms.map(\.description))
            }
        }
        guard let layout = orders.first?.layout else { return [] }
        return try await pinned(Array(contents.values)[...], from: layout) {
            guard let handled else { return try await queue.accept(jobs, now: now) }
            return try await queue.accept(jobs, handled: handled, now: now)
        }
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
