import Control
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import pushctl

@Suite("pushctl's commands")
struct CommandTests {
    @Test(
        "without a daemon, each says so and ends with 3", arguments: ["push x", "status", "wait 1", "images", "pause"])
    func noDaemon(line: String) async throws {
        let outcome = try await pushctl(line)
        #expect(outcome.status == 3)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("pushctl: no daemon answers: there is no socket DIR/s\nstart it with: "))
    }

    @Test("version works without a daemon")
    func version() async throws {
        #expect(try await pushctl("version").status == 0)
        #expect(try await pushctl("version --json").output == "{\"pushctl\":\"\(pushctlVersion)\",\"pushd\":null}\n")
        var daemon = FakeDaemon()
        daemon.onStatus = { _ in
            Status.Output(
                version: "1.2.3", pid: 7, startedAt: Timestamp(milliseconds: testNow - 125_000), counts: [:],
                registries: [], stateDirectory: "/s", stores: [])
        }
        let output = try await pushctl("version", daemon).output
        #expect(output == "pushctl \(pushctlVersion)\npushd   1.2.3 (process 7, up for 2 min 5 s)\n")
    }

    @Test(
        "an error of the daemon decides the exit status",
        arguments: [
            (ControlError.Kind.imageNotFound, 4), (.remoteNotFound, 4), (.destinationMissing, 2), (.imageInvalid, 1),
            (.registryFailed, 1), (.timedOut, 5), (.stopping, 3),
        ] as [(ControlError.Kind, Int32)])
    func errors(kind: ControlError.Kind, status: Int32) async throws {
        var daemon = FakeDaemon()
        daemon.onPush = { _ in throw ControlError(kind, "it\u{1B} failed", advice: "do that") }
        #expect(
            try await pushctl("push x", daemon)
                == Outcome(status: status, output: "", errors: "pushctl: it failed\ndo that\n"))
    }

    @Test(
        "with --json an error is a document on standard output, and nothing else is printed",
        arguments: [
            (
                "--json push --nope x", 2, "usage", "push has no option --nope",
                "see what there is: pushctl push --help"
            ), ("status --json", 3, "no-daemon", "no daemon answers: there is no socket DIR/s", nil),
            ("ping --json", 3, "no-daemon", "no daemon answers: there is no socket DIR/s", nil),
        ] as [(String, Int32, String, String, String?)])
    func jsonErrors(line: String, status: Int32, code: String, message: String, advice: String?) async throws {
        let outcome = try await pushctl(line)
        #expect(outcome.status == status && outcome.errors.isEmpty)
        let error = try outcome.errorDocument()
        #expect(error.code == code)
        #expect(error.message == message)
        if let advice { #expect(error.advice == advice) }
    }

    @Test("with --json an error of the daemon keeps its code; where there is no advice it is null")
    func jsonDaemonError() async throws {
        var daemon = FakeDaemon()
        daemon.onPush = { _ in throw ControlError(.imageInvalid, "it is", advice: nil, code: "layout-invalid") }
        let outcome = try await pushctl("push x --json", daemon)
        #expect(outcome.output == #"{"error":{"advice":null,"code":"layout-invalid","message":"it is"}}"# + "\n")
        #expect(outcome.status == 1 && outcome.errors.isEmpty)
        let refused = try await pushctl("push x r.example/a --json --platform arm", daemon)
        #expect(try refused.errorDocument().code == "usage")
    }

    @Test("ping says who answers, and waits for a daemon that is not there yet")
    func ping() async throws {
        #expect(try await pushctl("ping", FakeDaemon()).output == "pushd 1.2.3 answers at DIR/s\n")
        let none = try await pushctl("ping --wait 50ms")
        #expect(none.status == 3 && none.errors.hasPrefix("pushctl: no daemon answers: there is no socket DIR/s\n"))
        let late = try await pushctl("ping --wait 60s", FakeDaemon(), daemonStartsLate: true)
        #expect(late.status == 0 && late.errors.isEmpty)
    }

    @Test("wrong usage ends with 2, and no command too")
    func usage() async throws {
        let wrong = try await pushctl("push --nope x")
        #expect(wrong.status == 2 && wrong.errors.hasPrefix("pushctl: push has no option --nope\n"))
        let none = try await pushctl("")
        #expect(none.status == 2 && none.output.isEmpty && none.errors.contains("Usage: pushctl"))
        let help = try await pushctl("--help")
        #expect(help.status == 0 && help.errors.isEmpty && help.output == none.errors)
    }

    @Test("a reader who went away is no error, a full disk is")
    func closedOutput() async throws {
        #expect(try await pushctl("--help", outputError: EPIPE) == Outcome(status: 141, output: "", errors: ""))
        let full = try await pushctl("--help", outputError: ENOSPC)
        #expect(full.status == 1)
        #expect(full.errors == "pushctl: cannot write the output: No space left on device\n")
    }

    @Test("status shows open jobs first, then those that ended last")
    func status() async throws {
        var daemon = FakeDaemon()
        daemon.onList = { input in
            let counts = ["running": 1, "succeeded": 70]
            if input.states == JobStates.open {
                #expect(input.limit == 50, "nothing is left out of a pipe for a screen's sake")
                return List.Output(jobs: [testJob(9, "running", attempts: 2)], counts: counts)
            }
            #expect(input.states == JobStates.ended && input.limit == 10)
            return List.Output(jobs: [testJob(12, "succeeded")], counts: counts)
        }
        #expect(
            try await pushctl("status", daemon)
                == Outcome(
                    status: 0,
                    output: """
                        71 jobs: 1 running, 70 succeeded
                        JOB  STATE      IMAGE       DESTINATION                  DONE  TRY    AGE
                          9  running    team/app:1  registry.example/team/app:1    0%    2  1 min
                         12  succeeded  team/app:1  registry.example/team/app:1  100%    1    8 s

                        """, errors: ""))
        let json = try await pushctl("status --json", daemon).output
        #expect(
            json.hasPrefix(#"{"counts":{"running":1,"succeeded":70},"jobs":[{"askedBy":null,"attempts":2,"blobs":[],"#))
    }

    @Test("status shows a job that ends while it asks once, as ended")
    func statusOfEndingJob() async throws {
        var daemon = FakeDaemon()
        daemon.onList = { input in
            let state = input.states == JobStates.open ? "running" : "succeeded"
            return List.Output(jobs: [testJob(12, state)], counts: [state: 1])
        }
        let lines = try await pushctl("status", daemon).lines
        #expect(lines.count == 3 && lines[2].contains(" 12  succeeded"), "\(lines)")
        let json = try await pushctl("status --json", daemon).output
        #expect(json.hasPrefix(#"{"counts":{"succeeded":1},"#), "\(json)")
    }

    @Test("status of an empty queue says how to begin")
    func emptyStatus() async throws {
        var daemon = FakeDaemon()
        daemon.onList = { _ in List.Output(jobs: [], counts: [:]) }
        #expect(try await pushctl("status", daemon).output.hasPrefix("no jobs yet: push an image with: pushctl push"))
        #expect(try await pushctl("status --state failed", daemon).output == "no such jobs\n")
        #expect(try await pushctl("status --json", daemon).output == "{\"counts\":{},\"jobs\":[],\"registries\":[]}\n")
    }

    @Test("status of a job that there is not ends with 4")
    func missingStatus() async throws {
        var daemon = FakeDaemon()
        daemon.onList = { input in
            #expect(input.jobs == [12, 99] && input.states == nil)
            let error = JobErrorInfo(code: "job-not-found", message: "there is no job 99")
            return List.Output(
                jobs: [testJob(12, "queued")], counts: [:], left: [LeftJob(job: 99, error: error)])
        }
        let outcome = try await pushctl("status 12 99", daemon)
        #expect(outcome.status == 4)
        #expect(outcome.output.contains(" 12  queued"))
        #expect(outcome.errors.hasPrefix("pushctl: there is no job 99\n"))
    }

    @Test("wait ends as its jobs do")
    func wait() async throws {
        var daemon = FakeDaemon()
        let start = ContinuousClock.now
        daemon.onWait = { input in
            #expect(input.jobs == [12, 13])
            let left = try #require(input.timeout)
            let passed = start.duration(to: .now) / .seconds(1)
            #expect(Double(left) > 90 - passed - 1 && left <= 90)
            return Wait.Output(jobs: [testJob(12, "succeeded"), testJob(13, "canceled")])
        }
        let outcome = try await pushctl("wait 12 13 --timeout 90s", daemon)
        #expect(outcome.status == 1)
        #expect(
            outcome.lines == [
                "job 12  registry.example/team/app:1  succeeded", "job 13  registry.example/team/app:1  canceled",
            ])
        daemon.onWait = { _ in throw ControlError(.timedOut, "the jobs have not ended in time") }
        #expect(try await pushctl("wait 12", daemon).status == 5)
    }

    @Test("wait survives a restart of the daemon")
    func waitThroughRestart() async throws {
        let calls = Mutex(0)
        var daemon = FakeDaemon()
        daemon.onWait = { _ in
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            if call == 1 { throw ControlError(.stopping, "pushd stops") }
            return Wait.Output(jobs: [testJob(12, "succeeded")])
        }
        #expect(try await pushctl("wait 12", daemon).status == 0)
        #expect(calls.withLock { $0 } == 2)
    }

    @Test("cancel and retry tell what became of the jobs")
    func change() async throws {
        var daemon = FakeDaemon()
        daemon.onCancel = { _ in Cancel.Output(jobs: [testJob(12, "canceled"), testJob(13, "succeeded")]) }
        daemon.onRetry = { input in
            Retry.Output(jobs: input.failed == true ? [] : (input.jobs ?? []).map { testJob($0, "queued") })
        }
        daemon.onList = { _ in List.Output(jobs: [], counts: [:]) }
        #expect(
            try await pushctl("cancel 12 13", daemon).lines == [
                "job 12  registry.example/team/app:1  canceled",
                "job 13  registry.example/team/app:1  succeeded (it had ended before)",
            ])
        #expect(try await pushctl("retry 7", daemon).lines == ["job 7  registry.example/team/app:1  queued"])
        #expect(try await pushctl("retry --failed", daemon).output == "no failed jobs\n")
        #expect(try await pushctl("retry --failed --json", daemon).output == "{\"jobs\":[]}\n")
        #expect(try await pushctl("cancel 12 13 --json", daemon).output.hasPrefix("{\"jobs\":[{"))
    }

    @Test("show prints the jobs, or their documents, and tells of those that are not there")
    func show() async throws {
        var daemon = FakeDaemon()
        daemon.onShow = { input in
            guard input.job == 12 || input.job == 14 else {
                throw ControlError(.jobNotFound, "there is no job \(input.job)")
            }
            return Show.Output(job: testJob(input.job, "succeeded", blobs: []), attempts: [])
        }
        let several = try await pushctl("show 14 13 12", daemon)
        #expect(several.output.hasPrefix("Job 14  succeeded\n  image "))
        #expect(several.output.contains("\n\nJob 12  succeeded\n  image "))
        #expect(several.errors == "pushctl: there is no job 13\n")
        #expect(several.status == 4)
        let documents = try await pushctl("show 14 13 12 --json", daemon)
        let missing = ##"{"error":{"advice":null,"code":"job-not-found","message":"there is no job 13"},"job":13}"##
        let lines = documents.output.split(separator: "\n")
        #expect(lines.count == 3 && lines.dropFirst().first == missing[...])
        #expect(documents.errors.isEmpty && documents.status == 4)
        #expect(try await pushctl("show 12", daemon).output.hasPrefix("Job 12  succeeded\n  image "))
        #expect(try await pushctl("show 12 --json", daemon).output.hasPrefix(#"{"attempts":[],"job":{"#))
        #expect(try await pushctl("show 13", daemon).status == 4)
    }

    @Test("verify gives a verdict, lists problems, and ends with 1 on a difference")
    func verify() async throws {
        var daemon = FakeDaemon()
        daemon.onVerify = { input in
            let isGood = input.against == nil
            #expect(input.level == (isGood ? "deep" : nil))
            let problems = [
                VerifyProblem(kind: "blob-missing", digest: "sha256:4f53cda18c2b99", message: "is not there")
            ]
            return Verify.Output(
                report: VerifyReport(
                    reference: input.reference, digest: "sha256:dd", verified: isGood, problems: isGood ? [] : problems,
                    blobs: 5, bytes: 2_000_000, level: input.level ?? "blobs"))
        }
        #expect(
            try await pushctl("verify r.example/a --deep", daemon)
                == Outcome(
                    status: 0,
                    output: """
                        r.example/a  verified
                          sha256:dd
                          5 blobs, 2.00 MB: manifests checked, every blob downloaded and hashed

                        """, errors: ""))
        let bad = try await pushctl("verify r.example/a --against app", daemon)
        #expect(bad.status == 1)
        #expect(bad.lines.first == "r.example/a  differs: 1 problem")
        #expect(bad.lines.last == "  blob-missing  4f53cda18c2b  is not there")
        let json = try await pushctl("verify r.example/a --against app --json", daemon)
        #expect(json.status == 1)
        #expect(
            json.output == #"{"blobs":5,"bytes":2000000,"digest":"sha256:dd","level":"blobs","problems":"#
                + #"[{"digest":"sha256:4f53cda18c2b99","kind":"blob-missing","message":"is not there"}],"#
                + #""reference":"r.example/a","verified":false}"# + "\n")
    }

    @Test("inspect --raw prints the exact bytes")
    func inspect() async throws {
        let manifest = "{\n  \"schemaVersion\": 2\u{1}}"
        var daemon = FakeDaemon()
        daemon.onInspect = { input in
            Inspect.Output(
                reference: input.reference, digest: "sha256:dd", mediaType: "m/t", size: 25,
                platforms: [
                    PlatformInfo(platform: "linux/amd64", digest: "sha256:ee", size: 9),
                    PlatformInfo(platform: "linux/arm/v7", digest: "sha256:ff", size: 9),
                    PlatformInfo(platform: "linux/386", digest: "sha256:dd", size: 9),
                ],
                manifest: Data(manifest.utf8).base64EncodedString())
        }
        #expect(try await pushctl("inspect r.example/a --raw", daemon).output == manifest)
        #expect(
            try await pushctl("inspect r.example/a", daemon).output == """
                r.example/a
                  digest      sha256:dd
                  media type  m/t
                  manifest    25 B
                  platforms   linux/amd64   sha256:ee
                              linux/arm/v7  sha256:ff
                              linux/386

                """, "nothing stands behind a platform without a digest of its own, blanks neither")
    }

    @Test("images tells where each was pushed")
    func images() async throws {
        var daemon = FakeDaemon()
        daemon.onImages = { _ in
            func pushed(_ to: String, _ digest: String) -> PublicationInfo {
                PublicationInfo(destination: to, digest: digest, at: Timestamp(milliseconds: testNow), job: 3)
            }
            let image = LocalImageInfo(
                name: "app:1", names: ["app:1"], store: "oci:/x", digest: "sha256:4f53cda18c2b99", mediaType: "m",
                size: 1000,
                pushed: [pushed("r.example/app:1", "sha256:4f53cda18c2b99"), pushed("m.example/app", "sha256:ee")])
            return Images.Output(images: [image])
        }
        #expect(
            try await pushctl("images", daemon).output == """
                IMAGE  DIGEST           SIZE  STORE   PUSHED TO
                app:1  4f53cda18c2b  1.00 kB  oci:/x  r.example/app:1
                                                      m.example/app (an older one)

                """)
        #expect(try await pushctl("images --json", daemon).output.hasPrefix(#"{"images":[{"digest":"#))
    }

    @Test("events prints a line each")
    func events() async throws {
        var daemon = FakeDaemon()
        daemon.onEvents = { input in
            #expect(input == Events.Input(since: Timestamp(milliseconds: testNow - 600_000)))
            let at = Timestamp(milliseconds: testNow)
            return stream([
                Events.Output(
                    event: EventInfo(
                        id: 8, at: at, kind: "job-state", job: 12, state: "failed", destination: "r.example/a",
                        message: "no")),
                Events.Output(event: EventInfo(id: 9, at: at, kind: "registry-paused", registry: "r.example")),
            ])
        }
        #expect(
            try await pushctl("events --since 10m", daemon).lines == [
                "2026-03-04T05:06:07.000Z  #8  job 12  r.example/a  failed: no",
                "2026-03-04T05:06:07.000Z  #9  registry-paused  r.example",
            ])
        #expect(
            try await pushctl("events --since 10m --json", daemon).lines.last
                == #"{"at":"2026-03-04T05:06:07.000Z","id":9,"kind":"registry-paused","registry":"r.example"}"#)
    }

    @Test("pause and resume tell how the registries stand")
    func pause() async throws {
        var daemon = FakeDaemon()
        daemon.onPause = { input in
            Pause.Output(registries: [
                RegistryInfo(name: input.registry ?? "all", reason: "by command", running: 2, held: true)
            ])
        }
        daemon.onResume = { input in
            Resume.Output(registries: [RegistryInfo(name: input.registry ?? "all", running: 0)])
        }
        #expect(try await pushctl("pause r.example", daemon).output == "r.example  paused by command; 2 jobs run\n")
        #expect(try await pushctl("resume r.example", daemon).output == "r.example  open; 0 jobs run\n")
        #expect(
            try await pushctl("resume r.example --json", daemon).output
                == #"{"registries":[{"name":"r.example","running":0}]}"# + "\n")
    }
}
