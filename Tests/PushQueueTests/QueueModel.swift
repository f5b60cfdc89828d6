import OCI

@testable import PushQueue

/// A second queue, in memory: the rules in their plainest form, with lists and linear searches.
struct QueueModel {
    struct Entry: Equatable {
        let id: JobID
        let image: String
        let destination: String
        let registry: String
        var state = JobState.queued
        var priority: Int
        var force: Bool
        var attempts = 0
        var failures = 0
        var claims = 0
        var due: Int64?
        var ended: Int64?
        var expires: Int64?
        var supersededBy: JobID?
    }

    /// In the order of their numbers.
    var jobs: [Entry] = []
    var claimed: [String: Int64] = [:]
    var lastTurn: Int64 = 0
    private var lastID: JobID = 0

    func place(_ id: JobID) -> Int? { jobs.firstIndex { $0.id == id } }

    private func running(_ destination: String) -> Entry? {
        jobs.first { $0.destination == destination && $0.state == .running }
    }

    private func next(_ destination: String) -> Entry? {
        jobs.first { $0.destination == destination && [.queued, .waiting, .blocked].contains($0.state) }
    }

    private mutating func set(_ id: JobID, _ state: JobState, now: Int64, due: Int64? = nil, by: JobID? = nil) {
        guard let place = place(id) else { return }
        jobs[place].state = state
        jobs[place].due = state == .queued || state == .waiting ? due ?? now : nil
        jobs[place].ended = [.succeeded, .failed, .canceled, .superseded].contains(state) ? now : nil
        jobs[place].supersededBy = by
    }

    mutating func accept(_ new: NewJob, now: Int64) -> Accepted {
        let destination = new.destination.description
        let waiting = next(destination)
        if let same = waiting ?? running(destination), same.image == new.image,
            same.state != .running || same.force || !new.force, let place = place(same.id)
        {
            jobs[place].priority = max(same.priority, new.priority)
            jobs[place].force = same.force || new.force
            if let mine = same.expires, let other = new.expiresAt {
                jobs[place].expires = max(mine, other)
            } else {
                jobs[place].expires = nil
            }
            if same.state == .blocked, new.origin == .command { set(same.id, .queued, now: now) }
            return Accepted(id: same.id, isNew: false)
        }
        lastID += 1
        if let waiting { set(waiting.id, .superseded, now: now, by: lastID) }
        jobs.append(
            Entry(
                id: lastID, image: new.image, destination: destination, registry: new.destination.domain,
                priority: new.priority, force: new.force, due: now, expires: new.expiresAt))
        return Accepted(id: lastID, isNew: true, superseded: waiting.map { [$0.id] } ?? [])
    }

    /// Those that could be taken if they were due.
    private func claimable(excluding: Set<String>) -> [Entry] {
        jobs.filter { $0.due != nil && !excluding.contains($0.registry) && running($0.destination) == nil }
    }

    func nextDue(excluding: Set<String>) -> Int64? { claimable(excluding: excluding).compactMap(\.due).min() }

    mutating func claim(excluding: Set<String>, now: Int64) -> (id: JobID, claims: Int)? {
        let due = claimable(excluding: excluding).filter { ($0.due ?? .max) <= now }
        let turn = Set(due.map(\.registry)).min { (claimed[$0] ?? 0, $0) < (claimed[$1] ?? 0, $1) }
        let best = due.filter { $0.registry == turn }
            .min { (-$0.priority, $0.due ?? 0, $0.id) < (-$1.priority, $1.due ?? 0, $1.id) }
        guard let best, let place = place(best.id) else { return nil }
        lastTurn = max(now, lastTurn + 1)
        claimed[best.registry] = lastTurn
        set(best.id, .running, now: now)
        jobs[place].claims += 1
        jobs[place].attempts += 1
        return (best.id, jobs[place].claims)
    }

    func isHeld(_ id: JobID, claims: Int) -> Bool {
        jobs.contains { $0.id == id && $0.state == .running && $0.claims == claims }
    }

