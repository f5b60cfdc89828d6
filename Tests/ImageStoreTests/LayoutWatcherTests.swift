import FoundationEssentials
import Glibc
import OCI
import Synchronization
import TestSupport
import Testing

@testable import ImageStore

/// Runs a watcher while `body` uses what it tells.
private func withWatcher(
    _ directories: [String], settle: Duration = .milliseconds(20), longest: Duration = .seconds(60),
    rescan: Duration = .seconds(3600), events: FakeEvents? = nil, watches: Bool = true,
    _ body: (LayoutWatcher, inout Changes) async throws -> Void
) async throws {
    let watcher = LayoutWatcher(directories: directories, settle: settle, longest: longest, rescan: rescan) {
        happened in
        guard watches else { return nil }
        if let events {
            events.connect(happened)
            return events
        }
        return Inotify(happened: happened)
    }
    let running = Task { await watcher.run() }
    var changes = Changes(iterator: watcher.changes.makeAsyncIterator())
    do {
        try await body(watcher, &changes)
    } catch {
        running.cancel()
        throw error
    }
    running.cancel()
    await running.value
    // The stream ends with the watcher.
    while await changes.next() != nil {}
}

/// What a watcher tells, one at a time.
private struct Changes {
    var iterator: AsyncStream<String>.AsyncIterator
    mutating func next() async -> String? { await iterator.next() }
}

/// Events that a test makes up.
private final class FakeEvents: DirectoryEvents {
    private let state = Mutex<(events: [DirectoryEvent], happened: (@Sendable () -> Void)?)>(([], nil))

    func connect(_ happened: @escaping @Sendable () -> Void) { state.withLock { $0.happened = happened } }

    func send(_ event: DirectoryEvent) {
        let happened = state.withLock { state in
            state.events.append(event)
            return state.happened
        }
        happened?()
    }

    func add(_ path: String) -> Int32? { access(path, F_OK) == 0 ? 1 : nil }
    func remove(_ watch: Int32) {}
    func take() -> [DirectoryEvent] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }
    func stop() {}
}

/// A layout with one image; each call of `next` makes another image the one that is named.
private struct Layout {
    let builder: LayoutBuilder
    private let counter = Counter()

    init(_ directory: String) throws { builder = try LayoutBuilder(directory: directory) }

    /// Names another image, and returns the index.json that says so.
    func next() throws -> [UInt8] {
        builder.removeEntries(refName: "latest")
        try builder.addImage(layers: [], name: "latest", label: "\(counter.next())")
        return try builder.indexJSON()
    }

    func write() throws {
        _ = try next()
        try builder.writeIndexJSON()
    }
}

private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }
}

/// Truncates and writes in place, as the usual tools do.
private func overwrite(_ path: String, _ bytes: some Sequence<UInt8>) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0 else { throw TestSupportError("cannot open \(path)") }
    defer { close(file) }
    let all = Array(bytes)
    guard write(file, all, all.count) == all.count else { throw TestSupportError("cannot write \(path)") }
}

@Suite("The watcher of layouts", .timeLimit(.minutes(2)))
struct LayoutWatcherTests {
    @Test("tells each layout once at the start, and what is written afterwards")
    func startsAndChanges() async throws {
        try await TemporaryDirectory.with { temporary in
            let (one, two) = try (Layout(temporary.file("one")), Layout(temporary.file("two")))
            try one.write()
            try two.write()
            let absent = temporary.file("absent")
            try await withWatcher([temporary.file("one/"), temporary.file("two"), absent]) { _, changes in
                #expect(await changes.next() == temporary.file("one"))
                #expect(await changes.next() == temporary.file("two"))
                try two.write()
                #expect(await changes.next() == temporary.file("two"))
                try one.write()
                #expect(await changes.next() == temporary.file("one"))
            }
        }
    }

    @Test("tells an index.json that was renamed over the old one")
    func renamedOver() async throws {
        try await TemporaryDirectory.with { temporary in
            let layout = try Layout(temporary.file("app"))
            try layout.write()
            try await withWatcher([temporary.file("app")]) { _, changes in
                _ = await changes.next()
                for _ in 1...3 {
                    try temporary.write(layout.next(), to: "app/.index.json.new")
                    #expect(rename(temporary.file("app/.index.json.new"), temporary.file("app/index.json")) == 0)
                    #expect(await changes.next() == temporary.file("app"))
                }
            }
        }
    }

