internal import ImageStore
internal import OCI
public import PushQueue
internal import Registry

/// Accepting pushes, and what people do to accepted ones.
extension ImagePublisher {
    /// Accepts one job for each destination. On return they survive a crash.
    ///
    /// - Throws: `ImageStoreError`, ``PushRefusal``, `QueueError`; then nothing was accepted.
    public func push(_ request: PushRequest) async throws -> PushAnswer<Accepted> {
        // A deadline is stored by the clock as it is now: a step of the clock that is not yet followed must not move it.
        try? await engine.noticeTime()
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

    func announce(_ jobs: [Accepted]) {
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
                await engine.restartTime(of: revived)
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
}
