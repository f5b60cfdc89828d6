import OCI
import PushQueue

/// What becomes due, and when to look next.
extension Engine {
    /// A clock that was set makes nothing late.
    func noticeTime() async throws {
        let now = parts.clocks.now
        tryTime.advance(awake: now.awake)
        if let step = wallClock.look(now) {
            parts.log(.clockSet(by: .milliseconds(step)))
            unfollowedStep += step
        }
        guard unfollowedStep != 0 else { return }
        try await parts.queue.clockWasSet(
            by: unfollowedStep, now: now.wall, longest: settings.retry.longestWait.inMilliseconds)
        unfollowedStep = 0
    }

    /// Jobs whose time is over end, whatever they wait for; what their registry is paused for is named.
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

    /// A registry that wants to be left alone for longer than a job has time: its last attempt was the last.
    private func giveUpInPauses(_ now: Moment) async throws {
        for (job, call) in lastCalls where tryTime.open(call.registry) >= call.time {
            lastCalls[job] = nil
            // Otherwise it is due now, and is tried once more.
            guard schedule.isToldToWait(call.registry), schedule.pause(of: call.registry, now: now.elapsed) != nil
            else { continue }
            if try await parts.queue.giveUp(job, now: now.wall) { jobChanged(job) }
        }
    }

    /// A pause with nothing behind it is no news to anybody, and must not hold up what comes next.
    func forgetTroubleWithoutJobs() async throws {
        let idle = schedule.idleInTrouble
        guard !idle.isEmpty else { return }
        let waiting = try await parts.queue.waitingJobs()
        for registry in idle where waiting[registry] == nil {
            schedule.forgetTrouble(registry, now: parts.clocks.elapsed())
        }
    }

    /// How long nothing can become due; at most a minute, so that a clock that was set is noticed everywhere.
    func nextWake() async throws -> Duration {
        let expiry = try await parts.queue.nextExpiry()
        var due: Int64?
        noteIdleJobs()
        let closed = schedule.closedRegistries(now: parts.clocks.elapsed())
        if schedule.hasRoom { due = try await parts.queue.nextDue(excludingRegistries: closed) }
        let now = parts.clocks.now
        let opening = schedule.nextOpening(after: now.elapsed).map { now.wall(atElapsed: $0) }
        // While a registry is held the time stands still: then it is looked at once a minute.
        let calls = lastCalls.values.map { now.wall + $0.time - tryTime.open($0.registry) }
        let next = [due, expiry, opening, calls.min()].compactMap { $0 }.min() ?? now.wall + 60_000
        return .milliseconds(min(max(next - now.wall, 1), 60_000))
    }

    /// Those that only wait take nobody's place.
    func noteIdleJobs() {
        var idle: [String: Int] = [:]
        for run in runs.values where run.progress.isIdle { idle[run.registry, default: 0] += 1 }
        schedule.waitsOnly(idle)
    }

    /// For how long a job could have been tried so far, as of now.
    func triedTime(of job: Job) -> Int64 {
        tryTime.advance(awake: parts.clocks.awake())
        return job.tried + tryTime.count(job.id, at: job.destination.domain)
    }

    /// When a failed job is due, not later than its time is over: it is tried once more then.
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
