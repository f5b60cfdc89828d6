import OCI
import PushQueue
import Registry

/// What a registry's answers and failures mean for all its jobs: pauses, and the events that report them.
extension Engine {
    /// - Parameter changed: whether the registry has accepted a change.
    func answered(_ registry: String, changed: Bool) {
        let wasOpen = schedule.isOpen(registry)
        let now = parts.clocks.elapsed()
        if changed { schedule.worked(registry, now: now) } else { schedule.answered(registry, now: now) }
        if !wasOpen, schedule.isOpen(registry) { wake.raise() }
        if changed { noteRecovery(of: registry) }
    }

    /// To be called when a push has got what it wanted, or a refusal for good: a registry that refuses all changes for a
    /// while may answer a HEAD all the same.
    func noteRecovery(of registry: String) {
        guard schedule.isOpen(registry), registriesInTrouble.remove(registry) != nil else { return }
        note(NewEvent(.registryRecovered, registry: registry))
    }

    private func note(_ event: NewEvent) {
        parts.queue.note(event, now: parts.clocks.wall()) { [log = parts.log] in
            log(.queueTrouble(String(describing: $0)))
        }
    }

    /// Another job's failure has paused the registry: this attempt is given back and does not count.
    struct RegistryPaused: Error {}

    func checkPause(of registry: String) throws {
        if schedule.pause(of: registry, now: parts.clocks.elapsed()) != nil { throw RegistryPaused() }
    }

    /// A failure that every request to the registry would have pauses the registry, once for each attempt.
    func noteTrouble(_ claim: Claim, _ failure: PushFailure) async {
        guard case .pauseRegistry(let trouble) = failure.disposition else { return }
        let isCurrent = runs[claim.job.id]?.attempt == claim.attempt
        if isCurrent, runs[claim.job.id]?.hasPaused == true { return }
        let name = claim.job.destination.domain
        _ = schedule.failed(
            name, now: parts.clocks.elapsed(), trouble, reason: failure.pauseReason ?? failure.error.code,
            policy: settings.retry, random: parts.random())
        if isCurrent { runs[claim.job.id]?.hasPaused = true }
        if registriesInTrouble.insert(name).inserted {
            note(
                NewEvent(
                    .registryTrouble, registry: name, code: failure.error.code,
                    message: failure.pauseReason ?? failure.error.message))
        }
        await keepAskedPause(of: name)
    }

    /// When a job that waits for its paused registry is due, by the wall clock: now, because the pause itself keeps it
    /// from starting and may end early; but not before the end of a pause that the registry has asked for, which is
    /// stored so that it survives a restart.
    func dueAfterPause(of registry: String) -> Int64 {
        let now = parts.clocks.now
        guard schedule.isToldToWait(registry), let until = schedule.pause(of: registry, now: now.elapsed) else {
            return now.wall
        }
        return now.wall(atElapsed: until)
    }

    // MARK: A restart

    /// Takes over what the daemon before this one has reported: trouble that lasts gets no second event.
    func takeUp(inTrouble registries: [String]) { registriesInTrouble.formUnion(registries) }

    /// Pauses a registry that has asked the daemon before this one for it.
    ///
    /// - Parameter end: by the wall clock, which may have been set: no pause is longer than the longest that is obeyed.
    func takeUpPause(of registry: String, until end: Int64) {
        let now = parts.clocks.now
        let length = min(max(end, now.wall) - now.wall, settings.retry.longestWait.inMilliseconds)
        schedule.restorePause(of: registry, until: now.elapsed + length, now: now.elapsed)
    }

    /// Stores the end of a pause that the registry has asked for.
    private func keepAskedPause(of registry: String) async {
        let now = parts.clocks.now
        guard schedule.isToldToWait(registry), let until = schedule.pause(of: registry, now: now.elapsed) else {
            return
        }
        do {
            try await parts.queue.setFact(
                registry: registry, name: AskedPause.fact, value: "\(now.wall(atElapsed: until))", now: now.wall)
        } catch { parts.log(.queueTrouble(error.description)) }
    }

    /// A person has ended the pause: it does not come back with a restart.
    func forgetAskedPauses(of registries: [String]) async {
        for registry in registries {
            do {
                try await parts.queue.removeFact(registry: registry, name: AskedPause.fact)
            } catch { parts.log(.queueTrouble(error.description)) }
        }
    }
}

/// The pause that a registry has asked for, by `Retry-After` or a rate limit, as it is stored.
enum AskedPause {
    /// The name of the fact. Its value is the pause's end in milliseconds since 1970.
    static let fact = "asked-pause"
}
