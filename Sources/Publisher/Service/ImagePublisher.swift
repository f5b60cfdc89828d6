public import HTTP
public import ImageStore
public import OCI
public import PushQueue
public import Registry
public import System

/// The module's entry point: accepts pushes, runs them, reports their state, and verifies the result.
///
/// One for each state directory. ``run()`` works until it is cancelled; all other methods may be called at any time.
public actor ImagePublisher {
    let queue: JobStore
    let spool: Spool
    let http: HTTPClient
    let registries: RegistryPool
    private let maker: RegistryMaker
    let engine: Engine
    let intake: Intake
    let clocks: Clocks
    var clock: @Sendable () -> Int64 { clocks.wall }
    let log: @Sendable (PublisherLog) -> Void
    private let touched: Broadcast<JobID>
    /// When this daemon was started.
    private let started: Moment
    private var directories: [String]
    private var rescan: Duration
    private let storesChanged = Signal()
    var settings: PublisherSettings
    var credentials: any CredentialProvider
    let bandwidth: Bandwidth
    /// Opens what members push as these members.
    let userFiles: UserFiles

    /// - Parameters:
    ///   - queue: open and migrated.
    ///   - directories: the OCI layouts of this machine.
    ///   - userFiles: opens files as other users.
    ///   - hub: the root of Docker Hub's interface for repositories.
    public init(
        queue: JobStore, spool: Spool, directories: [String], userFiles: UserFiles = .none, rescan: Duration,
        http: HTTPClient, credentials: any CredentialProvider, settings: PublisherSettings,
        hub: String = RepositoryMaker.hubAddress, clocks: Clocks = .machine,
        log: @escaping @Sendable (PublisherLog) -> Void
    ) {
        self.queue = queue
        self.spool = spool
        self.http = http
        self.clocks = clocks
        started = clocks.now
        let clock = clocks.wall
        self.log = log
        self.settings = settings
        self.credentials = credentials
        self.directories = directories
        self.userFiles = userFiles
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
                queue: queue, spool: spool, userFiles: userFiles, registries: registries, transfers: SharedTransfers(),
                slots: Slots(settings.uploadSlots(limited: bandwidth.limitedRegistries)), clocks: clocks,
                random: { Double.random(in: 0..<1) }, sleep: { try await Task.sleep(for: $0) }, log: log),
            settings: settings, jobChanged: { touched.send($0) })
    }

    /// The stores of this machine.
    ///
    /// - Parameter actsAs: as whom they, and those that a name points to, are opened; nil: with the daemon's own rights.
    func stores(actsAs: UserIdentity?) -> LocalLayouts {
        let rights = StoreRights(of: actsAs, by: userFiles)
        return LocalLayouts(directories.map { OCILayout(directory: $0, rights: rights) }, as: rights)
    }

    // MARK: Life

    /// To be called before the daemon reports that it is ready: recovers the jobs that the last daemon was running, and
    /// records the images of a store that is seen for the first time, so that only later ones count as new.
    ///
    /// - Throws: `QueueError` if the queue cannot even be read.
    public func prepare() async throws {
        let interrupted = try await queue.recover(now: clock())
        if interrupted > 0 { log(.recovered(jobs: interrupted)) }
        try await queue.cutWaits(now: clock(), longest: settings.retry.longestWait.inMilliseconds)
        try await takeUpTrouble()
        try await tidy()
        await autoPublisher.lookFirst()
    }

    /// What the daemon before this one knew of registries' trouble.
    private func takeUpTrouble() async throws {
        await engine.takeUp(inTrouble: try await queue.registriesInTrouble())
        for registry in try await queue.registries() {
            guard let pause = try await queue.fact(registry: registry, name: AskedPause.fact),
                let end = Int64(pause.value)
            else { continue }
            await engine.takeUpPause(of: registry, until: end)
        }
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
    func tidy() async throws {
        // A clock that was set forward makes nothing older than this daemon has seen it become.
        let now = min(clock(), started.wall(atElapsed: clocks.elapsed()))
        let batch = 500
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
            // Another user's job may have waited for this one's end.
            if job.state == .canceled || job.state == .failed { engine.nudge() }
            await engine.forget(job.id)
            await registries.removeLogin(of: job.id)
            let digests = (try? await queue.blobs(of: job.id))?.map(\.blob.digest) ?? []
            await spool.release(digests) { @Sendable [queue] in (try? await queue.neededDigests(among: $0)) ?? Set($0) }
        } else if job.state == .queued || job.state == .waiting {
            engine.nudge()
        }
    }

    // MARK: Control

    public func pause(_ registry: String?, by asker: Asker? = nil) async {
        let registry = registry.map(settings.names.name)
        await engine.hold(registry)
        await record(NewEvent(.registryPaused, registry: registry, askedBy: asker))
    }

    public func resume(_ registry: String?, by asker: Asker? = nil) async {
        let registry = registry.map(settings.names.name)
        await engine.release(registry)
        await record(NewEvent(.registryResumed, registry: registry, askedBy: asker))
    }

    /// Stores an event that does not concern a job. A failure to store it is logged and has no other effect.
    public func record(_ event: NewEvent) async {
        do { try await queue.record(event, now: clock()) } catch { log(.queueTrouble(String(describing: error))) }
    }

    /// Sets how fast bodies may be sent, to one registry or with nil to all together.
    public func limitBandwidth(_ change: BandwidthChange, of registry: String?) async {
        let registry = registry.map(settings.names.name)
        bandwidth.change(change, of: registry)
        await engine.apply(settings, limited: bandwidth.limitedRegistries)
    }

    /// All registries together first.
    public var bandwidthInForce: [BandwidthInForce] { bandwidth.summary }

    // MARK: What is known

    public func jobs(_ filter: JobFilter) async throws -> [Job] {
        var filter = filter
        filter.registry = filter.registry.map(settings.names.name)
        return try await queue.jobs(filter)
    }

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
        try await EventReader(queue: queue, from: start, follow: follow, now: clock)
    }

    /// Where an image was published to, as far as the history goes.
    ///
    /// - Parameter user: who asked for the pushes; nil: anyone.
    public func publications(of digest: Digest, askedBy user: UInt32? = nil) async throws -> [Publication] {
        try await queue.publications(of: digest, askedBy: user)
    }

    /// Everything that the stores hold, and the stores that could not be read.
    ///
    /// - Parameter actsAs: as whom the stores are opened; nil: with the daemon's own rights.
    /// - Throws: `CancellationError`.
    public func images(
        actsAs: UserIdentity? = nil
    ) async throws -> (images: [StoredImage], failures: [(store: String, error: ImageStoreError)]) {
        var images: [StoredImage] = []
        var failures: [(store: String, error: ImageStoreError)] = []
        for layout in stores(actsAs: actsAs).layouts {
            do { images += try await layout.images() } catch let error as ImageStoreError {
                failures.append((layout.storeID, error))
            }
        }
        return (images, failures)
    }

    /// Bytes of its blobs; nil where it is not whole, and can't be pushed as it is.
    public func size(of image: StoredImage, actsAs: UserIdentity? = nil) async -> Int64? {
        guard let layout = stores(actsAs: actsAs).layouts.first(where: { $0.storeID == image.storeID }) else {
            return nil
        }
        return try? await ImageContents.read(root: image.root, from: layout).totalBytes
    }
}
