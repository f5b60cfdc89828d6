internal import ImageStore
internal import OCI
public import PushQueue
internal import Registry
internal import System

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
            request, stores: stores(actsAs: request.actsAs), settings: settings, credentials: credentials)
        let logins = try request.login.map { login in
            try orders.map {
                (place: $0.destination, login: try login.given(for: $0.destination, by: request.rights))
            }
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
            request, stores: stores(actsAs: request.actsAs), settings: settings, credentials: credentials)
        for order in orders {
            let image = try await intake.prepare(order)
            let contents = image.contents
            let sent = contents.blobs.filter(\.isSent).map(\.descriptor.digest)
            let since = clock() - settings.ledgerAge.inMilliseconds
            // What a repository has is no matter of a member who may not look there with the daemon's login.
            let mayKnow = request.rights.map { $0.mayUseDaemons(at: order.destination) } ?? true
            let known =
                try await mayKnow
                ? queue.known(
                    among: sent, registry: order.destination.domain, repository: order.destination.path, since: since)
                : []
            let all = try await queue.pendingJobs(for: order.destination)
            let pending = all.filter { $0.actsAs?.uid == request.actsAs?.uid || request.actsAs == nil }
            let joined = pending.first {
                $0.root.digest == contents.root.digest && $0.actsAs?.uid == request.actsAs?.uid
                    && $0.hasOwnLogin == (request.login != nil)
            }
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

    /// Tries ended or waiting jobs again now; nil: all that failed or are blocked, and are the caller's.
    ///
    /// A job that can't be retried does not prevent the others.
    ///
    /// - Parameters:
    ///   - rights: of the caller; nil: an operator's.
    ///   - login: a login of the caller's for these jobs, in place of what they had before.
    /// - Throws: `QueueError`, also where a member's quota does not take the jobs; ``PushRefusal`` where the login has none
    ///   for a job's registry.
    public func retry(
        _ ids: [JobID]?, by rights: CallerRights? = nil, login: PushLogin? = nil
    ) async throws -> RetryOutcome {
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
            let jobs = try await queue.jobs(
                JobFilter(
                    states: states, ids: piece, user: ids == nil ? rights?.ownJobs : nil, before: before,
                    limit: Self.piece))
            for job in jobs {
                registries.insert(job.destination.domain)
                try await retry(job, rights, login, &outcome)
            }
            before = jobs.last?.id ?? before
            if piece?.isEmpty ?? jobs.isEmpty { break }
        }
        // A pause is everybody's: that one's job has another try does not end it.
        if rights?.isOperator ?? true { for registry in registries { await engine.tryNow(registry) } }
        engine.nudge()
        return outcome
    }

    private func retry(
        _ job: Job, _ rights: CallerRights?, _ login: PushLogin?, _ outcome: inout RetryOutcome
    ) async throws {
        if let rights {
            guard rights.mayRetry(job) else { return outcome.left.append((job.id, .notYours)) }
            if login == nil, !job.hasOwnLogin {
                do { try rights.check(.login, at: job.destination) } catch {
                    return outcome.left.append((job.id, .notAllowed(error)))
                }
            }
        }
        do {
            let revived = try await retry(job, login?.given(for: job.destination, by: rights), rights?.quota)
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

    private func retry(_ job: Job, _ login: GivenLogin?, _ quota: MemberQuota?) async throws -> [JobID] {
        guard let login else { return try await revive(job, hasNewLogin: false, quota) }
        // Before the job is queued: it may begin at once.
        let expected = await registries.expectLogin(login, for: job.destination)
        do {
            let revived = try await revive(job, hasNewLogin: true, quota)
            await registries.settleLogin(expected, job: revived.first)
            return revived
        } catch {
            await registries.settleLogin(expected, job: nil)
            throw error
        }
    }

    private func revive(_ job: Job, hasNewLogin: Bool, _ quota: MemberQuota?) async throws -> [JobID] {
        guard job.state.isEnded else {
            return try await queue.retry([job.id], hasNewLogin: hasNewLogin, quota: quota, now: clock())
        }
        // The spool has released its content when it ended.
        let source = ContentSources(of: job, spool: spool, userFiles: userFiles)
        let contents = try await contents(of: job, from: source)
        return try await spool.withPinned(contents, from: source) { [queue, clock] _ in
            try await queue.retry([job.id], hasNewLogin: hasNewLogin, quota: quota, now: clock())
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
