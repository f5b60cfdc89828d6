import FoundationEssentials
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// A queue that takes no writes for a while: a full disk, or one that has gone read-only.
@Suite("A queue that cannot be written")
struct QueueTroubleTests {
    /// Makes every change of a job's state to one of `states` fail.
    private static func block(_ states: String, in bench: Bench) throws {
        try SQLiteFile.execute(
            """
            CREATE TRIGGER full BEFORE UPDATE OF state ON job WHEN NEW.state IN (\(states))
             BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END
            """, at: bench.directory.file("queue.db"))
    }

    @Test("when a push has ended neither loses nor repeats it, and goes on by itself", arguments: [true, false])
    func endIsNotWritten(succeeds: Bool) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                await bench.publisher.pause(nil)
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                try Self.block("'succeeded', 'waiting'", in: bench)
                if !succeeds { registry.faults.add(Fault(.uploadStart, .respond(Answer(503)))) }
                let trouble = bench.log.count { $0.isQueueTrouble }
                await bench.publisher.resume(nil)
                try await bench.log.wait(for: trouble + 2) { $0.isQueueTrouble }
                #expect(try await bench.publisher.snapshot(job)?.job.state == .running)
                try SQLiteFile.execute("DROP TRIGGER full", at: bench.directory.file("queue.db"))
                let ended = try await bench.settled(job)
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size, "sent once")
                #expect(registry.requests(.manifest, method: "PUT").count == 1)
            }
        }
    }

    @Test("when it can't even be read at a job's end, nothing is given free that another job needs")
    func endIsNotRead() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 50_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                await bench.publisher.pause("held.example")
                let needing = try await bench.push("app:1", to: "held.example/r:1")
                let other = try await bench.push("app:1", to: "held.example/s:1")
                let gate = TestGate()
                registry.faults.add(Fault(.uploadBody, .stall(afterBodyBytes: 10, until: gate)))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                try await gate.waitForArrival()
                let queue = bench.directory.file("queue.db")
                try SQLiteFile.execute("ALTER TABLE image_blob RENAME COLUMN wanted TO hidden", at: queue)
                await #expect(throws: QueueError.self) { try await bench.queue.neededDigests(among: [layer.digest]) }
                var changes = await bench.publisher.changes().makeAsyncIterator()
                gate.open()
                #expect(try await bench.settled(job).job.state == .succeeded)
                // Changes are followed one after the other: with the next one's, the end of the first is dealt with.
                _ = try await bench.publisher.cancel([other])
                while let touched = await changes.next(), touched != other {}
                try SQLiteFile.execute("ALTER TABLE image_blob RENAME COLUMN hidden TO wanted", at: queue)
                let pinned = bench.directory.file("spool/blobs/sha256/" + layer.digest.hex)
                #expect(FileManager.default.fileExists(atPath: pinned))
                #expect(try await bench.queue.neededDigests(among: [layer.digest]) == [layer.digest])
                #expect(try await bench.publisher.snapshot(needing)?.job.state == .queued)
            }
        }
    }

    @Test("when jobs are claimed starts none, and all of them once as soon as it can be written")
    func claimsFail() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                await bench.publisher.pause(nil)
                var jobs: [JobID] = []
                for number in 0..<5 {
                    try bench.image(
                        "app\(number):1", layers: [try bench.builder.addLayer(size: 900, seed: UInt64(number))])
                    jobs.append(try await bench.push("app\(number):1", to: "\(registry.address)/r\(number):1"))
                }
                try Self.block("'running'", in: bench)
                await bench.publisher.resume(nil)
                try await bench.log.wait(for: 1) { $0.isQueueTrouble }
                #expect(registry.requests.isEmpty)
                try SQLiteFile.execute("DROP TRIGGER full", at: bench.directory.file("queue.db"))
                await bench.publisher.resume(nil)
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                #expect(registry.requests(.manifest, method: "PUT").count == 5)
            }
        }
    }
}

extension PublisherLog {
    fileprivate var isQueueTrouble: Bool { if case .queueTrouble = self { true } else { false } }
}
