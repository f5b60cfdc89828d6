import Control
import Testing

@testable import pushctl

@Suite("The table of jobs")
struct StatusTableTests {
    private let jobs = [
        testJob(
            112, "running", to: "registry.example/team/application:2026-03-04",
            image: "registry.example/team/application:2026-03-04",
            blobs: [testLayer("4f53cda18c2b", size: 1000, done: 500)]),
        testJob(111, "waiting", attempts: 4) {
            $0.nextAttemptAt = Timestamp(milliseconds: testNow + 8000)
            $0.error = JobErrorInfo(
                code: "registry-unreachable",
                message: "cannot upload blob 4f53cda18c2b to team/app at registry.example: connection refused")
        },
        testJob(9, "blocked") {
            $0.error = JobErrorInfo(
                code: "login-missing", message: "registry.example wants a login", advice: "run: pushctl login")
        },
        testJob(8, "superseded") { $0.supersededBy = 9 },
        testJob(7, "succeeded"),
    ]

    private func lines(_ width: Int?, _ registries: [RegistryInfo] = []) -> [String] {
        StatusTable(jobs: jobs, registries: registries, now: testNow, glyphs: .unicode).lines(width: width).map(\.text)
    }

    @Test("has a line for each job at 80 columns: the destination keeps both ends, what is said of it comes first")
    func eightyColumns() {
        #expect(
            lines(80) == [
                "JOB  STATE       DESTINATION           DONE  TRY    AGE  NOTE",
                "112  running     registr…n:2026-03-04   50%    1  1 min",
                "111  waiting     registr…e/team/app:1    0%    4  1 min  next try in 8 s: conne…",
                "  9  blocked     registr…e/team/app:1    0%    1  1 min  registry.example wants…",
                "  8  superseded  registr…e/team/app:1    0%    1    8 s  job 9 took its place",
                "  7  succeeded   registr…e/team/app:1  100%    1    8 s",
            ])
    }

    @Test("says that the registry is paused, and when it is tried, without naming it twice where there is no room")
    func paused() {
        let waiting = [testJob(111, "waiting", attempts: 4), testJob(110, "queued")]
        let registry = RegistryInfo(
            name: "registry.example", pausedUntil: Timestamp(milliseconds: testNow + 6_200),
            pausedSince: Timestamp(milliseconds: testNow - 90_000), reason: "it is not available", running: 0,
            waiting: 2)
        func notes(_ registry: RegistryInfo, _ width: Int?) -> [String] {
            StatusTable(jobs: waiting, registries: [registry], now: testNow, glyphs: .unicode).lines(width: width)
                .dropFirst().map { line in line.text.split(separator: "1 min  ").last.map(String.init) ?? "" }
        }
        let long = "registry.example is paused, next try in 7 s"
        #expect(notes(registry, nil) == [long, long])
        #expect(notes(registry, 200) == [long, long])
        #expect(notes(registry, 80) == ["paused, next try in 7 s", "paused, next try in 7 s"])
        var held = registry
        held.held = true
        #expect(notes(held, nil) == Array(repeating: "registry.example is paused by command", count: 2))
        var tried = registry
        tried.pausedUntil = nil
        #expect(notes(tried, 80) == ["being tried", "being tried"])
    }

    @Test("has the local name too, and whole sentences, where all have room")
    func twoHundredColumns() {
        let table = StatusTable(jobs: Array(jobs[2...]), registries: [], now: testNow, glyphs: .unicode)
        #expect(
            table.lines(width: 200).map(\.text) == [
                "JOB  STATE       IMAGE       DESTINATION                  DONE  TRY    AGE  NOTE",
                "  9  blocked     team/app:1  registry.example/team/app:1    0%    1  1 min  "
                    + "registry.example wants a login; run: pushctl login",
                "  8  superseded  team/app:1  registry.example/team/app:1    0%    1    8 s  job 9 took its place",
                "  7  succeeded   team/app:1  registry.example/team/app:1  100%    1    8 s",
            ])
    }

    @Test("shortens nothing in a pipe, and says of an error only its cause")
    func pipe() {
        let lines = lines(nil)
        #expect(lines.count == jobs.count + 1)
        #expect(lines[1].contains("  registry.example/team/application:2026-03-04  "))
        #expect(lines[2].hasSuffix("  next try in 8 s: connection refused"))
    }

    @Test("is never wider than the terminal", arguments: [1, 20, 40, 60, 80, 120, 200])
    func bounds(width: Int) {
        #expect(lines(width).allSatisfy { $0.displayWidth <= width })
    }
}
