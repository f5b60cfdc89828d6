import Control
import Synchronization
import Testing

@testable import pushctl

@Suite("The screen of status")
struct StatusScreenTests {
    private static let around = StatusScreen.Surroundings(
        now: testNow, glyphs: .unicode, localTime: { "T\(($0 - testNow) / 1000)" })

    private static let down = RegistryInfo(
        name: "registry.example", pausedUntil: Timestamp(milliseconds: testNow + 6_200),
        pausedSince: Timestamp(milliseconds: testNow - 120_000),
        reason: "it can't be reached: nothing listens there (connection refused)", running: 0, waiting: 197)

    private func outage(waiting count: Int = 60, _ registries: [RegistryInfo] = [down]) -> StatusScreen {
        StatusScreen(
            jobs: [testJob(900, "running", to: "other.example/a:1"), testJob(800, "blocked", to: "other.example/b:1")]
                + (0..<count).map { testJob(700 - $0, $0 < 4 ? "waiting" : "queued") },
            counts: ["running": 1, "blocked": 2, "waiting": 4, "queued": 193, "succeeded": 3], registries: registries,
            isChosen: false)
    }

    private func texts(_ screen: StatusScreen, _ width: Int?, _ height: Int?) -> [String] {
        screen.lines(width: width, height: height, Self.around).map(\.text)
    }

    @Test("begins with sums and with what is paused, why, since when and until when; ends with what it has no room for")
    func eightyByTwentyFour() {
        let lines = texts(outage(), 80, 23)
        #expect(
            lines.prefix(4) == [
                "203 jobs: 1 running, 4 waiting, 193 queued, 2 blocked, 3 succeeded",
                "registry.example is paused, next try in 7 s; in trouble since T-120 (2 min ago);",
                "  197 jobs wait: it can't be reached: nothing listens there (connection refused)",
                "JOB  STATE    DESTINATION              DONE  TRY    AGE  NOTE",
            ])
        #expect(lines.count == 23)
        #expect(lines.allSatisfy { $0.displayWidth <= 80 })
        #expect(lines[4].hasPrefix("900  running"))
        #expect(lines[6].hasSuffix("paused, next try in 7 s"))
        // 17 rows: one runs, one is blocked, and 15 of the 197 wait.
        #expect(lines.suffix(2) == ["… and 1 more blocked", "… and 182 more, waiting for registry.example"])
    }

    @Test("hides no job that changed its state between two answers, and so is in a row")
    func changedBetween() {
        var screen = outage(waiting: 2)
        screen.counts = ["blocked": 1, "running": 1, "waiting": 2]
        #expect(texts(screen, 200, nil).count == 2 + 1 + 4)
        screen.counts = ["blocked": 0, "running": 0, "waiting": 4]
        #expect(!texts(screen, 200, nil).contains { $0.contains("more") })
        screen.counts = ["running": 1, "waiting": 4]
        #expect(texts(screen, 200, nil).last == "… and 1 more, waiting for registry.example")
    }

    @Test("fits every screen", arguments: [1, 20, 40, 80, 200], [1, 2, 3, 5, 10, 24, 50])
    func bounds(width: Int, height: Int) {
        let many = (0..<9).map { number in
            var registry = Self.down
            registry.name = "registry\(number).example"
            return registry
        }
        for registries in [[], [Self.down], many] {
            let lines = texts(outage(registries), width, height)
            #expect(lines.allSatisfy { $0.displayWidth <= width })
            if height >= 10, width >= 80 { #expect(lines.count <= height, "\(lines)") }
        }
    }

    private func outage(_ registries: [RegistryInfo]) -> StatusScreen { outage(waiting: 60, registries) }

    @Test("tells of a few registries by name, and of the rest by number")
    func manyRegistries() {
        let many = (0..<9).map { number in
            var registry = Self.down
            registry.name = "registry\(number).example"
            registry.waiting = 20 + number
            return registry
        }
        let lines = texts(outage(waiting: 0, many), 200, 23)
        #expect(lines.contains("and 4 more registries: pushctl registries"), "\(lines)")
        #expect(
            lines.suffix(5) == [
                "… and 1 more blocked", "… and 28 more, waiting for registry8.example",
                "… and 27 more, waiting for registry7.example", "… and 26 more, waiting for registry6.example",
                "… and 116 more, waiting for 6 other registries",
            ])
    }

    @Test("says nothing of trouble that no job waits for, and of a registry that a person holds always")
    func idleTrouble() {
        var idle = Self.down
        idle.waiting = 0
        #expect(texts(outage([idle]), nil, nil)[1].hasPrefix("JOB"))
        idle.held = true
        #expect(
            texts(outage([idle]), nil, nil)[1]
                == "registry.example is paused by command; go on with: pushctl resume registry.example")
        var tried = Self.down
        tried.pausedUntil = nil
        let headline = texts(outage([tried]), nil, nil)[1]
        #expect(headline.hasPrefix("registry.example is being tried; in trouble since T-120"))
    }

    @Test("shows all in a pipe, a line each")
    func pipe() {
        let lines = texts(outage(), nil, nil)
        #expect(lines.count == 67, "three lines above, 62 jobs, two lines below")
        #expect(lines[3].hasPrefix("900  running  team/app:1  other.example/a:1"))
        #expect(lines.last == "… and 137 more, waiting for registry.example")
    }

    @Test("of jobs that were chosen says how many there are besides, and how to see them")
    func chosen() {
        var screen = outage(waiting: 0)
        (screen.isChosen, screen.states) = (true, ["queued"])
        let lines = texts(screen, 80, nil)
        #expect(lines.last == "… and 191 more; all are shown with: --limit 193")
        screen.jobs = []
        #expect(texts(screen, 80, nil).last == "no such jobs")
    }

    @Test("is over when its jobs have ended; a blocked one waits for a person")
    func over() {
        var screen = StatusScreen(
            jobs: [testJob(1, "succeeded")], counts: ["succeeded": 1, "queued": 1], registries: [], isChosen: true)
        #expect(screen.isOver, "the other one was not asked for")
        screen.jobs.append(testJob(2, "blocked"))
        #expect(!screen.isOver)
        screen = StatusScreen(jobs: [], counts: ["failed": 3, "blocked": 0], registries: [], isChosen: false)
        #expect(screen.isOver)
        screen.counts["blocked"] = 1
        #expect(!screen.isOver)
    }
}