    mutating func finish(_ id: JobID, _ state: JobState, now: Int64) {
        guard let place = place(id) else { return }
        jobs[place].failures = state == .succeeded ? 0 : jobs[place].failures + 1
        if state == .blocked { leave(id, .blocked, now: now) } else { set(id, state, now: now) }
    }

    mutating func retryLater(_ id: JobID, at: Int64, counts: Bool, madeProgress: Bool, now: Int64) {
        guard let place = place(id) else { return }
        if !counts { jobs[place].attempts -= 1 }
        jobs[place].failures = madeProgress ? 0 : jobs[place].failures + (counts ? 1 : 0)
        leave(id, counts ? .waiting : .queued, now: now, due: at)
    }

    private mutating func leave(_ id: JobID, _ state: JobState, now: Int64, due: Int64? = nil) {
        guard let place = place(id) else { return }
        if let newer = next(jobs[place].destination) {
            set(id, .superseded, now: now, by: newer.id)
        } else {
            set(id, state, now: now, due: due)
        }
    }

    mutating func cancel(_ ids: [JobID], now: Int64) -> [JobID: JobState] {
        var found: [JobID: JobState] = [:]
        for id in ids {
            guard let place = place(id), found[id] == nil else { continue }
            found[id] = jobs[place].state
            if jobs[place].state.isPending { set(id, .canceled, now: now) }
        }
        return found
    }

    mutating func retry(_ ids: [JobID]?, now: Int64) -> [JobID] {
        var retried: [JobID] = []
        for id in Set(ids ?? jobs.filter { $0.state == .failed }.map(\.id)).sorted(by: >) {
            guard let place = place(id) else { continue }
            let job = jobs[place]
            guard [.waiting, .blocked, .failed, .canceled].contains(job.state) else { continue }
            let newer = jobs.contains {
                $0.destination == job.destination && $0.id > id && ($0.state.isPending || $0.state == .succeeded)
            }
            if newer { continue }
            if let older = next(job.destination), older.id != id { set(older.id, .superseded, now: now, by: id) }
            set(id, .queued, now: now)
            jobs[place].failures = 0
            if let expires = job.expires, expires <= now { jobs[place].expires = nil }
            retried.append(id)
        }
        return retried
    }

    mutating func unblock(_ registry: String, now: Int64) -> [JobID] {
        let ids = jobs.filter { $0.registry == registry && $0.state == .blocked }.map(\.id)
        for id in ids { set(id, .queued, now: now) }
        return ids
    }

    mutating func expire(now: Int64) -> Set<JobID> {
        let ids = jobs.filter { $0.state.isPending && ($0.expires ?? .max) <= now }.map(\.id)
        for id in ids { set(id, .failed, now: now) }
        return Set(ids)
    }

    mutating func recover(now: Int64) -> Int {
        let ids = jobs.filter { $0.state == .running }.map(\.id)
        for id in ids { leave(id, .queued, now: now) }
        return ids.count
    }

    mutating func reopen() { lastTurn = claimed.values.max() ?? 0 }

    mutating func prune(now: Int64, olderThan: Int64, keep: Int, batch: Int) -> Int {
        let ended = jobs.filter { $0.ended != nil }.sorted { ($0.ended ?? 0, $0.id) < ($1.ended ?? 0, $1.id) }
        let tooMany = min(batch, max(0, ended.count - keep))
        let tooOld = ended.dropFirst(tooMany).filter { ($0.ended ?? 0) < now - olderThan }.prefix(batch - tooMany)
        let gone = Set((ended.prefix(tooMany) + tooOld).map(\.id))
        jobs.removeAll { gone.contains($0.id) }
        for (registry, turn) in claimed where turn < now - olderThan {
            if !jobs.contains(where: { $0.registry == registry && $0.due != nil }) { claimed[registry] = nil }
        }
        return gone.count
    }
}
