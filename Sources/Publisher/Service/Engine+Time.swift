import OCI
import PushQueue

/// What becomes due, and when to look next.
extension Engine {
    /// If the wall clock was set, moves waits and deadlines along.
    func noticeTime() async throws {
        let now = parts.clocks.now
        tryTime.advance(awake: now.awake)
        if let step = wallClock.look(now) {
            parts.log(.clockSet(by: .milliseconds(step)))
            unfollowedStep += step
        }
        guard unfollowedStep != 0 else { return }
        // Taken before the wait for the queue, so that another caller does not follow it a second time.
        let step = unfollowedStep
        unfollowedStep = 0
        do {
            try await parts.queue.clockWasSet(
                by: step, now: now.wall, longest: settings.retry.longestWait.inMilliseconds)
        } catch {
            unfollowedStep += step
            throw error
        }
    }

    /// Ends the jobs whose deadline has passed; their errors name the reason of their registry's pause.
    func endOverdue() async throws {
        let now = parts.clocks.now
        var pauses: [String: JobStore.Pause] = [:]
        for activity in schedule.summary(at: now) {
            guard let since = activity.pausedSince, let reason = activity.reason else { continue }
            pauses[activity.name] = JobStore.Pause(since: since, reason: reason)
        }
        let expired = try await parts.queue.expire(now: now.wall, pauses: pauses)
        abandon(expired)
        expired.forEach(jobChanged)
        try await giveUpInPauses(now)
    }

    /// Gives up jobs whose registry has asked for a pause beyond their `giveUpAfter`: no further attempt is possible.
    private func giveUpInPauses(_ now: Moment) async throws {
        for (job, call) in lastCalls where tryTime.open(call.registry) >= call.time {
            // Otherwise the job is due now, and has one more attempt.
            if schedule.isToldToWait(call.registry), schedule.pause(of: call.registry, now: now.elapsed) != nil,
                try await parts.queue.giveUp(job, now: now.wall)
            {
                jobChanged(job)
            }
            lastCalls[job] = nil
        }
    }

    /// Ends the pauses that no job waits for: they must neither be shown nor delay the next push.
    func forgetTroubleWithoutJobs() async throws {
        let idle = schedule.idleInTrouble
        guard !idle.isEmpty else { return }
        let waiting = try await parts.queue.waitingJobs()
        // A job that was claimed meanwhile, or is just now, waits no longer: it is the probe of its registry.
        guard !claiming.isOpen else { return }
        for registry in Set(idle).intersection(schedule.idleInTrouble) where waiting[registry] == nil {
            schedule.forgetTrouble(registry, now: parts.clocks.elapsed())
        }
    }

    /// The time until a job can be due; at most a minute, so that a clock that was set is noticed on every machine.
    func nextWake() async throws -> Duration {
        let expiry = try await parts.queue.nextExpiry()
        var due: Int64?
        noteIdleJobs()
        let start = parts.clocks.elapsed()
        let closed = schedule.closedRegistries(now: start)
        if schedule.hasRoom { due = try await parts.queue.nextDue(excludingRegistries: closed) }
        let now = parts.clocks.now
        // A pause that has ended since `start` counts: its registry's jobs are not among those that are due.
        let opening = schedule.nextOpening(after: start).map { now.wall(atElapsed: $0) }
        // While a person has paused the registry, its time does not advance.
        let calls = lastCalls.values.filter { !tryTime.isHeld($0.registry) }
            .map { now.wall + $0.time - tryTime.open($0.registry) }
        let next = [due, expiry, opening, calls.min()].compactMap { $0 }.min() ?? now.wall + 60_000
        return .milliseconds(min(max(next - now.wall, 1), 60_000))
    }

    /// Jobs that only wait take no place in the schedule.
    func noteIdleJobs() {
        var idle: [String: Int] = [:]
        for run in runs.values where run.progress.isIdle { idle[run.registry, default: 0] += 1 }
        schedule.waitsOnly(idle)
    }

    /// For how long attempts at a job were possible, up to now.
    func triedTime(of job: Job) -> Int64 {
        tryTime.advance(awake: parts.clocks.awake())
        return job.tried + tryTime.count(job.id, at: job.destination.domain)
    }

    /// When a failed job is due again: at the latest when it reaches `giveUpAfter`, for one more attempt.
    ///
    /// - Parameter due: by the wall clock.
    func dueInTime(_ due: Int64, _ job: Job, tried: Int64) -> Int64 {
        guard let limit = settings.retry.giveUpAfter?.inMilliseconds else { return due }
        let (now, registry) = (parts.clocks.now, job.destination.domain)
        let left = max(limit - tried, 0)
        if schedule.isToldToWait(registry), let until = schedule.pause(of: registry, now: now.elapsed),
            until - now.elapsed > left
        {
            lastCalls[job.id] = LastCall(registry: registry, time: tryTime.open(registry) + left)
        }
        return min(due, now.wall + left)
    }
}
