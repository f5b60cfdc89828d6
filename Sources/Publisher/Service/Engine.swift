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
        let slots: Slots<String>
        let clock: @Sendable () -> Int64
        let random: @Sendable () -> Double
        let sleep: @Sendable (Duration) async throws -> Void
        let log: @Sendable (PublisherLog) -> Void
    }

    private struct Run {
        let attempt: Int
        let task: Task<Void, Never>
        let progress: JobProgress
        /// Until when the registry was paused because of this attempt, which still ends.
        var pausedUntil: Int64?
    }

    private let parts: Parts
    private var settings: PublisherSettings
    private var schedule: Schedule
    private var runs: [JobID: Run] = [:]
    /// The bytes that were shown of blobs under way, of jobs that go on in a later attempt.
    private var shown: [JobID: [Digest: Int64]] = [:]
    private var claiming = ClaimWindow()
    /// Registries whose trouble was told to readers of events, and whose recovery is not yet.
    private var troubled: Set<String> = []
    private let stopping = Flag()
    private let wake = Signal()
    private let jobChanged: @Sendable (JobID) -> Void

    init(parts: Parts, settings: PublisherSettings, jobChanged: @escaping @Sendable (JobID) -> Void) {
        self.parts = parts
        self.settings = settings
        self.jobChanged = jobChanged
        schedule = Schedule(limits: settings.jobLimits)
    }

    /// Works until the surrounding task is cancelled; then ends gracefully, within about four seconds.
    func run() async {
        while !Task.isCancelled {
            do {
                let expired = try await parts.queue.expire(now: parts.clock())
                abandon(expired)
                expired.forEach(jobChanged)
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
        claiming.open()
        defer { claiming.close() }
        let closed = schedule.closedRegistries(now: now)
        guard let claim = try await parts.queue.claim(excludingRegistries: closed, now: now) else { return false }
        let name = claim.job.destination.domain
        if !schedule.mayStart(name, now: parts.clock()) {
            // It was closed while the queue was asked.
            await settle(claim) { queue, now in
                try await queue.retryLater(claim, at: now, error: nil, madeProgress: false, now: now)
            }
            return true
        }
        schedule.started(name)
        let progress = JobProgress(
            before: shown[claim.job.id] ?? [:], changed: { [jobChanged] in jobChanged(claim.job.id) })
        let task = Task { await perform(claim, progress) }
        runs[claim.job.id] = Run(attempt: claim.attempt, task: task, progress: progress)
        if claiming.wasAbandoned(claim.job.id) { task.cancel() }
        return true
    }

    /// How long nothing can become due; at most a minute, so that a changed clock heals.
    private func nextWake() async throws -> Duration {
        let now = parts.clock()
        let expiry = try await parts.queue.nextExpiry()
        var due: Int64?
        if schedule.hasRoom {
            due = try await parts.queue.nextDue(excludingRegistries: schedule.closedRegistries(now: now))
        }
        let next = [due, expiry, schedule.nextOpening(after: now)].compactMap { $0 }.min() ?? now + 60_000
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
        // Before the end is written: the next attempt may begin as soon as it is.
        let bytes = progress.bytesShown
        shown[claim.job.id] = bytes.isEmpty ? nil : bytes
        if await !conclude(claim, result, progress) { shown[claim.job.id] = nil }
        // The next attempt at the same job may have begun as soon as this one's end was written.
        if runs[claim.job.id]?.attempt == claim.attempt { runs[claim.job.id] = nil }
        schedule.ended(name, now: parts.clock())
        jobChanged(claim.job.id)
        wake.raise()
    }

    /// Writes how an attempt ended, again and again until the queue takes it: a job must not stay with nobody.
    ///
    /// While it waits the attempt keeps its place, so that nothing new is begun that could not be recorded either.
    /// When the daemon stops meanwhile, its next start finds the job as running and takes it up.
    ///
    /// - Returns: whether it was written; the job may have ended in another way meanwhile.
    @discardableResult
    private func settle(_ claim: Claim, _ write: (JobStore, _ now: Int64) async throws -> Void) async -> Bool {
        var pause = Duration.milliseconds(50)
        while true {
            do {
                try await write(parts.queue, parts.clock())
                return true
            } catch let error as QueueError where error.isStaleClaim {
                return false  // it was canceled, say
            } catch {
                parts.log(.queueTrouble("job \(claim.job.id): \(error)"))
            }
            // A task of its own: a canceled attempt waits like any other.
            let sleep = parts.sleep
            let nap = pause
            _ = await Task { try? await sleep(nap) }.value
            if stopping.isRaised { return false }
            pause = min(pause * 2, .seconds(5))
        }
    }

    private func attempt(_ claim: Claim, _ progress: JobProgress) async throws -> PushRun.Success {
        let job = claim.job
        let name = job.destination.domain
        let registry = try await parts.registries.registry(for: job)
        let registrySettings = settings.settings(for: name)
        let delivery = BlobDelivery(
            job: job.id, isFirstTry: job.failures == 0, repository: job.destination.path, registry: registry,
            queue: parts.queue,
            content: ContentSources(of: job, spool: parts.spool), transfers: parts.transfers, slots: parts.slots,
            progress: progress, settings: settings, clock: parts.clock, isStopping: { [stopping] in stopping.isRaised })
        let verifier = Verifier(
            client: registry.client, repository: job.destination.path, grace: registrySettings.manifestGrace,
            sleep: parts.sleep)
        let run = PushRun(
            claim: claim, delivery: delivery, verifier: verifier,
            answered: { [weak self] changed in await self?.answered(name, changed: changed) },
            mayAsk: { [weak self] in try await self?.checkPause(of: name) },
            troubled: { [weak self] error in await self?.troubled(claim, PushFailure(error)) })
        parts.log(.attemptStarted(job: job.id, attempt: claim.attempt, destination: job.destination))
        return try await run.run()
    }

    private func answered(_ registry: String, changed: Bool) {
        let wasOpen = schedule.isOpen(registry)
        if changed { schedule.worked(registry) } else { schedule.answered(registry) }
        if !wasOpen, schedule.isOpen(registry) { wake.raise() }
        noteRecovery(of: registry)
    }

    private func noteRecovery(of registry: String) {
        guard schedule.isOpen(registry), troubled.remove(registry) != nil else { return }
        note(NewEvent(.registryRecovered, registry: registry))
    }

    private func note(_ event: NewEvent) {
        parts.queue.note(event, now: parts.clock()) { [log = parts.log] in log(.queueTrouble(String(describing: $0))) }
    }

    /// Another job's trouble has paused the registry: this one goes on afterwards, and no failure counts for it.
    private struct RegistryPaused: Error {
        let until: Int64
    }

    private func checkPause(of registry: String) throws {
        if let until = schedule.pause(of: registry, now: parts.clock()) { throw RegistryPaused(until: until) }
    }

    /// - Returns: when the registry is tried again, if the failure pauses it.
    @discardableResult
    private func troubled(_ claim: Claim, _ failure: PushFailure) -> Int64? {
        guard case .pauseRegistry(let after) = failure.disposition else { return nil }
        let isCurrent = runs[claim.job.id]?.attempt == claim.attempt
        if isCurrent, let until = runs[claim.job.id]?.pausedUntil { return until }
        let until = schedule.failed(
            claim.job.destination.domain, now: parts.clock(), retryAfter: after, reason: failure.error.message,
            policy: settings.retry, random: parts.random())
        if isCurrent { runs[claim.job.id]?.pausedUntil = until }
        if troubled.insert(claim.job.destination.domain).inserted {
            note(
                NewEvent(
                    .registryTrouble, registry: claim.job.destination.domain, code: failure.error.code,
                    message: failure.error.message))
        }
        return until
    }

    /// - Returns: whether there will be another attempt.
    private func conclude(
        _ claim: Claim, _ result: Result<PushRun.Success, any Error>, _ progress: JobProgress
    ) async -> Bool {
        let job = claim.job
        switch result {
        case .success(let success):
            // One HEAD that finds the tag shows no more than that the registry answers.
            answered(job.destination.domain, changed: !success.outcomes.isEmpty)
            await settle(claim) { queue, now in
                let existing = try await existingBlobs(claim, success)
                try await queue.succeed(claim, verified: success.verified.rawValue, reports: existing, now: now)
                parts.log(.succeeded(job: job.id, destination: job.destination))
            }
            return false
        case .failure(is CancellationError):
            // Canceled by a person: the queue knows already and fences this out. Stopping: the attempt is given back.
            return await giveBack(claim, until: nil)
        case .failure(let paused as RegistryPaused):
            return await giveBack(claim, until: paused.until)
        case .failure(let error as QueueError) where error.isStaleClaim:
            return false
        case .failure(let error):
            return await concludeFailure(claim, PushFailure(error), progress)
        }
    }

    private func giveBack(_ claim: Claim, until due: Int64?) async -> Bool {
        await settle(claim) { queue, now in
            try await queue.retryLater(claim, at: due ?? now, error: nil, madeProgress: false, now: now)
        }
    }

    /// What was neither sent nor mounted was there.
    private func existingBlobs(_ claim: Claim, _ success: PushRun.Success) async throws -> [BlobReport] {
        try await parts.queue.blobs(of: claim.job.id).filter { state in
            state.blob.isSent && state.blob.role != .manifest && state.outcome == .pending
                && success.outcomes[state.blob.digest].map { $0.outcome == .existing } ?? true
        }.map { BlobReport(digest: $0.blob.digest, outcome: .existing) }
    }

    private func concludeFailure(_ claim: Claim, _ failure: PushFailure, _ progress: JobProgress) async -> Bool {
        let job = claim.job
        let name = job.destination.domain
        let now = parts.clock()
        if failure.registryAnswered {
            schedule.answered(name)
            noteRecovery(of: name)
        }
        parts.log(.attemptFailed(job: job.id, attempt: claim.attempt, error: failure.error))
        // Bytes that were sent and lost are no progress: a registry that loses all would be sent them for ever.
        let advanced = progress.hasAdvanced
        let failures = advanced ? 1 : job.failures + 1
        let pausedUntil = troubled(claim, failure)
        var due: Int64?
        if settings.retry.allowsRetry(failures: failures, createdAt: job.createdAt, now: now) {
            switch failure.disposition {
            case .fail, .block: break
            case .pauseRegistry: due = pausedUntil
            case .waitForFile:
                let attempts = (try? await parts.queue.attempts(of: job.id)) ?? []
                let earlier = FilePatience.series(attempts.map(\.error?.code), failures: failures)
                due = settings.filePatience.wait(after: earlier).map { now + $0.inMilliseconds }
            case .retry(let after):
                let delay = settings.retry.delay(failures: failures, retryAfter: after, random: parts.random())
                due = now + delay.inMilliseconds
            }
        }
        let isWritten = await settle(claim) { queue, now in
            try await recordLost(claim, progress.movedBytes)
            if let due {
                try await queue.retryLater(claim, at: due, error: failure.error, madeProgress: advanced, now: now)
            } else if failure.disposition == .block {
                try await queue.block(claim, error: failure.error, now: now)
            } else {
                try await queue.fail(claim, error: failure.error, now: now)
            }
        }
        return isWritten && (due != nil || failure.disposition == .block)
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
        claiming.abandon(jobs)
    }

    /// A person wants a registry's jobs tried now, whatever its trouble was.
    func tryNow(_ registry: String) {
        schedule.tryNow(registry)
        wake.raise()
    }

    func hold(_ registry: String?) { schedule.hold(registry) }

    func release(_ registry: String?) {
        schedule.release(registry)
        wake.raise()
    }

    func apply(_ settings: PublisherSettings) async {
        self.settings = settings
        await parts.slots.setLimits(settings.uploadSlots)
        schedule.limits = settings.jobLimits
        wake.raise()
    }

    /// What a running job does this moment; of one that waits for its next attempt, how far it had come.
    func progress(of job: JobID) -> [Digest: JobProgress.Blob] {
        runs[job]?.progress.snapshot ?? (shown[job] ?? [:]).mapValues { JobProgress.Blob(bytesDone: $0) }
    }

    /// The job has ended: a later life of it begins with nothing.
    func forgetProgress(of job: JobID) { shown[job] = nil }

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
