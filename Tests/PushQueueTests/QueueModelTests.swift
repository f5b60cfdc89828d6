import OCI
import TestSupport
import Testing

@testable import PushQueue

@Suite("The queue against its model")
struct QueueModelTests {
    @Test("does the same in every order of operations, over crashes too", arguments: 1...8 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) async throws {
        try await withFile { path in
            var walk = try RandomWalk(seed: seed, path: path)
            for step in 0..<500 {
                let operation = try await walk.step()
                let difference = try await walk.difference()
                try #require(difference == nil, "seed \(seed), step \(step), after \(operation)")
            }
            let states = Set(walk.seen)
            #expect(states == Set(JobState.allCases), "the walk must come by every state to prove anything")
        }
    }
}

/// One store and one model, taken through the same operations.
private struct RandomWalk {
    var random: SeededGenerator
    let path: String
    var store: JobStore
    var model = QueueModel()
    var held: [Claim] = []
    var now: Int64 = 1_000
    var seen: [JobState] = []

    init(seed: UInt64, path: String) throws {
        random = SeededGenerator(state: seed)
        self.path = path
        store = try JobStore(path: path)
    }

    /// One operation on both, chosen at random; their answers are compared.
    mutating func step() async throws -> String {
        now += Int64.random(in: 0...30, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: return try await accept()
        case 30..<55: return try await claim()
        case 55..<80: return try await finish()
        case 80..<85:
            let ids = someIDs()
            #expect(try await store.cancel(ids, now: now) == model.cancel(ids, now: now))
            return "cancel \(ids)"
        case 85..<90:
            let ids = Bool.random(using: &random) ? someIDs() : nil
            #expect(try await store.retry(ids, now: now) == model.retry(ids, now: now))
            return "retry \(String(describing: ids))"
        case 90..<92:
            let registry = registries.randomElement(using: &random) ?? ""
            #expect(try await store.unblock(registry: registry, now: now) == model.unblock(registry, now: now))
            return "unblock \(registry)"
        case 92..<95:
            #expect(try await Set(store.expire(now: now)) == model.expire(now: now))
            return "expire"
        case 95..<97:
            let keep = Int.random(in: 0...40, using: &random)
            let pruned = try await store.prune(now: now, olderThan: 600, keep: keep, batch: 7)
            #expect(pruned == model.prune(now: now, olderThan: 600, keep: keep, batch: 7))
            return "prune"
        default:
            store = try JobStore(path: path)
            model.reopen()
            // A daemon that died again before it could recover finds everything as it was.
            guard Bool.random(using: &random) else { return "crash" }
            #expect(try await store.recover(now: now) == model.recover(now: now))
            return "crash and recover"
        }
    }

    private let registries = ["a.example", "b.example", "c.example"]

    private mutating func someIDs() -> [JobID] {
        let highest = (model.jobs.last?.id ?? 0) + 2
        return (0..<Int.random(in: 1...4, using: &random)).map { _ in
            JobID.random(in: max(1, highest - 15)...highest, using: &random)
        }
    }

    private mutating func accept() async throws -> String {
        let jobs = try (0..<Int.random(in: 1...3, using: &random)).map { _ in
            let registry = registries.randomElement(using: &random) ?? ""
            let tag = Int.random(in: 1...4, using: &random)
            return try NewJob.push(
                "v\(Int.random(in: 1...3, using: &random))", to: "\(registry)/app:\(tag)",
                priority: Int.random(in: -1...2, using: &random), force: Int.random(in: 0..<5, using: &random) == 0,
                expiresAt: Int.random(in: 0..<4, using: &random) == 0
                    ? now + Int64.random(in: 1...300, using: &random) : nil,
                origin: Bool.random(using: &random) ? .command : .rule)
        }
        let accepted = try await store.accept(jobs, now: now)
        for (job, answer) in zip(jobs, accepted) { #expect(answer == model.accept(job, now: now)) }
        return "accept \(jobs.map { "\($0.image) to \($0.destination)" })"
    }

    private mutating func claim() async throws -> String {
        let excluded = Set(registries.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
        #expect(try await store.nextDue(excludingRegistries: excluded) == model.nextDue(excluding: excluded))
        let claim = try await store.claim(excludingRegistries: excluded, now: now)
        let expected = model.claim(excluding: excluded, now: now)
        #expect(claim?.job.id == expected?.id)
        #expect(claim?.attempt == expected?.claims)
        if let claim { held.append(claim) }
        return "claim \(String(describing: claim?.job.id))"
    }

    /// Ends an attempt in one of its ways; whoever lost the job in the meantime must be refused.
    private mutating func finish() async throws -> String {
        guard !held.isEmpty else { return "nothing to finish" }
        let claim = held.remove(at: Int.random(in: 0..<held.count, using: &random))
        let isHeld = model.isHeld(claim.job.id, claims: claim.attempt)
        let way = Int.random(in: 0..<5, using: &random)
        let (moved, counts) = (Bool.random(using: &random), Bool.random(using: &random))
        let later = now + Int64.random(in: 0...200, using: &random)
        do {
            switch way {
            case 0: try await store.succeed(claim, verified: nil, now: now)
            case 1: try await store.fail(claim, error: .outage, now: now)
            case 2: try await store.block(claim, error: .loginMissing, now: now)
            default:
                let error: JobError? = counts ? .outage : nil
                try await store.retryLater(claim, at: later, error: error, madeProgress: moved, now: now)
            }
            #expect(isHeld)
        } catch {
            #expect(!isHeld)
            #expect(error.cause == .staleClaim(job: claim.job.id, attempt: claim.attempt))
        }
        guard isHeld else { return "finish \(claim.job.id), lost" }
        switch way {
        case 0: model.finish(claim.job.id, .succeeded, now: now)
        case 1: model.finish(claim.job.id, .failed, now: now)
        case 2: model.finish(claim.job.id, .blocked, now: now)
        default: model.retryLater(claim.job.id, at: later, counts: counts, madeProgress: moved, now: now)
        }
        return "finish \(claim.job.id) in way \(way)"
    }

    /// The first thing that store and model do not agree on.
    mutating func difference() async throws -> String? {
        let stored = try await store.jobs(JobFilter(limit: 1_000_000)).reversed()
        seen += model.jobs.map(\.state)
        guard stored.map(\.id) == model.jobs.map(\.id) else { return "\(stored.map(\.id)) \(model.jobs.map(\.id))" }
        for (job, entry) in zip(stored, model.jobs) {
            let seen = QueueModel.Entry(
                id: job.id, image: job.image, destination: job.destination.description,
                registry: job.destination.domain, state: job.state, priority: job.priority, force: job.force,
                attempts: job.attempts, failures: job.failures, claims: entry.claims, due: job.nextAttemptAt,
                ended: job.endedAt, expires: job.expiresAt, supersededBy: job.supersededBy)
            if seen != entry { return "stored \(seen)\nmodel  \(entry)" }
        }
        let counts = try await store.counts()
        for state in JobState.allCases where counts[state] != model.jobs.count(where: { $0.state == state }) {
            return "\(state): counted \(String(describing: counts[state]))"
        }
        let needed = Set(
            model.jobs.filter(\.state.isPending).flatMap { job in
                [job.image, job.image + "-config", job.image + "-layer", "base"].map { Digest.of($0) }
            })
        guard try await store.allNeededDigests() == needed else { return "the needed digests" }
        let ready = try await store.count("SELECT sum(ready) FROM registry")
        return ready == model.jobs.count { $0.due != nil } ? nil : "\(ready) are counted as ready"
    }
}

/// The same numbers for the same seed: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