@Suite("pushctl status on a terminal")
struct StatusOnTerminalTests {
    /// Lists jobs as `states` says from one look to the next; the last one stays.
    private func daemon(_ looks: [[String]]) -> FakeDaemon {
        var daemon = FakeDaemon()
        let look = Counter()
        daemon.onStatus = { _ in
            look.next()
            return Status.Output(
                version: "0", pid: 1, startedAt: Timestamp(milliseconds: 0), counts: [:], registries: [],
                stateDirectory: "/s", stores: [])
        }
        daemon.onList = { input in
            let states = looks[min(look.value, looks.count - 1)]
            let jobs = states.enumerated().map { testJob($0.offset + 1, $0.element) }
                .filter { input.jobs?.contains($0.id) ?? true }
                .filter { input.states?.contains($0.state) ?? true }
            let counts = Dictionary(states.map { ($0, 1) }, uniquingKeysWith: +)
            return List.Output(jobs: Array(jobs.prefix(input.limit ?? 100)), counts: counts)
        }
        daemon.onEvents = { _ in AsyncThrowingStream { continuation in continuation.finish() } }
        return daemon
    }

    @Test("shows what runs and what is blocked before what waits, however new that is")
    func order() async throws {
        let states = ["running", "blocked"] + Array(repeating: "queued", count: 40)
        let lines = try await pushctl("status", daemon([states]), terminal: (80, 12)).lines
        #expect(lines.count == 11, "below it stands the prompt")
        #expect(lines[2].hasPrefix("  1  running") && lines[3].hasPrefix("  2  blocked"), "\(lines)")
        #expect(lines.last == "… and 34 more queued or waiting")
        let chosen = try await pushctl("status --limit 40", daemon([states]), terminal: (80, 12)).lines
        #expect(chosen.count == 43, "so many were asked for")
    }

    @Test("--watch ends with its jobs, and draws no more lines than the screen has", arguments: ["", " 1 2"])
    func watch(jobs: String) async throws {
        let looks = [["running", "queued"], ["succeeded", "running"], ["succeeded", "failed"]]
        let outcome = try await pushctl("status --watch" + jobs, daemon(looks), terminal: (80, 6))
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        let frames = outcome.output.split(separator: "\u{1B}[?25l")
        #expect(frames.count >= 4, "one for each look, and the last again without what was typed meanwhile")
        for frame in frames {
            let drawn = frame.split(separator: "\r\n").filter { $0.contains("\u{1B}[2K") }
            #expect(drawn.count <= 5)
        }
        #expect(frames.last?.contains("failed") == true && frames.last?.hasSuffix("\u{1B}[J\u{1B}[?25h") == true)
    }

