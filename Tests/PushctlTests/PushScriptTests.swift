import Control
import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import pushctl

/// What scripts and build servers use of `pushctl push`.
@Suite("pushctl push, for scripts")
struct PushScriptTests {
    private let digest = "sha256:" + String(repeating: "d", count: 64)

    /// Accepts every push whose image is not "missing", as a job for each destination, and lets all end as `end` says.
    private func daemon(
        _ end: @escaping @Sendable (JobInfo) -> JobInfo = { testJob($0.id, "succeeded", to: $0.destination) }
    ) -> (FakeDaemon, Calls) {
        let calls = Calls()
        var daemon = FakeDaemon()
        daemon.onPush = { input in
            calls.pushes.withLock { $0.append(input) }
            if input.image == "missing" { throw ControlError(.imageNotFound, "there is no image", advice: "build it") }
            if input.image == "stop" { throw ControlError(.stopping, "pushd stops", advice: "try again") }
            let jobs = (input.destinations ?? [input.image]).map { destination in
                calls.jobs.withLock { jobs in
                    jobs[destination] = jobs[destination] ?? testJob(11 + jobs.count, "queued", to: destination)
                    return jobs[destination] ?? testJob(0, "queued")
                }
            }
            return Push.Output(jobs: jobs)
        }
        daemon.onFollow = { input in
            let jobs = calls.jobs.withLock { $0.values.filter { input.jobs.contains($0.id) } }
            return stream(jobs.map { Follow.Output(job: end($0)) })
        }
        return (daemon, calls)
    }

    private final class Calls: Sendable {
        let pushes = Mutex<[Push.Input]>([])
        let jobs = Mutex<[String: JobInfo]>([:])
        var images: [String] { pushes.withLock { $0.map(\.image) } }
    }

