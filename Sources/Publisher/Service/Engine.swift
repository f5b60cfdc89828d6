import ImageStore
import OCI
import PushQueue
import Registry

/// Claims due jobs and runs them, each in a task of its own, as many as the limits allow.
///
/// What may start is decided by ``Schedule``, which job it is by the queue, how it goes by ``PushRun``; this actor
/// only carries out.
actor Engine {
    struct Parts: Sendable {
        let queue: JobStore
        let spool: Spool
        let registries: RegistryPool
        let transfers: SharedTransfers
        let slots: TransferSlots
        let clock: @Sendable () -> Int64
        let random: @Sendable () -> Double
        let sleep: @Sendable (Duration) async throws -> Void
        let log: @Sendable (PublisherLog) -> Void
    }

    private struct Run {
        let task: Task<Void, Never>
        let progress: JobProgress
    }

    private let parts: Parts
    private var settings: PublisherSettings
    private var schedule: Schedule
    private var runs: [JobID: Run] = [:]
    private var isStopping = false
    private let stopping = Flag()
    private let wake = Signal()
    private let jobChanged: @Sendable (JobID) -> Void

    init(parts: Parts, settings: PublisherSettings, jobChanged: @escaping @Sendable (JobID) -> Void) {
        self.parts = parts
        self.settings = settings
        self.jobChanged = jobChanged
        schedule = Schedule(limits: .init(jobs: settings.jobs, jobsPerRegistry: settings.jobsPerRegistry))
    }

    /// Works until the surrounding task is cancelled; then ends gracefully, within about four seconds.
    func run() async {
        while !Task.isCancelled {
            do {
                try await parts.queue.expire(now: parts.clock()).forEach(jobChanged)
                while schedule.hasRoom, !Task.isCancelled, try await startOne() {}
                try await wake.wait(for: try await nextWake())
            } catch is CancellationError {
                break
            } catch {
                // The disk is full, say: nothing can be claimed. It is tried again, and told each time it changes.
                parts.log(.queueTrouble(String(describing: error)))
                try? await wake.wait(for: .seconds(5))
            }
        }
        await stop()
    }

    /// Something changed that may let a job start.
    nonisolated func nudge() { wake.raise() }

    private func startOne() async throws -> Bool {
        let now = parts.clock()
        let closed = schedule.closedRegistries(now: now)
        guard let claim = try await parts.queue.claim(excludingRegistries: closed, now: now) else { return false }
        schedule.started(claim.job.destination.domain)
        let progress = JobProgress(changed: { [jobChanged] in jobChanged(claim.job.id) })
        let task = Task { await perform(claim, progress) }
        runs[claim.job.id] = Run(task: task, progress: progress)
        return true
    }

    /// How long nothing can become due; at most a minute, so that a changed clock heals.
    private func nextWake() async throws -> Duration {
        guard schedule.hasRoom else { return .seconds(60) }
        let now = parts.clock()
        let due = try await parts.queue.nextDue(excludingRegistries: schedule.closedRegistries(now: now))
        let next = [due, schedule.nextOpening(after: now)].compactMap { $0 }.min() ?? now + 60_000
        return .milliseconds(min(max(next - now, 1), 60_000))
    }

    // MARK: One attempt

    private func perform(_ claim: Claim, _ progress: JobProgress) async {
        let name = claim.job.destination.domain
        let result: Result<PushRun.Success, any Error>
        do {
            result = .success(try await attempt(claim, progress))
        } catch {
            result = .failure(error)
        }
        do {
            try await conclude(claim, result, progress)
        } catch {
            parts.log(.queueTrouble("job \(claim.job.id): \(error)"))
        }
        runs[claim.job.id] = nil
        schedule.ended(name, now: parts.clock())
        jobChanged(claim.job.id)
        wake.raise()
    }

    private func attempt(_ claim: Claim, _ progress: JobProgress) async throws -> PushRun.Success {
        let job = claim.job
        let name = job.destination.domain
        let registry = try await parts.registries.registry(name)
        let registrySettings = settings.settings(for: name)
        let delivery = BlobDelivery(
            job: job.id, repository: job.destination.path, registry: registry, queue: parts.queue,
            content: ContentSources(of: job, spool: parts.spool), transfers: parts.transfers, slots: parts.slots,
            progress: progress, settings: settings, clock: parts.clock, isStopping: { [stopping] in stopping.isRaised })
        let verifier = Verifier(
            client: registry.client, repository: job.destination.path, grace: registrySettings.manifestGrace,
            sleep: parts.sleep)
        let run = PushRun(
            claim: claim, delivery: delivery, verifier: verifier,
            answered: { [weak self] in await self?.answered(name) })
        parts.log(.attemptStarted(job: job.id, attempt: claim.attempt, destination: job.destination))
        return try await run.run()
    }

    private func answered(_ registry: String) {
        let wasOpen = schedule.isOpen(registry)
        schedule.answered(registry)
        if !wasOpen { wake.raise() }
    }

    private func conclude(
        _ claim: Claim, _ result: Result<PushRun.Success, any Error>, _ progress: JobProgress
    ) async throws {
        let job = claim.job
        let now = parts.clock()
        do {
            switch result {
            case .success(let success):
                try await recordExisting(claim, success)
                try await parts.queue.succeed(claim, verified: success.verified.rawValue, now: now)
                parts.log(.succeeded(job: job.id, destination: job.destination))
            case .failure(is CancellationError):
                // Canceled by a person: the queue knows already and fences this out. Stopping: the attempt is given back.
                try await parts.queue.retryLater(claim, at: now, error: nil, madeProgress: false, now: now)
            case .failure(let error):
                try await concludeFailure(claim, PushFailure(error), moved: progress.movedBytes, now: now)
            }
        } catch let error as QueueError where error.isStaleClaim {
            return
        }
    }

    /// What was neither sent nor mounted was there.
    private func recordExisting(_ claim: Claim, _ success: PushRun.Success) async throws {
        let reports = try await parts.queue.blobs(of: claim.job.id).filter { state in
            state.blob.isSent && state.blob.role != .manifest && state.outcome == .pending
                && success.outcomes[state.blob.digest].map { $0.outcome == .existing } ?? true
        }.map { BlobReport(digest: $0.blob.digest, outcome: .existing) }
        if !reports.isEmpty { try await parts.queue.setOutcomes(claim, reports) }
    }

    private func concludeFailure(
        _ claim: Claim, _ failure: PushFailure, moved bytes: [Digest: Int64], now: Int64
    ) async throws {
        let moved = bytes.values.reduce(0, +)
        try await recordLost(claim, bytes)
        let job = claim.job
        let name = job.destination.domain
        if failure.registryAnswered { schedule.answered(name) }
        parts.log(.attemptFailed(job: job.id, attempt: claim.attempt, error: failure.error))
        let failures = moved > 0 ? 1 : job.failures + 1
        let mayRetry = settings.retry.allowsRetry(failures: failures, createdAt: job.createdAt, now: now)
        switch failure.disposition {
        case .fail: try await parts.queue.fail(claim, error: failure.error, now: now)
        case .block: try await parts.queue.block(claim, error: failure.error, now: now)
        case .retry, .pauseRegistry:
            guard mayRetry else {
                try await parts.queue.fail(claim, error: failure.error, now: now)
                return
            }
            let due: Int64
            if case .pauseRegistry(let after) = failure.disposition {
                due = schedule.failed(
                    name, now: now, retryAfter: after, reason: failure.error.message, policy: settings.retry,
                    random: parts.random())
            } else {
                var after: Duration?
                if case .retry(let wanted) = failure.disposition { after = wanted }
                due =
                    now
                    + settings.retry.delay(failures: failures, retryAfter: after, random: parts.random()).inMilliseconds
            }
            try await parts.queue.retryLater(claim, at: due, error: failure.error, madeProgress: moved > 0, now: now)
        }
    }

    /// What was sent of blobs that did not arrive, for the account of the attempt.
    private func recordLost(_ claim: Claim, _ bytes: [Digest: Int64]) async throws {
        guard bytes.values.contains(where: { $0 > 0 }) else { return }
        let pending = try await parts.queue.blobs(of: claim.job.id).filter { $0.outcome == .pending }
        let reports = pending.compactMap { state in
            bytes[state.blob.digest].map { BlobReport(digest: state.blob.digest, outcome: .pending, bytesSent: $0) }
        }
        if !reports.isEmpty { try await parts.queue.setOutcomes(claim, reports) }
    }

    // MARK: Commands

    /// Ends the runs of jobs that were canceled or superseded in the queue.
    func abandon(_ jobs: [JobID]) {
        for job in jobs { runs[job]?.task.cancel() }
    }

    func hold(_ registry: String?) { schedule.hold(registry) }

    func release(_ registry: String?) {
        schedule.release(registry)
        wake.raise()
    }

    func apply(_ settings: PublisherSettings) async {
        self.settings = settings
        await parts.slots.setLimits(settings.uploads, perRegistry: settings.uploadsPerRegistry)
        schedule.limits = .init(jobs: settings.jobs, jobsPerRegistry: settings.jobsPerRegistry)
        wake.raise()
    }

    /// What a running job does this moment; where it waits for another job's transfer, how far that one is.
    func progress(of job: JobID) -> [Digest: JobProgress.Blob] {
        var blobs = runs[job]?.progress.snapshot ?? [:]
        for (digest, blob) in blobs {
            guard let leader = blob.sharedWith else { continue }
            blobs[digest]?.detail = "shared with job \(leader)"
            blobs[digest]?.bytesDone = runs[leader]?.progress.snapshot[digest]?.bytesDone ?? 0
        }
        return blobs
    }

    var activity: [RegistryActivity] { schedule.summary }

    func pausedUntil(_ registry: String) -> Int64? {
        schedule.summary.first { $0.name == registry }?.pausedUntil
    }

    /// Uploads in pieces end at the next piece; whatever still runs after three seconds is cut. Either way the
    /// registry's offset is asked when the daemon is back.
    private func stop() async {
        stopping.raise()
        let tasks = runs.values.map(\.task)
        let cut = Task {
            try? await Task.sleep(for: .seconds(3))
            for task in tasks { task.cancel() }
        }
        let isPatient = await hasPieceUnderWay()
        if !isPatient { for task in tasks { task.cancel() } }
        for task in tasks { await task.value }
        cut.cancel()
    }

    private func hasPieceUnderWay() async -> Bool { runs.values.contains { $0.progress.isSendingPieces } }
}

extension QueueError {
    /// The job went on without this attempt: it was canceled, say.
    var isStaleClaim: Bool {
        if case .staleClaim = cause { true } else { false }
    }
}
