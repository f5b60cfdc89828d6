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
        var userFiles = UserFiles.none
        let registries: RegistryPool
        let transfers: SharedTransfers
        let slots: Slots<String>
        let clocks: Clocks
        let random: @Sendable () -> Double
        let sleep: @Sendable (Duration) async throws -> Void
        let log: @Sendable (PublisherLog) -> Void
        /// Called after each claim, before the engine has a run for it.
        var claimed: @Sendable (JobID) async -> Void = { _ in }
    }

    struct Run {
        let attempt: Int
        let registry: String
        let task: Task<Void, Never>
        let progress: JobProgress
        /// For how long attempts at the job had been possible when this one began, in milliseconds.
        let triedAtStart: Int64
        /// Whether the registry was paused because of this attempt, which still ends.
        var hasPaused = false
    }

    /// When a waiting job is given up without another attempt.
    struct LastCall {
        let registry: String
        /// By ``TryTime/open(_:)`` of the registry.
        let time: Int64
    }

    let parts: Parts
    var settings: PublisherSettings
    var schedule: Schedule
    var runs: [JobID: Run] = [:]
    /// The progress of jobs that will have another attempt.
    var carried: [JobID: JobProgress.Carried] = [:]
    var claiming = ClaimWindow()
    var tryTime: TryTime
    /// Of waiting jobs whose registry has asked for a pause that is longer than their time.
    var lastCalls: [JobID: LastCall] = [:]
    var wallClock: WallClock
    /// The clock's steps that are not yet applied to the queue, in milliseconds.
    var unfollowedStep: Int64 = 0
    /// Those with an event `registry-trouble` that no `registry-recovered` has followed yet.
    var registriesInTrouble: Set<String> = []
    private let stopping = Flag()
    let wake = Signal()
    let jobChanged: @Sendable (JobID) -> Void

    init(parts: Parts, settings: PublisherSettings, jobChanged: @escaping @Sendable (JobID) -> Void) {
        self.parts = parts
        self.settings = settings
        self.jobChanged = jobChanged
        schedule = Schedule(limits: settings.jobLimits)
        let now = parts.clocks.now
        tryTime = TryTime(awake: now.awake)
        wallClock = WallClock(now)
    }

    /// Works until the surrounding task is cancelled; then ends gracefully, within about four seconds.
    func run() async {
        while !Task.isCancelled {
            do {
                try await noticeTime()
                try await endOverdue()
                try await forgetTroubleWithoutJobs()
                while !Task.isCancelled, try await startOne() {}
                try await wake.wait(for: try await nextWake())
            } catch is CancellationError {
                break
            } catch {
                // For example a full disk: no job can be claimed. It is logged, and tried again.
                parts.log(.queueTrouble(String(describing: error)))
                try? await wake.wait(for: .seconds(5))
            }
        }
        await stop()
    }

    /// Something changed that may let a job start.
    nonisolated func nudge() { wake.raise() }

    private func startOne() async throws -> Bool {
        claiming.open()
        defer { claiming.close() }
        noteIdleJobs()
        guard schedule.hasRoom else { return false }
        let closed = schedule.closedRegistries(now: parts.clocks.elapsed())
        guard
            let claim = try await parts.queue.claim(
                excludingRegistries: closed, busy: schedule.busy, now: parts.clocks.wall())
        else { return false }
        await parts.claimed(claim.job.id)
        let name = claim.job.destination.domain
        let now = parts.clocks.elapsed()
        if !schedule.mayStart(name, now: now) {
            // The registry was paused during the claim.
            await settle(claim) { queue, now in
                try await queue.retryLater(claim, at: now, error: nil, madeProgress: false, now: now)
            }
            return true
        }
        schedule.started(name, now: now)
        tryTime.advance(awake: parts.clocks.awake())
        tryTime.began(claim.job.id, at: name)
        let tried = claim.job.tried + tryTime.uncounted(claim.job.id, at: name)
        lastCalls[claim.job.id] = nil
        let progress = JobProgress(
            before: carried[claim.job.id] ?? JobProgress.Carried(),
            changed: { [jobChanged] in jobChanged(claim.job.id) }, idles: { [wake] in wake.raise() })
        let task = Task { await perform(claim, progress) }
        runs[claim.job.id] = Run(
            attempt: claim.attempt, registry: name, task: task, progress: progress, triedAtStart: tried)
        if claiming.wasAbandoned(claim.job.id) { task.cancel() }
        return true
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
        carried[claim.job.id] = progress.carried
        let goesOn = await conclude(claim, result, progress)
        // The next attempt at the same job may have begun as soon as this one's end was written.
        if runs[claim.job.id]?.attempt == claim.attempt { runs[claim.job.id] = nil }
        // A job that was canceled was forgotten at once, and this attempt has counted its time since.
        if !goesOn, runs[claim.job.id] == nil { forget(claim.job.id) }
        schedule.ended(name, now: parts.clocks.elapsed())
        jobChanged(claim.job.id)
        wake.raise()
    }

    /// Writes how an attempt ended, and repeats that until the queue accepts it: no job may stay `running` without a
    /// worker.
    ///
    /// Meanwhile the attempt keeps its place, so that no job starts whose end could not be recorded either. When the
    /// daemon stops meanwhile, its next start recovers the job.
    ///
    /// - Returns: whether it was written; the job may have ended in another way meanwhile.
    @discardableResult
    private func settle(_ claim: Claim, _ write: (JobStore, _ now: Int64) async throws -> Void) async -> Bool {
        var pause = Duration.milliseconds(50)
        while true {
            do {
                try await write(parts.queue, parts.clocks.wall())
                return true
            } catch let error as QueueError where error.isStaleClaim {
                return false  // it was cancelled, for example
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
        // Where packets are dropped, the usual limit would find the registry's return late.
        let outage = schedule.probedOutage(of: name, now: parts.clocks.elapsed())
        registry.client.limitConnecting(to: outage.map(settings.retry.probeConnectLimit))
        let delivery = BlobDelivery(
            job: job.id, bringer: job.bringer, isFirstTry: job.failures == 0, repository: job.destination.path,
            registry: registry, queue: parts.queue,
            content: ContentSources(of: job, spool: parts.spool, userFiles: parts.userFiles),
            transfers: parts.transfers, slots: parts.slots,
            progress: progress, settings: settings, clock: parts.clocks.wall,
            isStopping: { [stopping] in stopping.isRaised })
        let verifier = Verifier(
            client: registry.client, repository: job.destination.path, grace: registrySettings.manifestGrace,
            sleep: parts.sleep, turns: registry.facts.writeTurns)
        let run = PushRun(
            claim: claim, delivery: delivery, verifier: verifier,
            answered: { [weak self] changed in await self?.answered(name, changed: changed) },
            mayAsk: { [weak self] in try await self?.checkPause(of: name) },
            troubled: { [weak self] error in await self?.noteTrouble(claim, PushFailure(error)) })
        parts.log(.attemptStarted(job: job.id, attempt: claim.attempt, destination: job.destination))
        return try await run.run()
    }

    /// - Returns: whether there will be another attempt.
    private func conclude(
        _ claim: Claim, _ result: Result<PushRun.Success, any Error>, _ progress: JobProgress
    ) async -> Bool {
        let job = claim.job
        switch result {
        case .success(let success):
            // A HEAD that finds the tag only shows that the registry answers.
            answered(job.destination.domain, changed: !success.outcomes.isEmpty)
            noteRecovery(of: job.destination.domain)
            await settle(claim) { queue, now in
                let existing = try await existingBlobs(claim, success)
                try await queue.succeed(claim, verified: success.verified.rawValue, reports: existing, now: now)
                parts.log(.succeeded(job: job.id, destination: job.destination))
            }
            return false
        case .failure(is CancellationError):
            // Canceled by a person: the queue refuses this write as stale. At a stop: the attempt is given back.
            return await giveBack(claim, until: nil)
        case .failure(is RegistryPaused):
            return await giveBack(claim, until: dueAfterPause(of: job.destination.domain))
        case .failure(let error as QueueError) where error.isStaleClaim:
            return false
        case .failure(let error):
            return await concludeFailure(claim, PushFailure(error), progress)
        }
    }

    private func giveBack(_ claim: Claim, until due: Int64?) async -> Bool {
        let tried = triedTime(of: claim.job)
        return await settle(claim) { queue, now in
            try await queue.retryLater(
                claim, at: due ?? now, error: nil, madeProgress: false, tried: tried, now: now)
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
        let now = parts.clocks.wall()
        if failure.registryAnswered {
            schedule.answered(name, now: parts.clocks.elapsed())
            if failure.isForGood { noteRecovery(of: name) }
        }
        parts.log(.attemptFailed(job: job.id, attempt: claim.attempt, error: failure.error))
        // Bytes that were sent and lost are no progress: else a registry that loses them would get them for ever.
        let advanced = progress.hasAdvanced
        let failures = advanced ? 1 : job.failures + 1
        await noteTrouble(claim, failure)
        var due: Int64?
        let run = runs[job.id].flatMap { $0.attempt == claim.attempt ? $0 : nil }
        let tried = triedTime(of: job)
        // A push that made progress is retried, however few failures are allowed. An attempt during which the time ran
        // out may have failed long before that: one more follows.
        if settings.retry.allowsRetry(failures: advanced ? 0 : failures, tried: run?.triedAtStart ?? tried) {
            switch failure.disposition {
            case .fail, .block: break
            case .pauseRegistry: due = dueAfterPause(of: name)
            case .waitForFile:
                let attempts = (try? await parts.queue.attempts(of: job.id)) ?? []
                let earlier = FilePatience.series(attempts.map(\.error?.code), failures: failures)
                due = settings.filePatience.wait(after: earlier).map { now + $0.inMilliseconds }
            case .retry(let after):
                let delay = settings.retry.delay(failures: failures, retryAfter: after, random: parts.random())
                due = now + delay.inMilliseconds
            }
        }
        due = due.map { dueInTime($0, job, tried: tried) }
        if due == nil { tryTime.forget(job.id) }
        let isWritten = await settle(claim) { queue, now in
            try await recordLost(claim, progress.movedBytes)
            if let due {
                try await queue.retryLater(
                    claim, at: due, error: failure.error, madeProgress: advanced, tried: tried, now: now)
            } else if failure.disposition == .block {
                try await queue.block(claim, error: failure.error, tried: tried, now: now)
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

    // MARK: The end

    /// Chunked uploads end with the current chunk; attempts that still run after three seconds are cancelled. In both
    /// cases the next start asks the registry for the upload's offset.
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
    /// The job no longer belongs to this attempt: it was cancelled, for example.
    var isStaleClaim: Bool {
        if case .staleClaim = cause { true } else { false }
    }
}
