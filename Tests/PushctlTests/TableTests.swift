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

    private func lines(_ width: Int?) -> [String] {
        StatusTable(jobs: jobs, now: testNow, glyphs: .unicode).lines(width: width).map(\.text)
    }

    @Test("shortens names at 80 columns and puts reasons below")
    func eightyColumns() {
        #expect(
            lines(80) == [
                "JOB  STATE       IMAGE                  DESTINATION             DONE  TRY    AGE",
                "112  running     …plication:2026-03-04  …pplication:2026-03-04   50%    1  1 min",
                "111  waiting     team/app:1             …ry.example/team/app:1    0%    4  1 min",
                "     next attempt in 8 s: cannot upload blob 4f53cda18c2b to team/app at",
                "     registry.example: connection refused",
                "  9  blocked     team/app:1             …ry.example/team/app:1    0%    1  1 min",
                "     registry.example wants a login; run: pushctl login",
                "  8  superseded  team/app:1             …ry.example/team/app:1    0%    1    8 s",
                "     job 9 took its place",
                "  7  succeeded   team/app:1             …ry.example/team/app:1  100%    1    8 s",
            ])
    }

    @Test("keeps names whole at 200 columns")
    func twoHundredColumns() {
        #expect(
            lines(200)[...2] == [
                "JOB  STATE       IMAGE                                         "
                    + "DESTINATION                                   DONE  TRY    AGE",
                "112  running     registry.example/team/application:2026-03-04  "
                    + "registry.example/team/application:2026-03-04   50%    1  1 min",
                "111  waiting     team/app:1                                    "
                    + "registry.example/team/app:1                     0%    4  1 min",
            ])
    }

    @Test("puts reasons into a column of their own where all have room")
    func reasons() {
        let table = StatusTable(jobs: Array(jobs[2...]), now: testNow, glyphs: .unicode)
        #expect(
            table.lines(width: 200).map(\.text) == [
                "JOB  STATE       IMAGE       DESTINATION                  DONE  TRY    AGE  WAITS FOR",
                "  9  blocked     team/app:1  registry.example/team/app:1    0%    1  1 min  "
                    + "registry.example wants a login; run: pushctl login",
                "  8  superseded  team/app:1  registry.example/team/app:1    0%    1    8 s  job 9 took its place",
                "  7  succeeded   team/app:1  registry.example/team/app:1  100%    1    8 s",
            ])
    }

    @Test("shortens nothing in a pipe")
    func pipe() {
        let lines = lines(nil)
        #expect(lines.count == jobs.count + 1)
        #expect(lines[1].contains("  registry.example/team/application:2026-03-04  "))
        #expect(
            lines[2].hasSuffix("cannot upload blob 4f53cda18c2b to team/app at registry.example: connection refused"))
    }

    @Test("is never wider than the terminal", arguments: [1, 20, 40, 60, 80, 120, 200])
    func bounds(width: Int) {
        let table = StatusTable(jobs: jobs, now: testNow, glyphs: .unicode)
        #expect(table.lines(width: width).allSatisfy { $0.width <= width })
    }
}
