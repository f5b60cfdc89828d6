import Control
import Synchronization
import Testing

@testable import pushctl

@Suite("Commands whose daemon goes away, or whose jobs are not there")
struct AbsentDaemonTests {
    private static let missing = LeftJob(
        job: 999, error: JobErrorInfo(code: "job-not-found", message: "there is no job 999", advice: "look"))

    /// Has job 12, which has ended.
    private func daemon() -> FakeDaemon {
        var daemon = FakeDaemon()
        daemon.onList = { input in
            let wanted = input.jobs ?? [12]
            return List.Output(
                jobs: wanted.contains(12) ? [testJob(12, "succeeded")] : [], counts: ["succeeded": 1],
                left: wanted.contains(999) ? [Self.missing] : nil)
        }
        daemon.onEvents = { _ in AsyncThrowingStream { continuation in continuation.finish() } }
        return daemon
    }

    @Test("status --watch tells of jobs that do not exist, and ends with 4", arguments: [nil, (80, 24)])
    func watchMissing(terminal: (Int, Int)?) async throws {
        let alone = try await pushctl("status --watch 999", daemon(), terminal: terminal)
        #expect(alone.status == 4 && alone.errors == "pushctl: there is no job 999\nlook\n", "\(alone)")
        let both = try await pushctl("status --watch 12 999", daemon(), terminal: terminal)
        #expect(both.status == 4 && both.errors == "pushctl: there is no job 999\nlook\n", "\(both)")
        #expect(both.output.contains("succeeded"))
    }

    @Test("status --watch --json tells of them in its documents")
    func watchMissingJSON() async throws {
        #expect(try await pushctl("status --watch 999 --json", daemon()).errorDocument().code == "job-not-found")
        let both = try await pushctl("status --watch 12 999 --json", daemon())
        #expect(both.status == 4 && both.errors.isEmpty)
        #expect(both.output.contains(#""left":[{"error":{"advice":"look","code":"job-not-found""#), "\(both)")
    }

    @Test("status --watch goes on after the daemon has stopped", arguments: [nil, (80, 24)])
    func watchRestart(terminal: (Int, Int)?) async throws {
        let calls = Mutex(0)
        var daemon = daemon()
        daemon.onList = { [onList = daemon.onList] input in
            let isFirst = calls.withLock { calls in
                calls += 1
                return calls == 1
            }
            if isFirst { throw ControlError(.stopping, "pushd stops") }
            return try await onList(input)
        }
        let outcome = try await pushctl("status --watch 12", daemon, terminal: terminal)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        #expect(outcome.output.contains("succeeded"))
    }

    @Test("wait ends when its time is up, also while the daemon is away")
    func wait() async throws {
        let start = ContinuousClock.now
        let outcome = try await pushctl("wait --timeout 500ms 12", daemonStartsLate: true)
        #expect(outcome.status == 5)
        #expect(
            outcome.errors.hasPrefix(
                "pushctl: the jobs have not ended within the time that was given: pushd can't be reached\n"),
            "\(outcome.errors)")
        #expect(ContinuousClock.now - start < .seconds(30), "a daemon is waited for a minute")
        let json = try await pushctl("wait --timeout 500ms 12 --json", daemonStartsLate: true)
        #expect(try json.errorDocument().code == "wait-timed-out")
    }

    @Test(
        "version says why a daemon does not tell its own", arguments: [ControlError.Kind.permissionDenied, .stopping])
    func version(kind: ControlError.Kind) async throws {
        var daemon = daemon()
        daemon.onStatus = { _ in throw ControlError(kind, "it says no") }
        let outcome = try await pushctl("version", daemon)
        #expect(outcome.status == 0 && outcome.output.hasSuffix("\npushd   it says no\n"), "\(outcome)")
    }

    @Test("ping does not wait for a socket whose path can't be one")
    func ping() async throws {
        let long = "/" + String(repeating: "s", count: 120)
        let outcome = try await pushctl("--socket \(long) ping --wait 1s --json")
        #expect(outcome.status == 2)
        #expect(try outcome.errorDocument().code == "socket-invalid")
    }

    @Test("show and push name the advice of every error, null where there is none")
    func advice() async throws {
        var daemon = daemon()
        daemon.onShow = { _ in
            let attempt = AttemptInfo(
                number: 1, startedAt: Timestamp(milliseconds: 0), error: JobErrorInfo(code: "c", message: "m"),
                bytesSent: 0)
            return Show.Output(job: testJob(12, "waiting"), attempts: [attempt])
        }
        let shown = try await pushctl("show 12 --json", daemon).output
        let attempt =
            #"{"attempts":[{"bytesSent":0,"endedAt":null,"error":{"advice":null,"code":"c","message":"m"},"number":1,"#
        #expect(shown.hasPrefix(attempt), "\(shown)")
        daemon.onPush = { _ in
            Push.Output(jobs: [], leftOut: [LeftOutImage(image: "app:+", reason: "it is no tag")])
        }
        let pushed = try await pushctl("push -a app r.example/app -d --json", daemon)
        let leftOut = #"{"leftOut":[{"advice":null,"image":"app:+","reason":"it is no tag"}]}"#
        #expect(pushed.output.hasPrefix(leftOut), "\(pushed)")
    }
}