    @Test("tells what was renamed into its place or closed without waiting for silence", arguments: [true, false])
    func atOnce(isRenamed: Bool) async throws {
        try await TemporaryDirectory.with { temporary in
            let layout = try Layout(temporary.file("app"))
            try layout.write()
            // Silence would have to last an hour.
            try await withWatcher([temporary.file("app")], settle: .seconds(3600), longest: .seconds(7200)) {
                _, changes in
                #expect(await changes.next() == temporary.file("app"))
                for _ in 1...3 {
                    if isRenamed {
                        try temporary.write(layout.next(), to: "app/.new")
                        #expect(rename(temporary.file("app/.new"), temporary.file("app/index.json")) == 0)
                    } else {
                        try layout.write()
                    }
                    #expect(await changes.next() == temporary.file("app"))
                }
            }
        }
    }

    @Test("tells a layout that is renamed into its place whole at once")
    func directoryAtOnce() async throws {
        try await TemporaryDirectory.with { temporary in
            let place = temporary.file("app")
            try Layout(temporary.file("ready")).write()
            try await withWatcher(
                [place, temporary.file("ready")], settle: .seconds(3600), longest: .seconds(7200)
            ) { _, changes in
                #expect(await changes.next() == temporary.file("ready"))
                try Layout(temporary.file("new")).write()
                #expect(rename(temporary.file("new"), place) == 0)
                #expect(await changes.next() == place)
            }
        }
    }

    @Test("does not tell a half-written index.json until it is whole")
    func halfWritten() async throws {
        try await TemporaryDirectory.with { temporary in
            let layout = try Layout(temporary.file("app"))
            let other = try Layout(temporary.file("other"))
            try layout.write()
            try await withWatcher([temporary.file("app"), temporary.file("other")]) { _, changes in
                #expect(await changes.next() == temporary.file("app"))
                let whole = try layout.next()
                try overwrite(temporary.file("app/index.json"), whole.dropLast(30))
                // The other layout's change comes later and is told first: time enough for a wrong one.
                for _ in 1...3 {
                    try other.write()
                    #expect(await changes.next() == temporary.file("other"))
                }
                try overwrite(temporary.file("app/index.json"), whole)
                #expect(await changes.next() == temporary.file("app"))
            }
        }
    }

    @Test("tells one that never becomes whole after the longest wait, so that somebody hears of it")
    func neverWhole() async throws {
        try await TemporaryDirectory.with { temporary in
            let layout = try Layout(temporary.file("app"))
            try overwrite(temporary.file("app/index.json"), layout.next().dropLast(3))
            try await withWatcher([temporary.file("app")], settle: .milliseconds(5), longest: .milliseconds(50)) {
                _, changes in #expect(await changes.next() == temporary.file("app"))
            }
        }
    }

    @Test("tells a layout that is made after the start, also with the directories above it")
    func created() async throws {
        try await TemporaryDirectory.with { temporary in
            let place = temporary.file("a/b/app")
            // Told at the start and after the others: from then on the watcher is at work.
            try Layout(temporary.file("ready")).write()
            try await withWatcher([place, temporary.file("ready")]) { _, changes in
                #expect(await changes.next() == temporary.file("ready"))
                try temporary.makeDirectory("a")
                try temporary.makeDirectory("a/b")
                let layout = try Layout(place)
                for _ in 1...3 {
                    try layout.write()
                    #expect(await changes.next() == place)
                }
            }
        }
    }

    @Test("tells a layout that goes away and comes back")
    func recreated() async throws {
        try await TemporaryDirectory.with { temporary in
            let place = temporary.file("app")
            try Layout(place).write()
            try await withWatcher([place]) { _, changes in
                #expect(await changes.next() == place)
                for _ in 1...3 {
                    try FileManager.default.removeItem(atPath: place)
                    #expect(await changes.next() == place)
                    for _ in 1...2 {
                        try Layout(place).write()
                        #expect(await changes.next() == place)
                    }
                }
            }
        }
    }

    @Test("follows a layout that is replaced by another directory")
    func replaced() async throws {
        try await TemporaryDirectory.with { temporary in
            let place = temporary.file("app")
            let old = try Layout(place)
            try old.write()
            try Layout(temporary.file("new")).write()
            try await withWatcher([place], settle: .milliseconds(500)) { _, changes in
                #expect(await changes.next() == place)
                #expect(rename(place, temporary.file("old")) == 0)
                #expect(rename(temporary.file("new"), place) == 0)
                #expect(await changes.next() == place)
                // The old one is nobody's business any more; the new one is.
                try overwrite(temporary.file("old/index.json"), old.next())
                try Layout(place).write()
                #expect(await changes.next() == place)
            }
        }
    }

    @Test("follows a layout behind a link that is turned to another")
    func relinked() async throws {
        try await TemporaryDirectory.with { temporary in
            try Layout(temporary.file("one")).write()
            let two = try Layout(temporary.file("two"))
            try two.write()
            let place = temporary.file("current")
            #expect(symlink("one", place) == 0)
            try await withWatcher([place]) { _, changes in
                #expect(await changes.next() == place)
                #expect(symlink("two", temporary.file("next")) == 0)
                #expect(rename(temporary.file("next"), place) == 0)
                #expect(await changes.next() == place)
                try two.write()
                #expect(await changes.next() == place)
            }
        }
    }

