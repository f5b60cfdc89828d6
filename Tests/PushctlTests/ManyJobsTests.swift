import Control
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import pushctl

@Suite("pushctl and many jobs at once")
struct ManyJobsTests {
    /// A daemon with jobs of these numbers, all of them failed; every call is counted.
    private func daemon(with jobs: Range<Int>, calls: CallSizes) -> FakeDaemon {
        var daemon = FakeDaemon()
        @Sendable func left(_ id: Int) -> LeftJob {
            LeftJob(
                job: id,
                error: JobErrorInfo(
                    code: "job-not-found", message: "there is no job \(id)", advice: "pushctl status lists the jobs"))
        }
        daemon.onCancel = { input in
            #expect(input.partial == true)
            calls.add(input.jobs.count)
            return Cancel.Output(
                jobs: input.jobs.filter(jobs.contains).map { testJob($0, "canceled") },
                left: input.jobs.filter { !jobs.contains($0) }.map(left))
        }
        daemon.onRetry = { input in
            let wanted = input.jobs ?? []
            calls.add(wanted.count)
            return Retry.Output(
                jobs: wanted.filter(jobs.contains).map { testJob($0, "queued") },
                left: wanted.filter { !jobs.contains($0) }.map(left))
        }
        daemon.onWait = { input in
            if let missing = input.jobs.first(where: { !jobs.contains($0) }) {
                throw ControlError(.jobNotFound, "there is no job \(missing)")
            }
            return Wait.Output(jobs: input.jobs.map { testJob($0, "succeeded") })
        }
        daemon.onList = { input in
            let all = jobs.reversed().filter { $0 < input.before ?? .max }.prefix(input.limit ?? 100)
            let found = input.jobs?.filter(jobs.contains) ?? Array(all)
            return List.Output(
                jobs: found.map { testJob($0, "failed") }, counts: [:],
                left: input.jobs?.filter { !jobs.contains($0) }.map(left))
        }
        return daemon
    }

    @Test("cancel, retry, wait and status take any number of jobs, do what can be done, and tell what is not there")
    func many() async throws {
        let calls = CallSizes()
        let daemon = daemon(with: 1..<2501, calls: calls)
        let ids = (1...2502).map(String.init).joined(separator: " ")
        for command in ["cancel", "retry", "wait", "status"] {
            let outcome = try await pushctl("\(command) \(ids)", daemon)
            #expect(outcome.status == 4, "\(command)")
            #expect(
                outcome.errors == "pushctl: there are no jobs 2501, 2502\npushctl status lists the jobs\n", "\(command)"
            )
            #expect(outcome.lines.count == (command == "status" ? 2501 : 2500), "\(command)")
        }
        #expect(calls.all == [1000, 1000, 502, 1000, 1000, 502])
        let json = try await pushctl("cancel 7 9999 --json", daemon)
        #expect(json.status == 4 && json.errors.isEmpty)
        #expect(json.output.hasPrefix(#"{"jobs":[{"#))
        #expect(
            json.output.hasSuffix(
                #""left":[{"error":{"advice":"pushctl status lists the jobs","code":"job-not-found","#
                    + #""message":"there is no job 9999"},"job":9999}]}"# + "\n"))
        for command in ["cancel", "retry", "wait", "status"] {
            let none = try await pushctl("\(command) 9999 --json", daemon)
            #expect(none.status == 4, "\(command)")
            #expect(try none.errorDocument().code == "job-not-found", "\(command)")
        }
    }

    @Test("cancel and retry take all jobs in some states, page by page")
    func selected() async throws {
        let calls = CallSizes()
        let daemon = daemon(with: 1..<2501, calls: calls)
        #expect(try await pushctl("cancel --all", daemon).lines.count == 2500)
        #expect(try await pushctl("retry --failed", daemon).lines.count == 2500)
        #expect(calls.all == [1000, 1000, 500, 1000, 1000, 500])
        #expect(
            try await pushctl("cancel --all", self.daemon(with: 1..<1, calls: calls)).output == "no jobs to cancel\n")
    }

    @Test("status shows as many jobs as --limit allows, page by page, also beyond the limit of one call")
    func pages() async throws {
        let limits = CallSizes()
        var daemon = daemon(with: 1..<2501, calls: CallSizes())
        daemon.onList = { [onList = daemon.onList] input in
            limits.add(input.limit ?? 0)
            return try await onList(input)
        }
        #expect(try await pushctl("status --state failed --limit 20000", daemon).lines.count == 2501)
        #expect(limits.all == [1000, 1000, 1000])
        #expect(try await pushctl("status --state failed --limit 1500", daemon).lines.count == 1501)
        #expect(limits.all.suffix(2) == [1000, 500])
    }

    @Test("retry tells which jobs it left as they are, and why; one that is on its way is no failure")
    func left() async throws {
        var daemon = FakeDaemon()
        daemon.onRetry = { input in
            let reason = input.jobs == [5] ? ("retry-needless", "job 5 runs") : ("retry-refused", "job 6 is over")
            return Retry.Output(
                jobs: [],
                left: [LeftJob(job: 5, error: JobErrorInfo(code: reason.0, message: reason.1, advice: "push"))])
        }
        #expect(try await pushctl("retry 5", daemon) == Outcome(status: 0, output: "job 5 runs\n", errors: ""))
        #expect(
            try await pushctl("retry 6", daemon)
                == Outcome(status: 1, output: "", errors: "pushctl: job 6 is over\npush\n"))
    }
}

/// How many jobs each call named.
private final class CallSizes: Sendable {
    private let sizes = Mutex<[Int]>([])

    func add(_ size: Int) { sizes.withLock { $0.append(size) } }

    var all: [Int] { sizes.withLock { $0 } }
}
