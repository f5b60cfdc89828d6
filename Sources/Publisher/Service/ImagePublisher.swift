public import HTTP
public import ImageStore
public import OCI
public import PushQueue
public import Registry

/// The module's entry point: accepts pushes, runs them, reports their state, and verifies the result.
///
/// One for each state directory. ``run()`` works until it is cancelled; all other methods may be called at any time.
public actor ImagePublisher {
    let queue: JobStore
    private let spool: Spool
    let http: HTTPClient
    let registries: RegistryPool
    private let maker: RegistryMaker
    let engine: Engine
    private let intake: Intake
    let clocks: Clocks
    var clock: @Sendable () -> Int64 { clocks.wall }
    private let log: @Sendable (PublisherLog) -> Void
    private let touched: Broadcast<JobID>
    private var directories: [String]
    private var rescan: Duration
    private let storesChanged = Signal()
    var settings: PublisherSettings
    var credentials: any CredentialProvider
    let bandwidth: Bandwidth

    /// - Parameters:
    ///   - queue: open and migrated.
    ///   - directories: the OCI layouts of this machine.
    ///   - hub: the root of Docker Hub's interface for repositories.
    public init(
        queue: JobStore, spool: Spool, directories: [String], rescan: Duration,
        http: HTTPClient, credentials: any CredentialProvider, settings: PublisherSettings,
        hub: String = RepositoryMaker.hubAddress, clocks: Clocks = .machine,
        log: @escaping @Sendable (PublisherLog) -> Void
    ) {
        self.queue = queue
        self.spool = spool
        self.http = http
        self.clocks = clocks
        let clock = clocks.wall
        self.log = log
        self.settings = settings
        self.credentials = credentials
        self.directories = directories
        self.rescan = rescan
        let touched = Broadcast<JobID>(capacity: 4096)
        self.touched = touched
        bandwidth = Bandwidth(settings, clock: clock)
        intake = Intake(queue: queue, spool: spool, clock: clock)
        maker = RegistryMaker(http: http, hub: hub, queue: queue, bandwidth: bandwidth, clock: clock, log: log)
        registries = RegistryPool(
            make: maker.clients(settings, credentials), makeCommon: maker.common(settings))
        engine = Engine(
            parts: .init(
                queue: queue, spool: spool, registries: registries, transfers: SharedTransfers(),
                slots: Slots(settings.uploadSlots(limited: bandwidth.limitedRegistries)), clocks: clocks,
                random: { Double.random(in: 0..<1) }, sleep: { try await Task.sleep(for: $0) }, log: log),
            settings: settings, jobChanged: { touched.send($0) })
    }

    var stores: LocalLayouts { LocalLayouts(directories.map { OCILayout(directory: $0) }) }

    // MARK: Life

    /// To be called before the daemon reports that it is ready: recovers the jobs that the last daemon was running, and
    /// records the images of a store that is seen for the first time, so that only later ones count as new.
    ///
    /// - Throws: `QueueError` if the queue cannot even be read.
    public func prepare() async throws {
        let interrupted = try await queue.recover(now: clock())
        if interrupted > 0 { log(.recovered(jobs: interrupted)) }
        try await queue.cutWaits(now: clock(), longest: settings.retry.longestWait.inMilliseconds)
        try await tidy()
        await autoPublisher.lookFirst()
    }

    /// Works until the surrounding task is cancelled; uploads under way can be resumed afterwards. Comes after
    /// ``prepare()``.
    public func run() async {
        let jobChanges = queue.changes()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [engine] in await engine.run() }
            group.addTask { [weak self] in await self?.watchStores() }
            group.addTask { [weak self] in
                for await changes in jobChanges {
                    for change in changes.list { await self?.follow(change) }
                    // Some changes were dropped: tidy() frees the spool of jobs whose end was among them.
                    if changes.missedSome { try? await self?.tidy() }
                }
            }
            group.addTask { [bandwidth] in
                while (try? await Task.sleep(for: bandwidth.untilNextMinute)) != nil { bandwidth.refresh() }
            }
            group.addTask { [weak self] in
                while (try? await Task.sleep(for: .seconds(600))) != nil { try? await self?.tidy() }
            }
            await group.next()
            group.cancelAll()
        }
        queue.endEvents()
        touched.finish()
    }

    private var autoPublisher: AutoPublisher {
        AutoPublisher(
            intake: intake, queue: queue, directories: directories, rescan: rescan, clock: clock,
            settings: { [weak self] in await self?.settings ?? PublisherSettings() },
            accepted: { [weak self] jobs in await self?.announce(jobs) }, log: log)
    }

    /// Watches the stores, and begins anew when the configuration names others.
    private func watchStores() async {
        while !Task.isCancelled {
            let auto = autoPublisher
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await auto.run() }
                group.addTask { [storesChanged] in
                    let changes = storesChanged
                    await changes.next()
                }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// Takes new settings over; pushes under way keep the old ones to their end.
    public func apply(
        _ settings: PublisherSettings, directories: [String], rescan: Duration, credentials: any CredentialProvider
    ) async {
        self.settings = settings
        self.directories = directories
        self.rescan = rescan
        storesChanged.raise()
        self.credentials = credentials
        await registries.reset(make: maker.clients(settings, credentials), makeCommon: maker.common(settings))
        bandwidth.apply(settings)
        await engine.apply(settings, limited: bandwidth.limitedRegistries)
        await tryBlockedJobs()
    }

    /// After a reload: queues all blocked jobs again. A job whose cause persists is blocked again by its next attempt.
    private func tryBlockedJobs() async {
        await credentials.forgetAnswers()
        for registry in (try? await queue.registries()) ?? [] {
            guard let jobs = try? await queue.unblock(registry: registry, now: clock()), !jobs.isEmpty else { continue }
            await engine.tryNow(registry)
        }
        await engine.probeNow()
    }

    /// The machine's network has changed: registries that could not be reached are probed at once.
    public func networkChanged() async { await engine.probeNow() }

    /// The wall clock was set, or the machine was suspended: the engine looks for due jobs again.
    public func clockChanged() { engine.nudge() }

    /// Prunes what has become old and frees what no job needs any more.
    private func tidy() async throws {
        let (now, batch) = (clock(), 500)
        let historyAge = settings.historyAge.inMilliseconds
        while try await queue.prune(now: now, olderThan: historyAge, keep: settings.historyCount, batch: batch) == batch
        {}
        let events = settings.historyCount * Self.eventsOfJob
        while try await queue.pruneEvents(now: now, olderThan: historyAge, keep: events, batch: batch) == batch {}
        let ledgerAge = settings.ledgerAge.inMilliseconds
        while try await queue.pruneLedger(now: now, olderThan: ledgerAge, keep: Self.ledgerSize, batch: batch) == batch
        {}
        for upload in try await queue.staleUploads(olderThan: now - Self.uploadLife.inMilliseconds) {
            try await queue.removeUpload(
                registry: upload.registry, repository: upload.repository, digest: upload.digest)
        }
        try await spool.sweep { @Sendable [queue] in try await queue.allNeededDigests() }
    }

    /// Blobs whose places are remembered at most: some 100 MB of database.
    private static let ledgerSize = 500_000
    /// Registries purge uploads without activity after about a week.
    private static let uploadLife: Duration = .seconds(7 * 86_400)

    /// Events kept for each job that the history keeps: most have three or four.
    private static let eventsOfJob = 8

    private func follow(_ change: JobChange) async {
        touched.send(change.job)
        guard let job = try? await queue.job(change.job) else { return }
        if change.old == nil {
            log(.accepted(job: job.id, image: job.image, destination: job.destination, origin: job.origin))
        }
        if job.state.isEnded {
            if job.state == .canceled || job.state == .superseded { await engine.abandon([job.id]) }
            await engine.forget(job.id)
            await registries.removeLogin(of: job.id)
            let digests = (try? await queue.blobs(of: job.id))?.map(\.blob.digest) ?? []
            await spool.release(digests) { @Sendable [queue] in (try? await queue.neededDigests(among: $0)) ?? Set($0) }
        } else if job.state == .queued || job.state == .waiting {
            engine.nudge()
        }
    }

    // MARK: Pushes

    /// Accepts one job for each destination. On return they survive a crash.
    ///
    /// - Throws: `ImageStoreError`, ``PushRefusal``, `QueueError`; then nothing was accepted.
    public func push(_ request: PushRequest) async throws -> PushAnswer<Accepted> {
        let settings = settings
        let (orders, leftOut) = try await intake.orders(
            request, stores: stores, settings: settings, credentials: credentials)
        let logins = try request.login.map { login in
            try orders.map { (place: $0.destination, login: try login.login(for: $0.destination)) }
        }
        // Before the jobs are there: one may begin at once.
        var expected: [RegistryPool.Expectation] = []
        for (place, login) in logins ?? [] { expected.append(await registries.expectLogin(login, for: place)) }
        do {
            let jobs = try await intake.accept(orders, request, origin: .command, handled: nil, settings: settings)
            for (expectation, job) in zip(expected, jobs) {
                await registries.settleLogin(expectation, job: job.id)
                // It may have ended before: then nothing else forgets its login.
                let accepted = try? await queue.job(job.id)
                if accepted?.state.isEnded == true { await registries.removeLogin(of: job.id) }
            }
            announce(jobs)
            return PushAnswer(pushes: jobs, leftOut: leftOut)
        } catch {
            for expectation in expected { await registries.settleLogin(expectation, job: nil) }
            throw error
        }
    }

    private func announce(_ jobs: [Accepted]) {
        if jobs.contains(where: \.isNew) { engine.nudge() }
    }

    /// What ``push(_:)`` would do; nothing is changed and no registry is asked.
    public func plan(_ request: PushRequest) async throws -> PushAnswer<PushPlan> {
        var plans: [PushPlan] = []
        let (orders, leftOut) = try await intake.orders(
            request, stores: stores, settings: settings, credentials: credentials)
        for order in orders {
            let image = try await intake.prepare(order)
            let contents = image.contents
            let sent = contents.blobs.filter(\.isSent).map(\.descriptor.digest)
            let since = clock() - settings.ledgerAge.inMilliseconds
            let known = try await queue.known(
                among: sent, registry: order.destination.domain, repository: order.destination.path, since: since)
            let pending = try await queue.pendingJobs(for: order.destination)
            let joined = pending.first { $0.root.digest == contents.root.digest }
            plans.append(
                PushPlan(
                    image: order.image, source: order.layout.storeID, destination: order.destination,
                    root: contents.root, change: image.change, platforms: contents.platforms.map(\.platform),
                    blobs: contents.jobBlobs.filter { $0.role != .manifest }, known: known, joins: joined?.id,
                    supersedes: joined == nil ? pending.filter { $0.state != .running }.map(\.id) : []))
        }
        return PushAnswer(pushes: plans, leftOut: leftOut)
    }

    /// Jobs that one transaction changes, which other writes wait for.
    private static let piece = 1000

    public func cancel(_ ids: [JobID]) async throws -> [JobID: JobState] {
        var states: [JobID: JobState] = [:]
        var rest = ids[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Self.piece))
            rest = rest.dropFirst(Self.piece)
            states.merge(try await queue.cancel(piece, now: clock())) { first, _ in first }
            await engine.abandon(piece)
        }
        // Before the next push is accepted, which would keep the pause in force.
        try? await engine.forgetTroubleWithoutJobs()
        return states
    }

    /// Tries ended or waiting jobs again now; nil: all that failed or are blocked.
    ///
    /// A job that can't be retried does not prevent the others.
    public func retry(_ ids: [JobID]?) async throws -> RetryOutcome {
        await credentials.forgetAnswers()
        var outcome = RetryOutcome()
        var registries: Set<String> = []
        var rest = ids.map { Set($0).sorted(by: >)[...] }
        var before = JobID.max
        // Piece by piece, newest first: however many there are, few are held at a time.
        while true {
            let piece = rest.map { Array($0.prefix(Self.piece)) }
            rest = rest?.dropFirst(Self.piece)
            let states: Set<JobState>? = ids == nil ? [.failed, .blocked] : nil
            let jobs = try await queue.jobs(JobFilter(states: states, ids: piece, before: before, limit: Self.piece))
            for job in jobs {
                registries.insert(job.destination.domain)
                try await retry(job, &outcome)
            }
            before = jobs.last?.id ?? before
            if piece?.isEmpty ?? jobs.isEmpty { break }
        }
        for registry in registries { await engine.tryNow(registry) }
        engine.nudge()
        return outcome
    }

    private func retry(_ job: Job, _ outcome: inout RetryOutcome) async throws {
        do {
            let revived = try await retry(job)
            if !revived.isEmpty {
                outcome.revived += revived
            } else if let now = try await queue.job(job.id) {
                outcome.left.append((job.id, .init(now.state)))
            }
        } catch let error as ImageStoreError {
            outcome.left.append((job.id, .imageGone(error)))
        }
    }

    private func retry(_ job: Job) async throws -> [JobID] {
        guard job.state.isEnded else { return try await queue.retry([job.id], now: clock()) }
        // The spool has released its content when it ended.
        let source = ContentSources(of: job, spool: spool)
        let contents = try await contents(of: job, from: source)
        return try await spool.withPinned(contents, from: source) { [queue, clock] _ in
            try await queue.retry([job.id], now: clock())
        }
    }

    /// What a job pushes, from an image that may be in its store alone.
    private func contents(of job: Job, from source: ContentSources) async throws -> ImageContents {
        guard let change = job.change else {
            return try await ImageContents.read(root: job.root, from: source, platforms: [])
        }
        var contents = try await ImageContents.read(
            root: change.named, from: source, platforms: job.platforms.compactMap(Platform.init(parsing:)))
        if let format = change.format { contents = try contents.converted(to: format, subject: job.image).contents }
        guard contents.root.digest == job.root.digest else {
            throw ImageStoreError(.blobsMissing([job.root.digest]), subject: job.image)
        }
        return contents
    }

    public func pause(_ registry: String?) async {
        await engine.hold(registry)
        await record(NewEvent(.registryPaused, registry: registry))
    }

    public func resume(_ registry: String?) async {
        await engine.release(registry)
        await record(NewEvent(.registryResumed, registry: registry))
    }

    /// Stores an event that does not concern a job. A failure to store it is logged and has no other effect.
    public func record(_ event: NewEvent) async {
        do { try await queue.record(event, now: clock()) } catch { log(.queueTrouble(String(describing: error))) }
    }

    /// Sets how fast bodies may be sent, to one registry or with nil to all together.
    public func limitBandwidth(_ change: BandwidthChange, of registry: String?) async {
        bandwidth.change(change, of: registry)
        await engine.apply(settings, limited: bandwidth.limitedRegistries)
    }

    /// All registries together first.
    public var bandwidthInForce: [BandwidthInForce] { bandwidth.summary }

    // MARK: What is known

    public func jobs(_ filter: JobFilter) async throws -> [Job] { try await queue.jobs(filter) }

    public func counts() async throws -> [JobState: Int] { try await queue.counts() }

    public func attempts(of job: JobID) async throws -> [Attempt] { try await queue.attempts(of: job) }

    /// - Returns: nil where there is no such job.
    public func snapshot(_ id: JobID, withBlobs: Bool = true) async throws -> JobSnapshot? {
        guard let job = try await queue.job(id) else { return nil }
        return try await snapshot(job, withBlobs: withBlobs)
    }

    public func snapshot(_ job: Job, withBlobs: Bool) async throws -> JobSnapshot {
        let live = withBlobs && !job.state.isEnded ? await engine.progress(of: job.id) : [:]
        let stored = withBlobs ? try await queue.blobs(of: job.id) : []
        let activity = await engine.activity(of: job.destination.domain)
        return JobSnapshot(job, stored: stored, live: live, activity: activity)
    }

    /// Whether some of its bytes were sent, now or before it had to wait: only its blobs show how many.
    public func isPartlySent(_ job: JobID) async -> Bool { await !engine.progress(of: job).isEmpty }

    /// The ids of jobs as something about them changes, many times a second while bytes move.
    public func changes() -> AsyncStream<JobID> { touched.listen() }

    /// Reads the stored events, and with `follow` the new ones as they are stored.
    ///
    /// - Throws: ``EventAhead``, `QueueError`.
    public func events(from start: EventStart, follow: Bool) async throws -> EventReader {
        try await EventReader(queue: queue, from: start, follow: follow)
    }

    /// Where an image was published to, as far as the history goes.
    public func publications(of digest: Digest) async throws -> [Publication] {
        try await queue.publications(of: digest)
    }

    /// Everything that the stores hold, and the stores that could not be read.
    ///
    /// - Throws: `CancellationError`.
    public func images() async throws -> (images: [StoredImage], failures: [(store: String, error: ImageStoreError)]) {
        var images: [StoredImage] = []
        var failures: [(store: String, error: ImageStoreError)] = []
        for layout in stores.layouts {
            do { images += try await layout.images() } catch let error as ImageStoreError {
                failures.append((layout.storeID, error))
            }
        }
        return (images, failures)
    }

    /// Bytes of its blobs; nil where it is not whole, and can't be pushed as it is.
    public func size(of image: StoredImage) async -> Int64? {
        guard let layout = stores.layouts.first(where: { $0.storeID == image.storeID }) else { return nil }
        return try? await ImageContents.read(root: image.root, from: layout).totalBytes
    }
}

/// The result of a request: its pushes, and what it named that they leave out.
public struct PushAnswer<Push: Sendable>: Sendable {
    public let pushes: [Push]
    public let leftOut: [LeftOut]
}

/// One push that would be made.
public struct PushPlan: Sendable {
    public let image: String
    public let source: String
    public let destination: ImageReference
    public let root: Descriptor
    /// How ``root`` comes from the image in the store; nil where it is that image.
    public let change: ImageChange?
    public let platforms: [Platform]
    /// Configuration and layers.
    public let blobs: [JobBlob]
    /// Those of them that the registry is remembered to have in that repository.
    public let known: Set<Digest>
    /// The pending job that the push would join.
    public let joins: JobID?
    /// The pending jobs that it would take the place of.
    public let supersedes: [JobID]
}
