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

@Suite("While bytes move, without a terminal")
struct MovementTests {
    private func job(_ done: Int64, _ state: String = "running", again: Int64? = nil) -> JobInfo {
        var layer = testLayer("4f53cda18c2b", size: 100_000_000, done: done)
        layer.sentAgain = again
        return testJob(12, state, blobs: [layer])
    }

    @Test("a line every 15 seconds, and none where nothing moves")
    func pace() {
        var report = PlainReport()
        var progress = PushProgress([job(0)])
        var told: [Int64: [String]] = [:]
        for second in Int64(0)...70 {
            let moved = min(second, 50) * 1_000_000
            progress.update(job(moved), at: testNow + second * 1000)
            let lines = report.movement(in: progress, now: testNow + second * 1000).map(\.text)
            if !lines.isEmpty { told[second] = lines }
        }
        #expect(told.keys.sorted() == [15, 30, 45, 60])
        #expect(told[15]?.first?.hasPrefix("job 12  15/100 MB, 1.00 MB/s, 1 min 2") == true, "\(told)")
    }

    @Test("a line also while lost bytes are sent again, and where the clock is set back")
    func paceOfRepetition() {
        var report = PlainReport()
        let progress = PushProgress([job(40_000_000, again: 12_300_000)])
        func lines(_ second: Int64) -> Int { report.movement(in: progress, now: testNow + second * 1000).count }
        #expect([0, 14, 15, 29, 30].map(lines) == [0, 0, 1, 0, 1])
        #expect([-3600, -3590, -3585].map(lines) == [1, 0, 1])
    }

    @Test("no speed above the limit in force is shown, of its registry or of all together")
    func limit() throws {
        var progress = PushProgress([job(0)])
        for tick in Int64(0)...20 { progress.update(job(tick * 300_000), at: testNow + tick * 100) }
        let now = testNow + 2000
        #expect(abs(try #require(progress.jobs[0].speed(at: now)) - 3_000_000) < 1)
        func limits(_ all: Int?, _ own: Int?) -> [LimitInfo] {
            [
                LimitInfo(bytesPerSecond: all, byHand: false),
                LimitInfo(registry: "registry.example", bytesPerSecond: own, byHand: false),
                LimitInfo(registry: "other.example", bytesPerSecond: 1, byHand: false),
            ]
        }
        for (all, own) in [(2_000_000, nil), (nil, 2_000_000), (2_000_000, 2_500_000)] as [(Int?, Int?)] {
            progress.setLimits(limits(all, own))
            #expect(progress.jobs[0].speed(at: now) == 2_000_000)
            let layer = try #require(progress.jobs[0].layers.first)
            #expect(progress.jobs[0].speed(of: layer, at: now) == 2_000_000)
        }
        progress.setLimits(limits(nil, nil))
        #expect(abs(try #require(progress.jobs[0].speed(at: now)) - 3_000_000) < 1)
    }