    @Test("--watch in a pipe prints each change, and ends too")
    func watchPiped() async throws {
        let looks = [["running"], ["running"], ["succeeded"]]
        let outcome = try await pushctl("status -w", daemon(looks))
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("1 job: 1 running\n") && outcome.output.contains("1 job: 1 succeeded\n"))
        let headings = outcome.output.split(separator: "\n").filter { $0.hasPrefix("JOB ") }
        #expect(headings.count == 2, "\(outcome.output)")
    }

    @Test("errors break at spaces where standard error is a terminal, and nowhere else")
    func errors() async throws {
        let capture = Capture()
        func complain(_ width: Int?) -> String {
            capture.errors.withLock { $0 = [] }
            let console = Console(
                write: { _ throws(OutputError) in },
                writeError: { bytes throws(OutputError) in capture.errors.withLock { $0 += bytes } },
                isTerminal: true, color: false, errorColor: false, glyphs: .unicode, size: { (80, 24) },
                isForeground: { true }, errorWidth: { width },
                questions: Questions(canAsk: false, ask: { _, _ in nil }, readAll: { _ in nil }), now: { 0 },
                localTime: { _ in "" })
            console.complain("cannot push registry.example/team/app:1 there", advice: "ask its owner for the right")
            return String(decoding: capture.errors.withLock { $0 }, as: UTF8.self)
        }
        #expect(
            complain(nil)
                == "pushctl: cannot push registry.example/team/app:1 there\nask its owner for the right\n")
        #expect(
            complain(30)
                == "pushctl: cannot push\nregistry.example/team/app:1\nthere\nask its owner for the right\n")
    }
}

@Suite("The table of local images")
struct ImageTableTests {
    private func image(_ name: String, store: String = "oci:/srv/images", pushed: [(String, Int64)]) -> LocalImageInfo {
        LocalImageInfo(
            name: name, names: [name], store: store, digest: "sha256:4f53cda18c2b99", mediaType: "m", size: 1000,
            pushed: pushed.enumerated().map { number, push in
                PublicationInfo(
                    destination: push.0, digest: "sha256:4f53cda18c2b99", at: Timestamp(milliseconds: push.1),
                    job: number)
            })
    }

    @Test("names the newest two destinations once each, those of the image's own name first, and counts the rest")
    func places() {
        let pushed =
            [
                ("a.example/x:1", 50), ("a.example/x:1", 40), ("b.example/team/app:1", 10), ("c.example/y:1", 45),
                ("d.example/myapp:1", 60), ("b.example/team/app:1", 5),
            ] as [(String, Int64)]
        #expect(
            ImageTable.places(of: image("app:1", pushed: pushed)).map(\.text)
                == ["b.example/team/app:1", "d.example/myapp:1", "and 2 more"])
        #expect(ImageTable.places(of: image("app:1", pushed: [])) == [])
    }

    @Test("is readable at 80 columns: the store of all is said once, names keep both ends")
    func narrow() {
        let long = "registry.example.com/team/project/application"
        let images = [
            image(long + ":2026-03-04", pushed: [(long + ":2026-03-04", 1)]), image("app:1", pushed: []),
        ]
        let lines = ImageTable(images: images).lines(width: 80, ellipsis: "…").map(\.text)
        #expect(
            lines == [
                "IMAGE                        DIGEST           SIZE  PUSHED TO",
                "registry.e…ation:2026-03-04  4f53cda18c2b  1.00 kB  registry.e…cation:2026-03-04",
                "app:1                        4f53cda18c2b  1.00 kB",
                "All are in oci:/srv/images.",
            ])
        let two = images + [image("b:1", store: "oci:/srv/other", pushed: [])]
        let whole = ImageTable(images: two).lines(width: 80, ellipsis: "…")
        #expect(whole.allSatisfy { $0.width <= 80 })
        #expect(whole[0].text.contains("STORE"))
        #expect(ImageTable(images: two).lines(width: nil, ellipsis: "…")[1].text.contains(long + ":2026-03-04"))
    }
}

/// How often something was asked for.
private final class Counter: Sendable {
    private let count = Atomic(-1)

    var value: Int { max(count.load(ordering: .relaxed) + 1, 0) }
    func next() { count.add(1, ordering: .relaxed) }
}
