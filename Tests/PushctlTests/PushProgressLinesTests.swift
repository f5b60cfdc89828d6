import Control
import Testing

@testable import pushctl

@Suite("The live picture of a push")
struct PushProgressLinesTests {
    /// Two seconds of a push at 10 MB/s for the first layer and 5 MB/s for the second.
    private func running() -> PushProgress {
        func job(_ first: Int64, _ second: Int64) -> JobInfo {
            testJob(
                12, "running",
                blobs: [
                    testLayer("4f53cda18c2b", size: 104_000_000, done: first),
                    testLayer("a3ed95caeb02", size: 45_200_000, done: second),
                    testLayer("5bed26d33875", size: 1_234_567, "existing"),
                    testLayer("f2ad4ee9ab3c", size: 30_000_000, "mounted", detail: "from team/base"),
                    testLayer("77aa77aa77aa", size: 20_000_000, "shared", detail: "job 11"),
                    testLayer("88bb88bb88bb", size: 999),
                    testLayer("cfcfcfcfcfcf", size: 1500, "uploaded", role: "config"),
                ])
        }
        var progress = PushProgress([job(0, 0)])
        for tick in Int64(0)...8 {
            progress.update(job(32_100_000 + tick * 2_500_000, tick * 1_250_000), at: testNow + tick * 250 - 2000)
        }
        return progress
    }

    private func texts(_ progress: PushProgress, _ width: Int, _ height: Int = 24) -> [String] {
        progress.lines(width: width, height: height, now: testNow).map(\.text)
    }