    @Test("what is sent a second time is said, once without a terminal, and the bar keeps its place")
    func sentAgain() {
        var report = PlainReport()
        var progress = PushProgress([job(40_000_000)])
        _ = report.news(in: progress, now: testNow)
        progress.update(job(40_000_000, again: 12_300_000), at: testNow)
        let words = "sent again: the registry lost 12.3 MB"
        #expect(report.news(in: progress, now: testNow).map(\.text) == ["job 12  4f53cda18c2b  \(words)"])
        #expect(report.news(in: progress, now: testNow) == [])
        let picture = progress.lines(width: 80, height: 24, now: testNow).map(\.text)
        #expect(picture[1].hasPrefix("  4f53cda18c2b  \(words)") && picture[1].hasSuffix("40/100 MB"), "\(picture)")
        // A daemon that was started anew counts from the beginning.
        progress.update(job(1_000_000), at: testNow)
        #expect(progress.jobs[0].bytesDone == 40_000_000)
        progress.update(job(50_000_000), at: testNow)
        #expect(progress.jobs[0].bytesDone == 50_000_000)
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
        let message = "cannot upload blob 4f53 to team/app at registry.example: it failed (HTTP status 503)"
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
                code: "server-error", message: message + "\u{1B}[2J", advice: "see the registry's log")
            $0.waitsFor = "registry.example, which is paused: it failed (HTTP status 503)"
        }
        let attempts = [
            AttemptInfo(
                number: 1, startedAt: Timestamp(milliseconds: testNow - 50_000),
                endedAt: Timestamp(milliseconds: testNow - 45_800),
                error: JobErrorInfo(
                    code: "connection-broken", message: "the connection broke", advice: "see the registry's log"),
                bytesSent: 52_000_000)
        ]
        let report = JobReport(job: job, attempts: attempts, now: testNow, localTime: { "T\(($0 - testNow) / 1000)" })
        #expect(
            report.lines(width: 80).map(\.text) == [
                "Job 12  waiting",
                "  error         it failed (HTTP status 503)[2J (server-error)",
                "  could not     upload blob 4f53 to team/app",
                "  what to do    see the registry's log",
                "  waits for     registry.example, which is paused",
                "  next attempt  T8 (in 8 s)",
                "  image         team/app:1 from oci:/srv/images",
                "  digest",
                "    sha256:" + String(repeating: "d", count: 64),
                "  destination   registry.example/team/app:1",
                "  accepted      T-60 (1 min ago)",
                "  bytes         104 MB: 1.00 kB mounted",
                "  verified      will be, at level manifest",
                "",
                "Attempts",
                "  1  T-50  4 s      52.0 MB sent  failed (connection-broken)",
                "     the connection broke",
                "     see the registry's log",
                "",
                "  BLOB          KIND       SIZE  WHAT BECAME OF IT",
                "  4f53cda18c2b  layer    104 MB  50% sent",
                "  5bed26d33875  layer   1.00 kB  mounted from team/base",
                "  cfcfcfcfcfcf  config  1.50 kB  waiting",
            ])
    }

    @Test("says an error once, however many attempts have met it")
    func series() {
        func attempt(_ number: Int, _ message: String?) -> AttemptInfo {
            AttemptInfo(
                number: number, startedAt: Timestamp(milliseconds: testNow - 60_000 + Int64(number) * 10_000),
                endedAt: Timestamp(milliseconds: testNow - 58_000 + Int64(number) * 10_000),
                error: message.map { JobErrorInfo(code: "server-error", message: $0) }, bytesSent: 1000)
        }
        let job = testJob(12, "failed") { $0.error = JobErrorInfo(code: "server-error", message: "it is down") }
        let attempts = [
            attempt(1, "it was slow"), attempt(2, "it is down"), attempt(3, "it is down"), attempt(4, "it is down"),
        ]
        let report = JobReport(job: job, attempts: attempts, now: testNow, localTime: { "T\(($0 - testNow) / 1000)" })
        let lines = report.lines(width: 80).map(\.text)
        #expect(lines[1] == "  error         it is down (server-error)")
        #expect(lines.count { $0.contains("it is down") } == 1)
        #expect(
            lines.suffix(3) == [
                "  1       T-50  2 s      1.00 kB sent  failed (server-error)", "     it was slow",
                "  2 to 4  T-40  22 s     3.00 kB sent  failed 3 times (server-error)",
            ])
    }

    @Test("is broken by no terminal, and keeps a digest whole", arguments: [76, 80, 120])
    func narrow(width: Int) {
        let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)
        let job = testJob(12, "failed") {
            $0.digest = digest
            $0.error = JobErrorInfo(code: "registry-unavailable", message: "it is not available (HTTP status 503)")
        }
        let attempts = (1...2).map { number in
            AttemptInfo(
                number: number, startedAt: Timestamp(milliseconds: testNow), endedAt: Timestamp(milliseconds: testNow),
                error: job.error, bytesSent: 0)
        }
        let report = JobReport(job: job, attempts: attempts, now: testNow, localTime: { _ in "2026-11-28 23:38:13" })
        let lines = report.lines(width: width).map(\.text)
        #expect(lines.allSatisfy { $0.displayWidth <= width }, "\(lines)")
        #expect(lines.contains { $0.hasSuffix(" " + digest) })
        #expect(lines.contains { $0.hasSuffix("failed 2 times (registry-unavailable)") })
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