    @Test("looks at all layouts when events were lost, and tells those that have changed")
    func overflow() async throws {
        try await TemporaryDirectory.with { temporary in
            let (one, two) = try (Layout(temporary.file("one")), Layout(temporary.file("two")))
            try one.write()
            try two.write()
            let events = FakeEvents()
            try await withWatcher([temporary.file("one"), temporary.file("two")], events: events) { _, changes in
                _ = await changes.next()
                _ = await changes.next()
                try two.write()
                events.send(.overflow)
                #expect(await changes.next() == temporary.file("two"))
            }
        }
    }

    @Test("finds by itself what no event tells", arguments: [true, false])
    func polls(watches: Bool) async throws {
        try await TemporaryDirectory.with { temporary in
            let place = temporary.file("app")
            let layout = try Layout(place)
            try await withWatcher(
                [place], rescan: .milliseconds(20), events: watches ? FakeEvents() : nil, watches: watches
            ) { _, changes in
                for _ in 1...3 {
                    try layout.write()
                    #expect(await changes.next() == place)
                }
                try FileManager.default.removeItem(atPath: place)
                #expect(await changes.next() == place)
            }
        }
    }

    @Test("tells two layouts of which one lies in the other")
    func nested() async throws {
        try await TemporaryDirectory.with { temporary in
            let (outer, inner) = try (Layout(temporary.file("app")), Layout(temporary.file("app/index.json.d")))
            try outer.write()
            try inner.write()
            let places = [temporary.file("app"), temporary.file("app/index.json.d")]
            try await withWatcher(places) { _, changes in
                #expect(await changes.next() == places[0])
                #expect(await changes.next() == places[1])
                try inner.write()
                #expect(await changes.next() == places[1])
                try outer.write()
                #expect(await changes.next() == places[0])
            }
        }
    }

    @Test("lets go of a listener that is cancelled")
    func cancelledListener() async throws {
        let watcher = LayoutWatcher(directories: [])
        let listening = Task {
            for await _ in watcher.changes {}
        }
        listening.cancel()
        await listening.value
    }
}

@Suite("Settling")
struct SettleTableTests {
    private let start = ContinuousClock.now

    @Test("takes some silence, which each write starts anew")
    func silence() {
        var table = SettleTable(settle: .milliseconds(200), longest: .seconds(5))
        table.touch("a", now: start)
        table.touch("a", now: start + .milliseconds(150))
        #expect(table.next == start + .milliseconds(350))
        #expect(table.due(now: start + .milliseconds(349)).isEmpty)
        #expect(table.due(now: start + .milliseconds(350)) == ["a"])
        table.end("a")
        #expect(table.next == nil)
    }

    @Test("takes no longer than the longest wait, however busy the writer is")
    func longest() {
        var table = SettleTable(settle: .milliseconds(200), longest: .seconds(5))
        for step in 0..<100 { table.touch("a", now: start + .milliseconds(100 * step)) }
        #expect(table.next == start + .seconds(5))
        #expect(!table.isExhausted("a", now: start + .milliseconds(4999)))
        #expect(table.isExhausted("a", now: start + .seconds(5)))
    }

    @Test("takes no silence where the file may be whole, and keeps a pace where one follows the other")
    func arrivals() {
        var table = SettleTable(settle: .milliseconds(200), pace: .milliseconds(50), longest: .seconds(5))
        table.touch("a", now: start)
        table.arrive("a", now: start + .milliseconds(10))
        #expect(table.due(now: start + .milliseconds(10)) == ["a"])
        table.note("a", now: start + .milliseconds(10))
        table.end("a")
        for step in 11...30 { table.arrive("a", now: start + .milliseconds(step)) }
        #expect(table.next == start + .milliseconds(60))
        table.end("a")
        table.arrive("a", now: start + .seconds(1))
        #expect(table.next == start + .seconds(1))
        // Not whole when it was read: the writer is given time again.
        table.touch("a", now: start + .seconds(1))
        #expect(table.next == start + .seconds(1) + .milliseconds(200))
    }

    @Test("is each layout's own")
    func separate() {
        var table = SettleTable(settle: .milliseconds(200), longest: .seconds(5))
        table.touch("b", now: start)
        table.touch("a", now: start + .milliseconds(100))
        #expect(table.due(now: start + .milliseconds(200)) == ["b"])
        #expect(table.due(now: start + .seconds(1)) == ["a", "b"])
    }
}
