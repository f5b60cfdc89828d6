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
        let store = "oci:" + directory
        var history = ScanHistory()
        while !Task.isCancelled {
            var failures: [ScanFindings.Failure]
            do {
                let found = try await scan(directory)
                for image in history.newlyLeftOut(found.leftOut) { report(image, of: store) }
                failures = found.failures
            } catch is CancellationError {
                return
            } catch { failures = [(nil, error)] }
            for line in history.newFailures(failures) { log(.storeTrouble(store: store, reason: line)) }
            // Without a failure the watcher looks more often than this.
            let pause = history.pause.map { min($0, rescan) } ?? max(rescan, .seconds(60))
            do { try await signal.wait(for: pause) } catch { return }
        }
    }

    private func report(_ image: UnpublishedImage, of store: String) {
        log(.storeTrouble(store: store, reason: "\(image)"))
        let event = NewEvent(.imageLeftOut, image: image.image, code: image.code, message: "\(store): \(image)")
        queue.note(event, now: clock()) { [log] in log(.queueTrouble(String(describing: $0))) }
    }

    /// Enqueues what rules name and was not dealt with yet, and finds out what can't be.
    ///
    /// - Throws: `ImageStoreError` where the store can't be read, `QueueError`, `CancellationError`.
    func scan(_ directory: String) async throws -> ScanFindings {
        let settings = await settings()
        let layout = OCILayout(directory: directory)
        var found = ScanFindings()
        guard layout.hasIndex else {
            // Every image that appears here later is new.
            try await markSeen(layout)
            return found
        }
        let contents = try await layout.contents()
        guard !settings.rules.isEmpty else { return found }
        let isBaseline = try await isFirstSight(of: layout) && !settings.publishesExisting
        found.leftOut = Self.unusable(contents.others, directory, settings)
        let twice = Self.namesOfSeveral(contents.images, directory, settings)
        for image in contents.images {
            let name: PublishedName
            switch PublishedName.read(names: image.names, directory: directory, defaultTag: settings.defaultTag) {
            case .name(let usable): name = usable
            case .unusable(let called, let reason):
                if settings.rules.contains(where: { $0.matches(called) }) {
                    found.leftOut.insert(UnpublishedImage("\(called)", code: "name-unusable", reason))
                }
                continue
            case .nameless:
                if let image = Self.nameless(image, among: contents, directory, settings) {
                    found.leftOut.insert(image)
                }
                continue
            }
            let rules = settings.rules.filter { $0.matches(name) }
            guard !rules.isEmpty else { continue }
            guard !twice.contains(name) else {
                found.leftOut.insert(
                    UnpublishedImage(
                        "\(name)", code: "image-ambiguous", "several images of \(layout.storeID) have this name"))
                continue
            }
            do {
                try await publish(image, name, by: rules, layout, settings, isBaseline: isBaseline)
            } catch let error as TemplateError {
                found.leftOut.insert(UnpublishedImage("\(name)", code: "template-unusable", "\(error)"))
            } catch let refusal as PushRefusal {
                found.leftOut.insert(UnpublishedImage("\(name)", code: refusal.code, "\(refusal)"))
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                found.failures.append(("\(name)", error))
            }
        }
        if found.failures.isEmpty { try await markSeen(layout) }
        return found
    }

    private func markSeen(_ layout: OCILayout) async throws {
        guard try await isFirstSight(of: layout) else { return }
        try await queue.setFact(registry: layout.storeID, name: "seen", value: "yes", now: clock())
    }

    private func isFirstSight(of layout: OCILayout) async throws -> Bool {
        try await queue.fact(registry: layout.storeID, name: "seen") == nil
    }

    private func publish(
        _ image: StoredImage, _ name: PublishedName, by rules: [PublishRule], _ layout: OCILayout,
        _ settings: PublisherSettings, isBaseline: Bool
    ) async throws {
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
