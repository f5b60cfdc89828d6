import OCI
import PushQueue
import Registry

/// What people, the configuration and the machine do to running jobs.
extension Engine {
    /// Ends the runs of jobs that were canceled or superseded in the queue.
    func abandon(_ jobs: [JobID]) {
        for job in jobs { runs[job]?.task.cancel() }
        claiming.abandon(jobs)
    }

    /// Ends the registry's pause and its jobs' waits, because a person wants an attempt now.
    func tryNow(_ registry: String) async {
        let asked = schedule.toldToWait.filter { $0 == registry }
        schedule.tryNow(registry)
        await forgetAskedPauses(of: asked)
        await endWaits(at: registry)
    }

    /// The network or the configuration has changed: registries that can't be reached are probed now.
    func probeNow() {
        schedule.probeAllNow(now: parts.clocks.elapsed())
        nudge()
    }

    func hold(_ registry: String?) {
        tryTime.advance(awake: parts.clocks.awake())
        tryTime.hold(registry)
        schedule.hold(registry)
    }

    func release(_ registry: String?) async {
        tryTime.advance(awake: parts.clocks.awake())
        tryTime.release(registry)
        let asked = schedule.toldToWait.filter { registry == nil || $0 == registry }
        schedule.release(registry)
        await forgetAskedPauses(of: asked)
        await endWaits(at: registry)
    }

    /// - Parameter registry: nil: all registries.
    private func endWaits(at registry: String?) async {
        do {
            try await parts.queue.endWaits(at: registry, now: parts.clocks.wall())
        } catch {
            parts.log(.queueTrouble(error.description))  // the jobs start when they are due
        }
        nudge()
    }

    /// - Parameter limited: registries that have a limit of bandwidth of their own.
    func apply(_ settings: PublisherSettings, limited: Set<String>) async {
        self.settings = settings
        await parts.slots.setLimits(settings.uploadSlots(limited: limited))
        schedule.limits = settings.jobLimits
        nudge()
    }

    /// The progress of a running job's blobs; of a job that waits for its next attempt, that of its last one.
    func progress(of job: JobID) -> [Digest: JobProgress.Blob] {
        runs[job]?.progress.snapshot ?? (carried[job]?.shown ?? [:]).mapValues { JobProgress.Blob(bytesDone: $0) }
    }

    /// The job has ended: if it is retried, it begins without earlier progress.
    func forget(_ job: JobID) {
        carried[job] = nil
        lastCalls[job] = nil
        tryTime.forget(job)
    }

    /// A person has queued the jobs again: their time begins anew, as it does in the queue.
    func restartTime(of jobs: [JobID]) {
        for job in jobs {
            tryTime.forget(job)
            lastCalls[job] = nil
        }
    }

    var activity: [RegistryActivity] { schedule.summary(at: wallClock.steady(parts.clocks.now)) }

    func activity(of registry: String) -> RegistryActivity {
        schedule.activity(of: registry, at: wallClock.steady(parts.clocks.now))
    }
}
