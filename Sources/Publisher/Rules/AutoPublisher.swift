import ImageStore
import OCI
import PushQueue

/// Publishes new images by itself: what a rule matches is enqueued as soon as a store holds it whole.
///
/// Which digest of which name was dealt with is remembered in the queue's database, in the transaction that accepts
/// the jobs: nothing is published twice, and what changed while the daemon was down is caught up.
struct AutoPublisher: Sendable {
    let intake: Intake
    let queue: JobStore
    let directories: [String]
    let rescan: Duration
    let clock: @Sendable () -> Int64
    let settings: @Sendable () async -> PublisherSettings
    let accepted: @Sendable ([Accepted]) async -> Void
    let log: @Sendable (PublisherLog) -> Void

    /// Watches until the surrounding task is cancelled. Each store has a task of its own: one that is being written
    /// does not hold up the others.
    func run() async {
        guard !directories.isEmpty else {
            await Signal().next()
            return
        }
        let watcher = LayoutWatcher(directories: directories, rescan: rescan)
        let signals = Dictionary(directories.map { ($0, Signal()) }, uniquingKeysWith: { first, _ in first })
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await watcher.run() }
            group.addTask { for await directory in watcher.changes { signals[directory]?.raise() } }
            for (directory, signal) in signals { group.addTask { await keep(directory, signal) } }
            await group.waitForAll()
        }
    }

    /// Scans the stores that were never seen before. One that cannot be read is tried again by ``run()``.
    func lookFirst() async {
        for directory in directories {
            let layout = OCILayout(directory: directory)
            if (try? await isFirstSight(of: layout)) == true { _ = try? await scan(directory) }
        }
    }

    /// Scans a store at every sign of change, and now and then without. After a failure it looks again soon: mostly an
    /// image was still being written.
    private func keep(_ directory: String, _ signal: Signal) async {
        var failures = 0
        var told: String?
        var faults: Set<String> = []
        while !Task.isCancelled {
            do {
                do {
                    let found = try await scan(directory)
                    for fault in found.subtracting(faults).sorted() {
                        log(.storeTrouble(store: "oci:" + directory, reason: fault))
                    }
                    (failures, told, faults) = (0, nil, found)
                    try await signal.wait(for: max(rescan, .seconds(60)))  // the watcher looks more often
                } catch let error where !(error is CancellationError) {
                    failures += 1
                    let isExpected = (error as? ImageStoreError)?.mayBeUnfinished == true && failures < Self.patience
                    let reason = String(describing: error)
                    if !isExpected, told != reason {
                        log(.storeTrouble(store: "oci:" + directory, reason: reason))
                        told = reason
                    }
                    try await signal.wait(for: min(Self.pause(after: failures), rescan))
                }
            } catch { return }
        }
    }

    /// 50 ms for the first 20 scans, since missing blobs usually follow right after the index; then twice as long each.
    static func pause(after failures: Int) -> Duration {
        failures <= 20 ? .milliseconds(50) : .milliseconds(50 << min(failures - 20, 17))
    }

    /// Failed scans of an unfinished image, about seven seconds in all, before the failure is logged.
    private static let patience = 26

    /// - Returns: which images can't go where their rules say, and why: that lasts until they or the rules change.
    /// - Throws: the first other error, after the images without one were enqueued.
    func scan(_ directory: String) async throws -> Set<String> {
        let settings = await settings()
        let layout = OCILayout(directory: directory)
        guard layout.hasIndex else {
            // Every image that appears here later is new.
            try await markSeen(layout)
            return []
        }
        let contents = try await layout.contents()
        guard !settings.rules.isEmpty else { return [] }
        let isBaseline = try await isFirstSight(of: layout) && !settings.publishesExisting
        var failure: (any Error)?
        var faults = unusable(contents.others, directory, settings)
        for image in contents.images {
            let name: PublishedName
            switch PublishedName.read(names: image.names, directory: directory, defaultTag: settings.defaultTag) {
            case .name(let usable): name = usable
            case .unusable(let called, let reason):
                if settings.rules.contains(where: { $0.matches(called) }) {
                    faults.insert("\(called) is not published: \(reason)")
                }
                continue
            case .nameless:
                if let fault = nameless(image, among: contents, directory, settings) { faults.insert(fault) }
                continue
            }
            do {
                try await publish(image, name, layout, settings, isBaseline: isBaseline)
            } catch let fault as TemplateError {
                faults.insert("\(name) is not published: \(fault)")
            } catch let fault as PushRefusal {
                faults.insert("\(name) is not published: \(fault)")
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        try await markSeen(layout)
        return faults
    }

    /// Entries that rules match by name and that are no image, or can't be read.
    private func unusable(
        _ others: [LayoutContents.Other], _ directory: String, _ settings: PublisherSettings
    ) -> Set<String> {
        var faults: Set<String> = []
        for other in others {
            switch PublishedName.read(names: other.names, directory: directory, defaultTag: settings.defaultTag) {
            case .name(let name), .unusable(let name, _):
                guard settings.rules.contains(where: { $0.matches(name) }) else { continue }
                faults.insert("\(name) is not published: it \(other.reason)")
            case .nameless: continue
            }
        }
        return faults
    }

    /// An image without a name, where it is the only one of the layout: among several it is usually an older one, whose
    /// name a newer entry has taken over.
    ///
    /// - Returns: nil where no rule would match the layout's directory name.
    private func nameless(
        _ image: StoredImage, among contents: LayoutContents, _ directory: String, _ settings: PublisherSettings
    ) -> String? {
        guard contents.images.count == 1, let own = StoredImage.name(ofDirectory: directory),
            settings.rules.contains(where: { $0.matches(PublishedName(name: own, tag: settings.defaultTag)) })
        else { return nil }
        return "\(image.root.digest) is not published: it has no name in index.json; "
            + "write it with one, such as \(shellWord("oci:\(directory):\(settings.defaultTag)"))"
    }

    private func markSeen(_ layout: OCILayout) async throws {
        guard try await isFirstSight(of: layout) else { return }
        try await queue.setFact(registry: layout.storeID, name: "seen", value: "yes", now: clock())
    }

    private func isFirstSight(of layout: OCILayout) async throws -> Bool {
        try await queue.fact(registry: layout.storeID, name: "seen") == nil
    }

    private func publish(
        _ image: StoredImage, _ name: PublishedName, _ layout: OCILayout, _ settings: PublisherSettings,
        isBaseline: Bool
    ) async throws {
        let rules = settings.rules.filter { $0.matches(name) }
        guard !rules.isEmpty else { return }
        let key = name.description
        guard try await queue.handled(store: layout.storeID, name: key) != image.root.digest else { return }
        let mark = Handled(store: layout.storeID, name: key, digest: image.root.digest)
        if isBaseline {
            try await queue.setHandled(mark, now: clock())
            return
        }
        let orders = try await intake.orders(image, named: name, by: rules, in: layout, settings)
        let jobs = try await intake.accept(
            orders, PushRequest(image: key), origin: .rule, handled: mark, settings: settings)
        await accepted(jobs)
    }
}
