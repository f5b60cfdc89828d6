import Control
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import pushctl

@Suite("pushctl push")
struct PushCommandTests {
    private let denied = JobErrorInfo(
        code: "denied", message: "cannot push: this login may not", advice: "ask the owner")

    @Test("sends what was asked for")
    func input() async throws {
        let seen = Mutex<Push.Input?>(nil)
        var daemon = FakeDaemon()
        daemon.onPush = { input in
            seen.withLock { $0 = input }
            return Push.Output(jobs: [])
        }
        _ = try await pushctl(
            "push -d oci:x r.example/a r.example/b --platform linux/arm64 --priority 3 --verify deep --force --all-tags "
                + "--timeout 90 --format docker", daemon)
        #expect(
            seen.withLock { $0 }
                == Push.Input(
                    image: "oci:/work/x", destinations: ["r.example/a", "r.example/b"], platforms: ["linux/arm64"],
                    priority: 3, verify: "deep", force: true, allTags: true, timeout: 90, format: "docker"))
        _ = try await pushctl("push -d app", daemon)
        #expect(seen.withLock { $0 } == Push.Input(image: "app"))
    }

    @Test("detached, prints a line for each job")
    func detached() async throws {
        var daemon = FakeDaemon()
        daemon.onPush = { _ in
            Push.Output(jobs: [testJob(12, "queued"), testJob(13, "queued", to: "mirror.example/app:1")])
        }
        #expect(
            try await pushctl("push -d app registry.example/team/app:1 mirror.example/app:1", daemon)
                == Outcome(
                    status: 0,
                    output: """
                        job 12  registry.example/team/app:1  queued
                        job 13  mirror.example/app:1  queued

                        """, errors: ""))
    }

    @Test("detached with --json, prints an object for each job, with its blobs")
    func detachedJSON() async throws {
        var daemon = FakeDaemon()
        daemon.onPush = { _ in Push.Output(jobs: [testJob(12, "queued"), testJob(13, "queued")]) }
        daemon.onList = { input in
            #expect(input == List.Input(jobs: [12, 13], withBlobs: true, partial: true))
            return List.Output(jobs: [testJob(12, "queued", blobs: [testLayer("ab", size: 1)])], counts: [:])
        }
        let outcome = try await pushctl("push -d app --json", daemon)
        #expect(outcome.lines.count == 2)
        #expect(outcome.lines[0].contains(#""blobs":[{"bytesDone":0,"#))
        #expect(outcome.lines[1].contains(#""blobs":[]"#))
        #expect(outcome.lines[1].contains(#""error":null"#) && outcome.lines[1].contains(#""nextAttemptAt":null"#))
    }

    @Test("in a pipe, follows with plain lines until the job has ended")
    func plain() async throws {
        let outcome = try await pushctl(
            "push app",
            .pushing([
                testJob(12, "running", blobs: [testLayer("4f53cda18c2b", size: 1000, done: 10)]),
                testJob(12, "succeeded", blobs: [testLayer("4f53cda18c2b", size: 1000, "uploaded")]),
            ]))
        #expect(
            outcome
                == Outcome(
                    status: 0,
                    output: """
                        job 12  registry.example/team/app:1  running
                        job 12  4f53cda18c2b  uploaded  1.00 kB
                        job 12  registry.example/team/app:1  succeeded  sha256:\(String(repeating: "d", count: 64))

                        """, errors: ""))
    }

    @Test("on a terminal, leaves the final picture")
    func live() async throws {
        let outcome = try await pushctl(
            "push app",
            .pushing([testJob(12, "succeeded", blobs: [testLayer("4f53cda18c2b", size: 1000, "uploaded")])]),
            terminal: (80, 24), color: true)
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("\u{1B}[?25l\r\u{1B}[2Kjob 12"))
        #expect(outcome.output.contains("\u{1B}[32msucceeded\u{1B}[0m"))
        #expect(outcome.output.hasSuffix("\u{1B}[J\u{1B}[?25h"))
    }

    @Test(
        "the exit status tells how the jobs ended, standard error why",
        arguments: [
            (
                "failed", 1,
                "pushctl: job 12 to registry.example/team/app:1 failed: cannot push: this login may not\nask the owner\n"
            ),
            (
                "blocked", 1,
                "pushctl: job 12 to registry.example/team/app:1 is blocked: cannot push: this login may not\n"
                    + "ask the owner (job 12 stays in the queue, and goes on when that is fixed)\n"
            ),
            ("canceled", 1, "pushctl: job 12 to registry.example/team/app:1 was canceled\n"),
            (
                "superseded", 1,
                "pushctl: job 12 to registry.example/team/app:1 did not run: job 15 took its place\n"
                    + "wait for that one with: pushctl wait 15\n"
            ),
        ] as [(String, Int32, String)])
    func verdicts(state: String, status: Int32, errors: String) async throws {
        let end = testJob(12, state) {
            if ["failed", "blocked"].contains(state) { $0.error = denied }
            if state == "superseded" { $0.supersededBy = 15 }
        }
        let outcome = try await pushctl("push app", .pushing([testJob(12, "running"), end]))
        #expect(outcome.status == status)
        #expect(outcome.errors == errors)
    }

    @Test("a job whose time was up ends with 5, unless another one failed")
    func timeout() async throws {
        let late = testJob(12, "failed") { $0.error = JobErrorInfo(code: "timeout", message: "time is up") }
        #expect(try await pushctl("push app", .pushing([late])).status == 5)
        for order in [[13, 12], [12, 13]] {
            var daemon = FakeDaemon.pushing([late, testJob(13, "failed") { $0.error = denied }])
            daemon.onPush = { _ in Push.Output(jobs: order.map { testJob($0, "queued") }) }
            #expect(try await pushctl("push app", daemon).status == 1)
        }
    }

    @Test("does not wait for jobs behind a blocked one that end later, only for all")
    func blockedAndRunning() async throws {
        var daemon = FakeDaemon.pushing([
            testJob(12, "blocked") { $0.error = denied }, testJob(13, "running"), testJob(13, "succeeded"),
        ])
        daemon.onPush = { _ in Push.Output(jobs: [testJob(12, "queued"), testJob(13, "queued")]) }
        let outcome = try await pushctl("push app", daemon)
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("job 13  registry.example/team/app:1  succeeded"))
    }

    @Test("with --json prints only the final line of each job")
    func json() async throws {
        let states = [testJob(12, "running"), testJob(12, "succeeded", blobs: [testLayer("ab", size: 7, "mounted")])]
        let outcome = try await pushctl("push app --json", .pushing(states))
        #expect(outcome.status == 0)
        #expect(outcome.lines.count == 1)
        let job = try JSONDecoder().decode(JobInfo.self, from: Data(outcome.output.utf8))
        #expect(job == states[1])
    }

    @Test("with --progress json prints every change, and then the final lines")
    func progressJSON() async throws {
        let states = [testJob(12, "running", blobs: []), testJob(12, "succeeded", blobs: [])]
        let outcome = try await pushctl("push app --progress json", .pushing(states))
        let found = try outcome.lines.map { try JSONDecoder().decode(JobInfo.self, from: Data($0.utf8)).state }
        #expect(found == ["running", "succeeded", "succeeded"])
    }

    @Test("follows on after the daemon was restarted")
    func restart() async throws {
        let calls = Mutex(0)
        var daemon = FakeDaemon.pushing([])
        daemon.onFollow = { _ in
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            guard call == 1 else { return stream([Follow.Output(job: testJob(12, "succeeded"))]) }
            return AsyncThrowingStream { throw ControlError(.stopping, "pushd stops") }
        }
        let outcome = try await pushctl("push app", daemon)
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("pushd can't be reached; trying to connect again\n"))
        #expect(outcome.output.contains("succeeded"))
    }

    @Test("a dry run says what would be done")
    func dryRun() async throws {
        var daemon = FakeDaemon()
        daemon.onPush = { input in
            #expect(input.dryRun == true)
            let plan = PlannedPush(
                image: "app", source: "oci:/x", digest: "sha256:dd", mediaType: "m", destination: "r.example/app:1",
                platforms: ["linux/amd64"], job: 3, supersedes: [1, 2], bytesTotal: 2_000_000,
                blobs: [testLayer("ab", size: 2_000_000)])
            return Push.Output(jobs: [], plan: [plan])
        }
        #expect(
            try await pushctl("push -n app", daemon)
                == Outcome(
                    status: 0,
                    output: """
                        would push app to r.example/app:1: 1 blob, 2.00 MB
                          sha256:dd
                          platforms: linux/amd64
                          the same as job 3, which is on its way
                          takes the place of job 1, job 2

                        """, errors: ""))
        #expect(try await pushctl("push -n app --json", daemon).output.hasPrefix(#"{"plan":[{"blobs""#))
    }

    @Test("an image that is not pushed as it is in its store shows both digests, before, in the plan and detached")
    func changed() async throws {
        let job = testJob(12, "succeeded") {
            $0.digest = "sha256:dd"
            $0.sourceDigest = "sha256:cc"
            $0.format = "docker"
            $0.leftOut = "3 annotations"
        }
        let both = "job 12  sha256:dd\n  made from sha256:cc, in Docker's format, without 3 annotations\n"
        var daemon = FakeDaemon.pushing([job])
        daemon.onPush = { _ in Push.Output(jobs: [job]) }
        #expect(try await pushctl("push app --format docker", daemon).output.hasPrefix(both))
        #expect(try await pushctl("push -d app --format docker", daemon).output.hasSuffix("\n" + both))
        let json = try await pushctl("push app --format docker --json", .pushing([job])).output
        #expect(json.contains(#""digest":"sha256:dd""#) && json.contains(#""sourceDigest":"sha256:cc""#), "\(json)")
        let chosen = testJob(12, "succeeded") { $0.sourceDigest = "sha256:cc" }
        daemon.onPush = { _ in Push.Output(jobs: [chosen]) }
        #expect(try await pushctl("push app", daemon).output.contains("made from sha256:cc, of the chosen platforms"))
        daemon.onPush = { _ in
            let plan = PlannedPush(
                image: "app", source: "oci:/x", digest: "sha256:dd", mediaType: "m", destination: "r.example/app:1",
                platforms: [], bytesTotal: 0, blobs: [], sourceDigest: "sha256:cc", format: "oci")
            return Push.Output(jobs: [], plan: [plan])
        }
        #expect(
            try await pushctl("push -n app", daemon).output.hasSuffix(
                "  sha256:dd\n  made from sha256:cc, in OCI's format\n"))
    }

    @Test("errors from a registry can't steer the terminal")
    func hostileText() async throws {
        let job = testJob(12, "failed", to: "r.example/\u{1B}]0;x\u{7}a") {
            $0.error = JobErrorInfo(code: "x", message: "bad\u{1B}[2J\u{9B}1A", advice: "do\r\nthis\u{8}")
        }
        for terminal in [nil, (80, 24)] as [(Int, Int)?] {
            let outcome = try await pushctl("push app", .pushing([job]), terminal: terminal)
            #expect(
                !outcome.errors.unicodeScalars.contains {
                    $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value)
                })
            #expect(!outcome.output.contains("\u{1B}]") && !outcome.output.contains("\u{9B}"))
        }
        let json = try await pushctl("push app --json", .pushing([job])).output
        #expect(json.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        #expect(try JSONDecoder().decode(JobInfo.self, from: Data(json.utf8)).error == job.error)
    }
}
