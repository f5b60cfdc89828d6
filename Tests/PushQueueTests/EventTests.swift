import OCI
import Testing

@testable import PushQueue

@Suite("The outbox of events")
struct EventTests {
    private func all(_ store: JobStore) async throws -> [QueueEvent] { try await store.events(after: 0, limit: 1000) }

    @Test("has one for each change of a job's state, numbered in order")
    func changes() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(), now: 1)
            let first = try #require(await store.claim(at: 2))
            try await store.retryLater(first, at: 3, error: .outage, madeProgress: false, now: 3)
            let second = try #require(await store.claim(at: 4))
            try await store.succeed(second, verified: nil, now: 5)
            let events = try await all(store)
            #expect(events.map(\.id) == [1, 2, 3, 4, 5])
            #expect(events.map(\.at) == [1, 2, 3, 4, 5])
            #expect(events.map(\.state) == [.queued, .running, .waiting, .running, .succeeded])
            #expect(events.allSatisfy { $0.kind == .job && $0.job == id && $0.image == "app" })
            #expect(events.allSatisfy { $0.destination == "r1.example/team/app:1" && $0.registry == nil })
            // The error is kept with the job until it has succeeded; an event has the words of its own state alone.
            #expect(events.map(\.message) == [nil, nil, "connection refused", nil, nil])
            #expect(events.map(\.code) == [nil, nil, "registry-unreachable", nil, nil])
        }
    }

    @Test(
        "has the words of the error with states that an error leads to, and with no others",
        arguments: [
            (.fail, "connection refused"), (.block, "connection refused"), (.cancel, nil), (.giveBack, nil),
            (.expire, "the push did not end within its --timeout; last: connection refused"),
        ] as [(JobEvent, String?)])
    func words(event: JobEvent, message: String?) async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(expiresAt: 100))
            let first = try #require(await store.claim(at: 1))
            try await store.retryLater(first, at: 2, error: .outage, madeProgress: false, now: 2)
            let claim = try #require(await store.claim(at: 3))
            switch event {
            case .fail: try await store.fail(claim, error: .outage, now: 4)
            case .block: try await store.block(claim, error: .outage, now: 4)
            case .cancel: _ = try await store.cancel([id], now: 4)
            case .giveBack: try await store.retryLater(claim, at: 9, error: nil, madeProgress: false, now: 4)
            default: _ = try await store.expire(now: 100)
            }
            let last = try #require(await all(store).last)
            #expect(last.id == 5 && last.message == message)
        }
    }

    @Test("is written with the change itself: what was taken back left none, and no gap in the numbers")
    func atomic() async throws {
        try await withStore { store in
            _ = try await store.accept(one: .push(to: "r1.example/a:1"))
            await #expect(throws: QueueError.self) {
                try await store.accept(
                    [.push(to: "r1.example/b:1"), .push(to: "r1.example/c:1", priority: 999)], now: 0)
            }
            _ = try await store.accept(one: .push(to: "r1.example/d:1"))
            #expect(try await all(store).map(\.id) == [1, 2])
            #expect(try await all(store).map(\.destination) == ["r1.example/a:1", "r1.example/d:1"])
        }
    }

    @Test("costs no commit of its own")
    func commits() async throws {
        try await withStore { store in
            let before = try await store.commits()
            _ = try await store.accept(one: .push())
            _ = try await store.claim(at: 1)
            #expect(try await store.commits() == before + 2)
            #expect(try await all(store).count == 2)
        }
    }

    @Test("has what is not about a job too, in the order in which it was noted, with a bounded message")
    func others() async throws {
        try await withStore { store in
            store.note(NewEvent(.registryTrouble, registry: "r1.example", code: "server-error", message: "it"), now: 7)
            {
                Issue.record("\($0)")
            }
            try await store.record(
                NewEvent(.configurationRefused, message: String(repeating: "x", count: 2000)), now: 8)
            let events = try await all(store)
            #expect(events.map(\.kind) == [.registryTrouble, .configurationRefused])
            #expect(events[0].registry == "r1.example" && events[0].code == "server-error" && events[0].at == 7)
            #expect(events[1].message?.count == QueueEvent.messageLimit)
        }
    }

    @Test("outlives the daemon, and gives no number twice, also when all were pruned")
    func numbers() async throws {
        try await withFile { path in
            do {
                let store = try JobStore(path: path)
                for now in 1...3 { try await store.record(NewEvent(.login, registry: "r"), now: Int64(now)) }
            }
            do {
                let store = try JobStore(path: path)
                #expect(try await all(store).map(\.id) == [1, 2, 3])
                #expect(try await store.pruneEvents(now: 9, olderThan: 0, keep: 0, batch: 10) == 3)
                #expect(try await store.eventNumbers() == (first: 4, latest: 3))
            }
            let store = try JobStore(path: path)
            #expect(try await store.eventNumbers() == (first: 4, latest: 3))
            try await store.record(NewEvent(.logout), now: 10)
            #expect(try await all(store).map(\.id) == [4])
        }
    }

    @Test(
        "is pruned at its front, by age and by number, a bounded number at a time",
        arguments: [
            (0, 100, 100, [1, 2, 3, 4, 5, 6]), (3, 100, 100, [3, 4, 5, 6]), (100, 100, 100, []),
            (0, 2, 100, [5, 6]), (0, 2, 3, [4, 5, 6]), (100, 100, 4, [5, 6]),
        ] as [(Int64, Int, Int, [Int64])])
    func pruning(cutoff: Int64, keep: Int, batch: Int, left: [Int64]) async throws {
        try await withStore { store in
            for now in 1...6 { try await store.record(NewEvent(.login), now: Int64(now)) }
            let deleted = try await store.pruneEvents(now: 1000 + cutoff, olderThan: 1000, keep: keep, batch: batch)
            #expect(deleted == 6 - left.count)
            #expect(try await all(store).map(\.id) == left)
        }
    }

    @Test(
        "is found by time",
        arguments: [(0, nil), (5, nil), (6, 1), (19, 2), (20, 2), (21, 3), (99, 4)] as [(Int64, Int64?)])
    func byTime(time: Int64, expected: Int64?) async throws {
        try await withStore { store in
            for now in [5, 10, 20, 30] { try await store.record(NewEvent(.login), now: Int64(now)) }
            #expect(try await store.lastEvent(before: time) == expected)
        }
    }

    @Test("rings when there is more, and ends when it is told so")
    func bell() async throws {
        try await withStore { store in
            var bell = store.eventBell().makeAsyncIterator()
            _ = try await store.accept(one: .push())
            #expect(await bell.next() != nil)
            #expect(try await all(store).count == 1)
            store.endEvents()
            #expect(await bell.next() == nil)
            var late = store.eventBell().makeAsyncIterator()
            #expect(await late.next() == nil)
        }
    }

    @Test("can come into a queue of the second version, whose jobs stay and go on")
    func migration() async throws {
        try await withFile { path in
            do {
                let second = try Database.open(path)
                try second.migrate(Array(Migration.all.prefix(2)))
                try second.execute(
                    """
                    INSERT INTO image VALUES (1, '\(Digest.of("app"))', 'c', '\(MediaType.ociManifest)', 500, 0, 0);
                    INSERT INTO job (id, image, name, source, registry, destination, platforms, state, origin, priority,
                                     verify, force, created_at, updated_at, due_at)
                    VALUES (7, 1, 'app', 's', 'r1.example', 'r1.example/team/app:1', '', 'queued', 'command', 0,
                            'manifest', 0, 1, 1, 1);
                    """)
                #expect(try second.row("PRAGMA user_version") { $0.int(0) } == 2)
            }
            let store = try JobStore(path: path)
            #expect(try await store.job(7)?.state == .queued)
            #expect(try await store.eventNumbers() == (first: 1, latest: 0))
            #expect(try await store.claim(at: 2)?.job.id == 7)
            #expect(try await all(store).map(\.state) == [.running])
        }
    }

    @Test("says which registries are in trouble, and that no more where it tells of the end")
    func trouble() async throws {
        try await withStore { store in
            for (kind, registry) in [
                (.registryTrouble, "a"), (.registryTrouble, "b"), (.registryRecovered, "a"), (.registryPaused, "b"),
                (.registryRecovered, "c"), (.registryTrouble, "c"),
            ] as [(EventKind, String)] { try await store.record(NewEvent(kind, registry: registry), now: 1) }
            #expect(try await store.registriesInTrouble().sorted() == ["b", "c"])
        }
    }

    @Test("keeps the image that an event names")
    func image() async throws {
        try await withStore { store in
            try await store.record(NewEvent(.imageLeftOut, image: "app:1", code: "c", message: "m"), now: 1)
            let event = try #require(await all(store).first)
            #expect(event.kind == .imageLeftOut && event.image == "app:1" && event.job == nil)
        }
    }

    @Test("of a queue of the fourth version tells of registries in trouble")
    func fifthVersion() async throws {
        try await withFile { path in
            do {
                let fourth = try Database.open(path)
                try fourth.migrate(Array(Migration.all.prefix(4)))
                try fourth.execute("INSERT INTO event (at, kind, registry) VALUES (1, 'registry-trouble', 'r.example')")
                #expect(try fourth.row("PRAGMA user_version") { $0.int(0) } == 4)
            }
            #expect(try await JobStore(path: path).registriesInTrouble() == ["r.example"])
        }
    }
}
