import PushQueue
import TestSupport
import Testing

@testable import Publisher

@Suite("Reading events")
struct EventReaderTests {
    private func withQueue(_ body: (JobStore) async throws -> Void) async throws {
        try await TemporaryDirectory.with { try await body(try JobStore(path: $0.file("queue.db"))) }
    }

    private func record(_ count: Int, in queue: JobStore, from first: Int64 = 1) async throws {
        for now in 0..<Int64(count) { try await queue.record(NewEvent(.login, registry: "r"), now: first + now) }
    }

    /// The numbers of the next events; a loss is its count, negative.
    private func next(_ count: Int, from reader: EventReader) async throws -> [Int64] {
        var numbers: [Int64] = []
        while numbers.count < count {
            switch try await reader.next() {
            case .event(let event): numbers.append(event.id)
            case .lost(let count, _, _): numbers.append(-(count ?? 0))
            case nil: return numbers
            }
        }
        return numbers
    }

    @Test("tells each once and in order, in pieces too, and goes on after the last one in another life of the daemon")
    func acrossRestart() async throws {
        try await TemporaryDirectory.with { directory in
            var seen: [Int64] = []
            do {
                let queue = try JobStore(path: directory.file("queue.db"))
                try await record(600, in: queue)
                seen = try await next(300, from: EventReader(queue: queue, from: .oldest, follow: true))
            }
            let queue = try JobStore(path: directory.file("queue.db"))
            try await record(5, in: queue, from: 1000)
            let reader = try await EventReader(queue: queue, from: .after(try #require(seen.last)), follow: false)
            seen += try await next(1000, from: reader)
            #expect(seen == Array(1...605))
        }
    }

    @Test("without following ends with what there was when it began")
    func bounded() async throws {
        try await withQueue { queue in
            try await record(3, in: queue)
            let reader = try await EventReader(queue: queue, from: .oldest, follow: false)
            try await record(3, in: queue)
            #expect(try await next(10, from: reader) == [1, 2, 3])
        }
    }

    @Test("waits for what is to come, and ends when the daemon stops")
    func waits() async throws {
        try await withQueue { queue in
            try await record(2, in: queue)
            let reader = try await EventReader(queue: queue, from: .now, follow: true)
            let later = Task { try await next(2, from: reader) }
            try await record(2, in: queue)
            #expect(try await later.value == [3, 4])
            let end = Task { try await reader.next() }
            queue.endEvents()
            #expect(try await end.value == nil)
        }
    }

    @Test("ends for a reader that is cancelled")
    func cancelled() async throws {
        try await withQueue { queue in
            let reader = try await EventReader(queue: queue, from: .now, follow: true)
            let waiting = Task { try await reader.next() }
            waiting.cancel()
            #expect(try await waiting.value == nil)
        }
    }

    @Test("says where some are no longer kept, and how many")
    func lost() async throws {
        try await withQueue { queue in
            try await record(10, in: queue)
            #expect(try await queue.pruneEvents(now: 0, olderThan: 1000, keep: 3, batch: 100) == 7)
            func read(_ start: EventStart) async throws -> [Int64] {
                try await next(100, from: EventReader(queue: queue, from: start, follow: false))
            }
            #expect(try await read(.after(2)) == [-5, 8, 9, 10])
            #expect(try await read(.after(0)) == [-7, 8, 9, 10])
            #expect(try await read(.after(7)) == [8, 9, 10])
            #expect(try await read(.after(10)) == [])
            #expect(try await read(.oldest) == [8, 9, 10])
            #expect(try await read(.since(9)) == [9, 10])
            // Nobody knows how many there were since then.
            #expect(try await read(.since(2)) == [0, 8, 9, 10])
            await #expect(throws: EventAhead.self) { try await read(.after(11)) }
        }
    }

    @Test("says so without following too, where all that is left to read is no longer kept")
    func allLost() async throws {
        try await withQueue { queue in
            try await record(10, in: queue)
            let early = try await EventReader(queue: queue, from: .after(2), follow: false)
            #expect(try await queue.pruneEvents(now: 0, olderThan: 1000, keep: 0, batch: 100) == 10)
            let late = try await EventReader(queue: queue, from: .after(2), follow: false, now: { 77 })
            #expect(try await late.next() == .lost(count: 8, upTo: 10, at: 77))
            #expect(try await late.next() == nil)
            // What is stored next is later than the reader's end.
            try await record(3, in: queue, from: 100)
            #expect(try await early.next() == .lost(count: 8, upTo: 10, at: 100))
            #expect(try await early.next() == nil)
        }
    }

    @Test("tells a slow reader what was pruned while it looked away")
    func slow() async throws {
        try await withQueue { queue in
            try await record(600, in: queue)
            let reader = try await EventReader(queue: queue, from: .oldest, follow: true)
            #expect(try await next(1, from: reader) == [1])
            #expect(try await queue.pruneEvents(now: 0, olderThan: 1000, keep: 100, batch: 1000) == 500)
            let rest = try await next(356, from: reader)
            #expect(rest == Array(2...256) + [-244] + Array(501...600))
        }
    }
}