    @Test("fills 80 columns")
    func eightyColumns() {
        #expect(
            texts(running(), 80) == [
                "job 12  registry.example/team/app:1  running",
                "  4f53cda18c2b  ━━━━━━━━━━━━━━━━━━━───────────────────      52/104 MB  10.0 MB/s",
                "  a3ed95caeb02  ━━━━━━━━──────────────────────────────   10.0/45.2 MB  5.00 MB/s",
                "  5bed26d33875  already exists                                1.23 MB",
                "  f2ad4ee9ab3c  mounted from team/base                        30.0 MB",
                "  77aa77aa77aa  shared with job 11                            20.0 MB",
                "  88bb88bb88bb  waiting                                         999 B",
                "  total    56%  113/200 MB, 15.0 MB/s, 6 s left",
            ])
    }

    @Test("keeps its columns together at 200")
    func twoHundredColumns() {
        let lines = texts(running(), 200)
        #expect(
            lines[1] == "  4f53cda18c2b  " + String(repeating: "━", count: 30) + String(repeating: "─", count: 30)
                + "      52/104 MB  10.0 MB/s")
        #expect(lines[3] == "  5bed26d33875  already exists" + String(repeating: " ", count: 54) + "1.23 MB")
    }

    @Test("is never wider or higher than the terminal", arguments: [1, 5, 20, 33, 40, 41, 80, 200], [1, 2, 4, 9, 24])
    func bounds(width: Int, height: Int) {
        var jobs = running().jobs.map(\.info)
        jobs.append(
            testJob(13, "blocked", to: "registry.example/équipe/" + String(repeating: "長い", count: 40)) {
                $0.error = JobErrorInfo(
                    code: "denied", message: String(repeating: "verboten 禁止 ", count: 30), advice: "ask")
            })
        let progress = PushProgress(jobs)
        for glyphs in [Glyphs.unicode, .ascii] {
            let lines = progress.lines(width: width, height: height, now: testNow, glyphs: glyphs)
            #expect(lines.count <= height)
            #expect(lines.allSatisfy { $0.width <= width })
        }
    }

    @Test("names the job whose transfer it waits for, and how far that one is")
    func sharing() {
        let progress = PushProgress([
            testJob(
                12, "running",
                blobs: [
                    testLayer("4f53cda18c2b", size: 40_000_000, done: 16_300_000, detail: "shared with job 11"),
                    testLayer("a3ed95caeb02", size: 25_000_000, detail: "shared with job 11"),
                ])
        ])
        #expect(
            texts(progress, 80)[1...2] == [
                "  4f53cda18c2b  shared with job 11                       16.3/40.0 MB",
                "  a3ed95caeb02  shared with job 11                            25.0 MB",
            ])
    }

    @Test("says why a job waits, and counts down")
    func waiting() {
        let progress = PushProgress([
            testJob(12, "waiting", attempts: 3) {
                $0.nextAttemptAt = Timestamp(milliseconds: testNow + 7400)
                $0.error = JobErrorInfo(
                    code: "registry-unreachable", message: "cannot reach registry.example: connection refused")
            }
        ])
        #expect(
            texts(progress, 80) == [
                "job 12  registry.example/team/app:1  waiting, attempt 3",
                "  next attempt in 8 s: cannot reach registry.example: connection refused",
            ])
        #expect(texts(progress, 40)[1...].allSatisfy { $0.hasPrefix("  ") })
    }

    @Test("shows active layers and counts the rest where the terminal is too low")
    func tooManyLayers() {
        var layers = (0..<30).map { testLayer("\(10 + $0)", size: 1_000_000, $0 < 12 ? "uploaded" : "pending") }
        layers[15].bytesDone = 500_000
        let progress = PushProgress([testJob(12, "running", blobs: layers)])
        #expect(
            texts(progress, 80, 23) == [
                "job 12  registry.example/team/app:1  running",
                "  250000000000  ━━━━━━━━━━━━━━━━━━━───────────────────   0.50/1.00 MB",
                "  … and 29 more: 12 uploaded, 17 waiting",
                "  total    41%  12.5/30.0 MB",
            ])
    }

    @Test("shows the jobs that move first where not all have room")
    func tooManyJobs() {
        var jobs = (1...40).map { testJob($0, "queued") }
        jobs[29] = testJob(30, "running", blobs: [testLayer("4f53cda18c2b", size: 1000)])
        let lines = texts(PushProgress(jobs), 80, 6)
        #expect(
            lines == [
                "job 1  registry.example/team/app:1  queued",
                "job 2  registry.example/team/app:1  queued",
                "job 30  registry.example/team/app:1  running",
                "  4f53cda18c2b  waiting                                       1.00 kB",
                "  total     0%  0.00/1.00 kB",
                "… and 37 more jobs: 37 queued",
            ])
    }

    @Test("ends with what became of the bytes")
    func final() {
        let blobs = [
            testLayer("4f53cda18c2b", size: 104_000_000, "uploaded"), testLayer("5bed26d33875", size: 1000, "existing"),
        ]
        let progress = PushProgress([testJob(12, "succeeded", blobs: blobs)])
        #expect(
            progress.lines(width: 80, height: 24, now: testNow, isFinal: true).map(\.text) == [
                "job 12  registry.example/team/app:1  succeeded in 52 s",
                "  4f53cda18c2b  uploaded                                       104 MB",
                "  5bed26d33875  already exists                                1.00 kB",
                "  104 MB uploaded, 1.00 kB already there",
                "  sha256:" + String(repeating: "d", count: 64),
            ])
    }

    @Test("leaves errors of the final picture to standard error")
    func finalError() {
        let job = testJob(12, "failed") { $0.error = JobErrorInfo(code: "denied", message: "no", advice: "ask") }
        #expect(texts(PushProgress([job]), 80).count == 3)
        #expect(PushProgress([job]).lines(width: 80, height: 24, now: testNow, isFinal: true).count == 1)
    }

    @Test("says when the daemon is away")
    func connectionLost() {
        var progress = running()
        progress.isConnectionLost = true
        #expect(texts(progress, 80).first == "pushd can't be reached; trying to connect again")
    }

    @Test("draws in ASCII where the locale needs it")
    func ascii() {
        let line = running().lines(width: 80, height: 24, now: testNow, glyphs: .ascii)[1].text
        #expect(line == "  4f53cda18c2b  ###################...................      52/104 MB  10.0 MB/s")
        #expect(Glyphs.fitting(["LANG": "de_DE.UTF-8"]) == .unicode)
        #expect(Glyphs.fitting(["LANG": "C.utf8"]) == .unicode)
        #expect(Glyphs.fitting(["LANG": "de_DE.UTF-8", "LC_ALL": "C"]) == .ascii)
        #expect(Glyphs.fitting(["LANG": "ja_JP.UTF-8"]) == .ascii)
        #expect(Glyphs.fitting([:]) == .ascii)
    }
}
