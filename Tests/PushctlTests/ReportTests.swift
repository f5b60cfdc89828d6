import Control
import Testing

@testable import pushctl

@Suite("Progress without a terminal")
struct PlainReportTests {
    @Test("a line for each change of state and each layer that is done, and no other")
    func news() {
        var report = PlainReport()
        func job(_ state: String, _ first: BlobInfo, configure: (inout JobInfo) -> Void = { _ in }) -> JobInfo {
            testJob(12, state, blobs: [first, testLayer("5bed26d33875", size: 1000, "existing")], configure: configure)
        }
        var progress = PushProgress([testJob(12, "queued")])
        func next(_ job: JobInfo? = nil) -> [String] {
            if let job { progress.update(job, at: testNow) }
            return report.news(in: progress, now: testNow).map(\.text)
        }
        let moving = testLayer("4f53cda18c2b", size: 104_000_000, done: 5)
        let waiting = { (seconds: Int64) in
            job("waiting", moving) {
                $0.nextAttemptAt = Timestamp(milliseconds: testNow + seconds * 1000)
                $0.error = JobErrorInfo(code: "server-error", message: "it broke")
            }
        }
        #expect(next() == ["job 12  registry.example/team/app:1  queued"])
        #expect(next() == [])
        #expect(
            next(job("running", moving)) == [
                "job 12  5bed26d33875  already exists  1.00 kB", "job 12  registry.example/team/app:1  running",
            ])
        #expect(next(job("running", testLayer("4f53cda18c2b", size: 104_000_000, done: 9))) == [])
        #expect(
            next(waiting(8)) == ["job 12  registry.example/team/app:1  waiting: next attempt in 8 s: it broke"])
        #expect(next(waiting(7)) == [])
        progress.isConnectionLost = true
        #expect(next() == ["pushd can't be reached; trying to connect again"])
        #expect(next() == [])
        progress.isConnectionLost = false
        #expect(
            next(job("succeeded", testLayer("4f53cda18c2b", size: 104_000_000, "mounted", detail: "from team/base")))
                == [
                    "job 12  4f53cda18c2b  mounted from team/base  104 MB",
                    "job 12  registry.example/team/app:1  succeeded  sha256:" + String(repeating: "d", count: 64),
                ])
    }
}

@Suite("What is drawn again and again")
struct LiveScreenTests {
    private let lines: [Line] = ["one", "two"]

    @Test("replaces its own lines and nothing above them")
    func frames() {
        var screen = LiveScreen()
        let first = screen.frame(lines, width: 80, color: false)
        #expect(first == "\u{1B}[?25l\r\u{1B}[2Kone\r\n\u{1B}[2Ktwo\r\n\u{1B}[J\u{1B}[?25h")
        let second = screen.frame(["three"], width: 80, color: false)
        #expect(second == "\u{1B}[?25l\r\u{1B}[2A\u{1B}[2Kthree\r\n\u{1B}[J\u{1B}[?25h")
        #expect(screen.frame(lines, width: 80, color: false).contains("\u{1B}[1A"))
    }

    @Test("counts the rows that its lines take after the terminal became narrower")
    func narrower() {
        var screen = LiveScreen()
        _ = screen.frame([Line(String(repeating: "x", count: 80)), "short", Line()], width: 80, color: false)
        #expect(screen.frame(lines, width: 40, color: false).contains("\u{1B}[4A"))
    }

    @Test("begins anew below what was released")
    func release() {
        var screen = LiveScreen()
        _ = screen.frame(lines, width: 80, color: false)
        screen.release()
        #expect(!screen.frame(lines, width: 80, color: false).contains("A"))
    }
}

@Suite("One job whole")
struct JobReportTests {
    @Test("tells its facts, attempts and layers")
    func report() {
        let job = testJob(
            12, "waiting", attempts: 2,
            blobs: [
                testLayer("4f53cda18c2b", size: 104_000_000, done: 52_000_000),
                testLayer("5bed26d33875", size: 1000, "mounted", detail: "from team/base"),
                testLayer("cfcfcfcfcfcf", size: 1500, role: "config"),
            ]
        ) {
            $0.nextAttemptAt = Timestamp(milliseconds: testNow + 8000)
            $0.error = JobErrorInfo(
                code: "server-error", message: "cannot upload: 503\u{1B}[2J", advice: "see the registry's log")
        }
        let attempts = [
            AttemptInfo(
                number: 1, startedAt: Timestamp(milliseconds: testNow - 50_000),
                endedAt: Timestamp(milliseconds: testNow - 45_800),
                error: JobErrorInfo(
                    code: "server-error", message: "cannot upload: 503", advice: "see the registry's log"),
                bytesSent: 52_000_000)
        ]
        let report = JobReport(job: job, attempts: attempts, now: testNow, localTime: { "T\(($0 - testNow) / 1000)" })
        #expect(
            report.lines(width: 80).map(\.text) == [
                "Job 12  waiting",
                "  image         team/app:1 from oci:/srv/images",
                "  digest        sha256:" + String(repeating: "d", count: 64),
                "  destination   registry.example/team/app:1",
                "  accepted      T-60 (1 min ago)",
                "  next attempt  T8 (in 8 s)",
                "  error         cannot upload: 503[2J (server-error)",
                "  what to do    see the registry's log",
                "  bytes         104 MB: 1.00 kB mounted",
                "  verified      will be, at level manifest",
                "",
                "Attempts",
                "  1  T-50  4 s      52.0 MB sent  failed (server-error)",
                "     cannot upload: 503",
                "     see the registry's log",
                "",
                "  BLOB          KIND       SIZE  WHAT BECAME OF IT",
                "  4f53cda18c2b  layer    104 MB  50% sent",
                "  5bed26d33875  layer   1.00 kB  mounted from team/base",
                "  cfcfcfcfcfcf  config  1.50 kB  waiting",
            ])
    }

    @Test("tells of what image another one was made, and what was left out")
    func changed() {
        let job = testJob(12, "succeeded") {
            $0.sourceDigest = "sha256:cc"
            $0.format = "docker"
            $0.leftOut = "3 annotations, 1 attestation"
        }
        let lines = JobReport(job: job, attempts: [], now: testNow, localTime: { "\($0)" }).lines(width: 80).map(\.text)
        #expect(lines.contains("  made from     sha256:cc"))
        #expect(lines.contains("  format        Docker's format, without 3 annotations, 1 attestation"))
    }
}
