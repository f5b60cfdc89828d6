import Testing

@testable import PushQueue

/// Time is not measured here: the steps of SQLite's machine are the same on every run.
@Suite("The cost of an operation")
struct CostTests {
    @Test("stays flat from 1,000 to 100,000 queued jobs, and whatever has ended")
    func flat() async throws {
        let few = try await steps(queued: 1_000, ended: 100)
        let many = try await steps(queued: 100_000, ended: 20_000)
        let walk = try (#require(few[Self.walk]), #require(many[Self.walk]))
        #expect(walk.1.steps > 10 * walk.0.steps && walk.1.scanned > 10 * walk.0.scanned)
        for (operation, cost) in few where operation != Self.walk {
            let later = try #require(many[operation])
            #expect(
                later.steps <= cost.steps + cost.steps / 10 + 20, "\(operation): \(cost.steps), then \(later.steps)")
            #expect(later.scanned <= cost.scanned, "\(operation) walks over \(later.scanned) rows")
            #expect(cost.steps > 0)
        }
    }

    /// A query without an index, which shows that a growing cost would be seen.
    private static let walk = "a walk over all jobs"

    /// What each operation costs in a queue of this size: half of it not due at a high priority, at five registries.
    private func steps(queued: Int, ended: Int) async throws -> [String: Cost] {
        var costs: [String: Cost] = [:]
        try await withStore { store in
            try await store.fill(queued: queued, ended: ended)
            func measure(_ name: String, _ operation: () async throws -> Void) async throws {
                try await operation()  // prepares the statements
                _ = try await store.takeCost()
                try await operation()
                costs[name] = try await store.takeCost()
            }
            var tag = 0
            try await measure("accept") {
                tag += 1
                _ = try await store.accept(one: .push("image1", to: "r1.example/new:\(tag)"), now: 10)
            }
            try await measure("accept a new image") {
                tag += 1
                _ = try await store.accept(one: .push("new\(tag)", to: "r1.example/new:\(tag)"), now: 10)
            }
            try await measure("supersede") {
                tag += 1
                _ = try await store.accept(one: .push("new\(tag)", to: "r1.example/new:1"), now: 10)
            }
            var claims: [Claim] = []
            try await measure("claim") {
                claims.append(try #require(await store.claim(excludingRegistries: ["r2.example"], now: 20)))
            }
            try await measure("nextDue") { _ = try await store.nextDue(excludingRegistries: ["r2.example"]) }
            for outcome in [BlobOutcome.uploaded, .mounted] {
                claims.append(try #require(await store.claim(at: 20)))
                let claim = claims[claims.count - 1]
                try await measure("outcome \(outcome)") {
                    try await store.setOutcome(claim, digest: .of("base"), outcome: outcome, detail: nil, bytesSent: 1)
                }
            }
            try await measure("succeed") { try await store.succeed(claims.removeLast(), verified: nil, now: 30) }
            try await measure("retryLater") {
                let claim = try #require(await store.claim(at: 20))
                try await store.retryLater(claim, at: 99, error: .outage, madeProgress: false, now: 30)
            }
            var canceled = JobID(ended + queued / 2)
            try await measure("cancel") { () async throws in
                canceled += 1
                #expect(try await store.cancel([canceled], now: 30) == [canceled: .queued])
            }
            try await measure(Self.walk) {
                _ = try await store.count("SELECT count(*) FROM job WHERE source = 'elsewhere'")
            }
            try await measure("counts") { _ = try await store.counts() }
            try await measure("list") { _ = try await store.jobs(JobFilter(states: [.running, .queued], limit: 50)) }
            try await measure("expire") { _ = try await store.expire(now: 1) }
            try await measure("unblock") { _ = try await store.unblock(registry: "r1.example", now: 1) }
            try await measure("needed") { _ = try await store.neededDigests(among: [.of("base"), .of("?")]) }
            try await measure("events") { _ = try await store.events(after: 10, limit: 256) }
            try await measure("the last event before now") { _ = try await store.lastEvent(before: 1_000_000) }
            try await measure("prune events") {
                _ = try await store.pruneEvents(now: 50, olderThan: 100, keep: 5, batch: 5)
            }
            try await measure("prune") {
                _ = try await store.prune(now: 50, olderThan: 100, keep: ended - 10, batch: 10)
            }
        }
        return costs
    }

    @Test("does not grow with what one destination has had before")
    func history() async throws {
        func steps(after ended: Int) async throws -> [Int] {
            var steps: [Int] = []
            try await withStore { store in
                func claim() async throws -> Claim {
                    _ = try await store.accept(one: .push("image"))
                    return try #require(try await store.claim(at: 1))
                }
                for _ in 0..<ended { try await store.succeed(claim(), verified: nil, now: 2) }
                let claim = try await claim()
                try await store.retryLater(claim, at: 3, error: .outage, madeProgress: false, now: 3)
                _ = try await store.takeCost()
                let again = try #require(try await store.claim(at: 4))
                steps.append(try await store.takeCost().steps)
                try await store.retryLater(again, at: 5, error: .outage, madeProgress: false, now: 5)
                steps.append(try await store.takeCost().steps)
                _ = try await store.cancel([again.job.id], now: 6)
                _ = try await store.takeCost()
                #expect(try await store.retry([again.job.id], now: 7) == [again.job.id])
                steps.append(try await store.takeCost().steps)
            }
            return steps
        }
        let (few, many) = (try await steps(after: 5), try await steps(after: 300))
        for (before, after) in zip(few, many) { #expect(after <= before + before / 10 + 20) }
    }

    @Test("comes from an index in every query, and no query walks over the jobs")
    func plans() async throws {
        try await withStore { store in
            try await store.useEverything()
            _ = try await store.count("SELECT count(*) FROM job WHERE source = 'elsewhere'")
            let all = try await store.plans()
            let plans = all.filter { !$0.0.contains("elsewhere") }
            #expect(all.contains { $0.1 == ["SCAN job"] }, "a walk over the jobs would be seen")
            #expect(plans.count > 60)
            // The table of turns and that of tallies are small; the pragma and the schema are read once, at the start.
            let small = ["tally", "registry", "sqlite_master", "sqlite_sequence"]
            for (sql, steps) in plans {
                for step in steps where step.hasPrefix("SCAN ") && !step.contains("USING") {
                    let table = step.split(separator: " ")[1]
                    #expect(small.contains { table == $0 } || step == "SCAN CONSTANT ROW", "\(step) in:\n\(sql)")
                }
                if !sql.contains("wanted = 1") {
                    #expect(
                        !steps.contains { $0.hasPrefix("SCAN job ") || $0.hasPrefix("SCAN image") }, "\(steps): \(sql)")
                }
                #expect(!steps.contains { $0.contains("TEMP B-TREE") }, "\(steps) sorts:\n\(sql)")
            }
        }
    }
}

struct Cost: Sendable {
    /// Of SQLite's virtual machine.
    let steps: Int
    /// Rows walked over without an index.
    let scanned: Int
}

extension JobStore {
    func takeCost() async throws -> Cost {
        try await read("measure") { store in
            let prepared = store.database.prepared
            return Cost(
                steps: prepared.map(\.takenSteps).reduce(0, +), scanned: prepared.map(\.takenScans).reduce(0, +))
        }
    }

    /// Every query that was made so far, with its plan.
    func plans() async throws -> [(String, [String])] {
        try await read("explain") { store in
            try store.database.prepared.map(\.sql)
                .filter { sql in ["SELECT", "INSERT", "UPDATE", "DELETE"].contains { sql.hasPrefix($0) } }
                .map { ($0, try store.database.plan(of: $0)) }
        }
    }

    /// Fills the queue at once; of the queued jobs every second has a high priority and is not due for long.
    func fill(queued: Int, ended: Int) async throws {
        let images = try (0..<10).map { try NewJob.push("image\($0)", to: "r1.example/image:\($0)") }
        _ = try await accept(images, now: 1)
        try await write("fill the queue") { store in
            try store.database.run(
                """
                WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1 + ?2)
                INSERT INTO job (image, name, source, registry, destination, platforms, state, origin, priority,
                                 verify, force, created_at, updated_at, due_at, ended_at)
                SELECT (SELECT min(id) FROM image) + n % 10, 'image', 'oci:/srv', 'r' || (n % 5) || '.example',
                       'r' || (n % 5) || '.example/app:' || n, '', iif(n <= ?2, 'canceled', 'queued'), 'command',
                       iif(n % 2, 0, 9), 'manifest', 0, 5, 5, iif(n <= ?2, NULL, iif(n % 2, 5, 1000000)),
                       iif(n <= ?2, 6, NULL)
                  FROM number
                """, queued, ended)
        }
    }

    /// Calls every method at least once on data that lets it run through, so that every statement is prepared.
    func useEverything() async throws {
        let layer = JobBlob.layer("base")
        for (place, image) in ["v1", "v1", "v2", "v3"].enumerated() {
            _ = try await accept([.push(image, expiresAt: 900)], now: Int64(place))
            _ = try await accept([.push(image, to: "r1.example/app:\(place)")], now: Int64(place))
            _ = try await accept([.push(image, to: "r2.example/app:\(place)")], now: Int64(place))
        }
        let outcomes: [BlobOutcome] = [.uploaded, .mounted, .existing, .shared]
        for outcome in outcomes {
            let claim = try #require(await claim(at: 10))
            try await setOutcome(claim, digest: layer.digest, outcome: outcome, detail: nil, bytesSent: 1)
            switch outcome {
            case .uploaded: try await succeed(claim, verified: "blobs", now: 11)
            case .mounted: try await fail(claim, error: .outage, now: 11)
            case .existing: try await block(claim, error: .loginMissing, now: 11)
            default: try await retryLater(claim, at: 20, error: .outage, madeProgress: true, now: 11)
            }
        }
        try await retryLater(#require(await claim(at: 12)), at: 20, error: nil, madeProgress: true, now: 12)
        _ = try await claim(at: 13)
        _ = try await nextDue(excludingRegistries: [])
        _ = try await nextExpiry()
        _ = try await recover(now: 14)
        _ = try await unblock(registry: "r1.example", now: 15)
        _ = try await retry(nil, now: 16)
        _ = try await expire(now: 1_000)
        _ = try await cancel([1, 2, 3], now: 1_001)
        let id = try #require(await jobs(JobFilter()).first).id
        _ = try await jobs(JobFilter(states: [.failed], registry: "r1.example"))
        _ = try await jobs(JobFilter(states: [.failed]))
        _ = try await jobs(JobFilter(ids: [id]))
        _ = try await (blobs(of: id), attempts(of: id), counts(), allNeededDigests())
        _ = try await neededDigests(among: [layer.digest])
        _ = try await prune(now: 2_000, olderThan: 1, keep: 1, batch: 100)

        try await record(NewEvent(.login, registry: "r1.example"), now: 2_000)
        _ = try await (events(after: 0, limit: 5), lastEvent(before: 3_000), registriesInTrouble())
        _ = try await pruneEvents(now: 2_001, olderThan: 1, keep: 1, batch: 5)
        try await remember(layer.digest, registry: "r1", repository: "app", now: 1)
        _ = try await knows(layer.digest, registry: "r1", repository: "app", since: 0)
        _ = try await repositories(holding: layer.digest, registry: "r1", since: 0, limit: 5)
        try await rememberMountRefused(registry: "r1", source: "app", now: 1)
        _ = try await mountRefused(registry: "r1", source: "app", since: 0)
        _ = try await pruneLedger(now: 9, olderThan: 1, keep: 0, batch: 5)
        try await forget(layer.digest, registry: "r1", repository: "app")
        try await forget(nil, registry: "r1", repository: "app")
        try await saveUpload(
            StoredUpload(
                registry: "r1", repository: "app", digest: layer.digest, location: "/", offset: 0, style: "whole",
                updatedAt: 1))
        _ = try await upload(registry: "r1", repository: "app", digest: layer.digest)
        _ = try await staleUploads(olderThan: 9)
        try await removeUpload(registry: "r1", repository: "app", digest: layer.digest)
        try await setFact(registry: "r1", name: "a", value: "b", now: 1)
        _ = try await (fact(registry: "r1", name: "a"), facts(registry: "r1"))
        try await removeFact(registry: "r1", name: "a")
        try await setHandled(Handled(store: "s", name: "n", digest: layer.digest), now: 1)
        _ = try await (handled(store: "s", name: "n"), handled(store: "s"))
        try await forgetHandled(store: "s", name: "n")
    }
}