    @Test("--quiet prints only what was pushed, by tag and digest, a line each", arguments: [nil, (80, 24)])
    func quiet(terminal: (Int, Int)?) async throws {
        let (daemon, _) = daemon()
        #expect(
            try await pushctl("push -q app r.example/a:1 r.example/b r.example/c@\(digest)", daemon, terminal: terminal)
                == Outcome(
                    status: 0,
                    output: """
                        r.example/a:1@\(digest)
                        r.example/b@\(digest)
                        r.example/c@\(digest)

                        """, errors: ""))
    }

    @Test("--quiet prints nothing of a push that failed, but why")
    func quietFailure() async throws {
        let (daemon, _) = daemon { job in
            testJob(job.id, job.destination == "r.example/b" ? "failed" : "succeeded", to: job.destination) {
                if $0.state == "failed" { $0.error = JobErrorInfo(code: "denied", message: "no", advice: "ask") }
            }
        }
        #expect(
            try await pushctl("push -q app r.example/a r.example/b", daemon)
                == Outcome(
                    status: 1, output: "r.example/a@\(digest)\n",
                    errors: "pushctl: job 12 to r.example/b failed: no\nask\n"))
    }

    @Test("--quiet with --detach prints the bare ids, with --dry-run what would be pushed")
    func quietDetached() async throws {
        var (daemon, _) = daemon()
        #expect(try await pushctl("push -qd app r.example/a r.example/b", daemon).output == "11\n12\n")
        daemon.onPush = { _ in
            let plan = PlannedPush(
                image: "app", source: "oci:/x", digest: "sha256:dd", mediaType: "m", destination: "r.example/app:1",
                platforms: [], bytesTotal: 0, blobs: [])
            return Push.Output(jobs: [], plan: [plan])
        }
        #expect(try await pushctl("push -qn app", daemon).output == "r.example/app:1@sha256:dd\n")
    }

    @Test("--digest-file has what was pushed, and appears only when all has succeeded")
    func digestFile() async throws {
        try await TemporaryDirectory.with { directory in
            let file = directory.file("pushed")
            let (good, _) = daemon()
            let outcome = try await pushctl("push --digest-file \(file) app r.example/a:1 r.example/b", good)
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("job 11  r.example/a:1  succeeded"))
            #expect(
                try String(contentsOf: URL(filePath: file), encoding: .utf8)
                    == "r.example/a:1@\(digest)\nr.example/b@\(digest)\n")

            let (bad, _) = daemon { testJob($0.id, $0.id == 11 ? "succeeded" : "canceled", to: $0.destination) }
            let other = directory.file("other")
            #expect(try await pushctl("push --digest-file \(other) app r.example/a r.example/b", bad).status == 1)
            #expect(try await pushctl("push --digest-file \(file) app r.example/c r.example/b", bad).status == 1)
            #expect(try String(contentsOf: URL(filePath: file), encoding: .utf8).hasPrefix("r.example/a:1@"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["pushed"])
        }
    }

    @Test("--digest-file that can't be written is told before anything is pushed")
    func badDigestFile() async throws {
        try await TemporaryDirectory.with { directory in
            let (daemon, calls) = daemon()
            for (file, why) in [("none/x", "No such file or directory"), ("", "Is a directory")] {
                let path = directory.file(file)
                let outcome = try await pushctl("push --digest-file \(path) app r.example/a", daemon)
                #expect(outcome.status == 1)
                #expect(outcome.errors.hasPrefix("pushctl: cannot write the digests to \(path): \(why)\n"))
            }
            #expect(calls.images.isEmpty)
        }
    }

    @Test("--digest-file replaces what a link stands for, and writes to a device without removing it")
    func digestFileKinds() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(Array("old".utf8), to: "real")
            try FileManager.default.createSymbolicLink(
                atPath: directory.file("link"), withDestinationPath: directory.file("real"))
            try DigestFile(path: directory.file("link")).write(["new"])
            #expect(try String(contentsOf: URL(filePath: directory.file("real")), encoding: .utf8) == "new\n")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: directory.file("link")).hasSuffix("real"))

            #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
            let reader = open(directory.file("pipe"), O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            try DigestFile(path: directory.file("pipe")).check()
            try DigestFile(path: directory.file("pipe")).write(["x"])
            #expect(readToEnd(reader, atMost: 10) == Array("x\n".utf8))
        }
    }

    @Test("--file pushes every line, with the options of the command line, and follows all")
    func list() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(Array("app r.example/a r.example/b\n# and\noci:x r.example/c\n".utf8), to: "list")
            let (daemon, calls) = daemon()
            let outcome = try await pushctl("push -q --force --file \(directory.file("list"))", daemon)
            #expect(
                outcome
                    == Outcome(
                        status: 0,
                        output: ["a", "b", "c"].map { "r.example/\($0)@\(digest)\n" }.joined(), errors: ""))
            #expect(calls.images == ["app", "oci:/work/x"])
            #expect(calls.pushes.withLock { $0.allSatisfy { $0.force == true } })
        }
    }

    @Test("--file - reads standard input; lines that mean the same job are told once")
    func listFromInput() async throws {
        let text = Array("app r.example/a\napp r.example/a\n".utf8)
        let questions = Questions(canAsk: false, ask: { _, _ in nil }, readAll: { $0 >= text.count ? text : nil })
        let (daemon, _) = daemon()
        #expect(try await pushctl("push -q -d --file -", daemon, questions: questions).output == "11\n")
    }

    @Test("--file tells each line that the daemon refuses, pushes the others, and fails")
    func refusedLine() async throws {
        try await TemporaryDirectory.with { directory in
            let list = directory.file("list")
            let digests = directory.file("digests")
            try directory.write(Array("missing r.example/a\napp r.example/b\n".utf8), to: "list")
            let (daemon, _) = daemon()
            #expect(
                try await pushctl("push -q --digest-file \(digests) --file \(list)", daemon)
                    == Outcome(
                        status: 1, output: "r.example/b@\(digest)\n",
                        errors: """
                            pushctl: \(list), line 1: there is no image
                            build it
                            pushctl: 1 line of 2 was refused

                            """))
            #expect(!FileManager.default.fileExists(atPath: digests))
            let json = try await pushctl("push -d --json --file \(list)", daemon)
            #expect(json.status == 1)
            let refused =
                #"{"error":{"advice":"build it","code":"image-not-found","message":"there is no image"},"#
                + #""image":"missing","place":"\#(list), line 1"}"#
            #expect(json.lines.first.map(String.init) == refused)
        }
    }

    @Test("--file says where it ended when the daemon stops, and what was accepted before")
    func stopped() async throws {
        try await TemporaryDirectory.with { directory in
            let list = directory.file("list")
            try directory.write(Array("app r.example/a\nstop r.example/b\napp r.example/c\n".utf8), to: "list")
            let (daemon, calls) = daemon()
            #expect(
                try await pushctl("push --file \(list)", daemon)
                    == Outcome(
                        status: 3, output: "",
                        errors: """
                            pushctl: \(list), line 2, and what follows it, was not sent
                            what was accepted before goes on; see with: pushctl status 11
                            pushctl: pushd stops
                            try again

                            """))
            #expect(calls.images == ["app", "stop"])
        }
    }

    @Test("--file with a fault, or that can't be read, sends nothing")
    func badList() async throws {
        try await TemporaryDirectory.with { directory in
            let list = directory.file("list")
            try directory.write(Array("app r.example/a\napp https://r.example/b\n".utf8), to: "list")
            let (daemon, calls) = daemon()
            let faulty = try await pushctl("push --file \(list)", daemon)
            #expect(faulty.status == 2 && faulty.errors.hasPrefix("pushctl: \(list), line 2: "), "\(faulty)")
            let absent = try await pushctl("push --file \(list)x", daemon)
            #expect(absent.status == 1)
            #expect(absent.errors.hasPrefix("pushctl: the list \(list)x can't be read: No such file or directory\n"))
            try directory.write([0x61, 0xFF, 0x0A], to: "list")
            #expect(try await pushctl("push --file \(list)", daemon).errors.contains("or no text"))
            #expect(calls.images.isEmpty)
        }
    }
}
