import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

@Suite("While a registry is down")
struct OutageTests {
    private struct Outcome: CustomStringConvertible {
        /// While it was down.
        var requests = 0
        var connections = 0
        /// From its return until the last job had succeeded.
        var recovery = Duration.zero

        var description: String { "\(requests) requests on \(connections) connections, done \(recovery) after" }
    }

    private static let outage = Duration.seconds(3)
    private static let atOnce = 4

    /// Lets `count` jobs wait for a registry that is down for a while.
    private func outcome(jobs count: Int, _ fault: Fault.Action) async throws -> Outcome {
        try await TestRegistry.with { registry in
            let outcome = Synchronized(Outcome())
            try await Bench.with({
                $0.retry = RetryPolicy(base: .milliseconds(100), cap: .milliseconds(200))
                $0.jobsPerRegistry = Self.atOnce
            }) { bench in
                let layer = try bench.builder.addLayer(size: 1000, seed: 1)
                for number in 0..<count {
                    try bench.builder.addImage(layers: [layer], name: "app\(number):1", label: "\(number)")
                }
                try bench.builder.writeIndexJSON()
                await bench.publisher.pause(nil)
                var jobs: [JobID] = []
                for number in 0..<count {
                    jobs.append(try await bench.push("app\(number):1", to: "\(registry.address)/r\(number):1"))
                }
                registry.faults.add(Fault(nil, times: .max, fault))
                await bench.publisher.resume(nil)
                // The probes themselves tell the time.
                try await registry.waitUntil("the outage's end") {
                    guard let first = registry.requests.first, let last = registry.requests.last else { return false }
                    return last.at >= first.at + Self.outage
                }
                registry.faults.removeAll()
                var result = Outcome(requests: registry.requests.count, connections: registry.connectionsAccepted)
                let back = ContinuousClock.now
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                result.recovery = ContinuousClock.now - back
                outcome.set(result)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size, "sent once for all")
            }
            return outcome.value
        }
    }

    @Test("status tells since when, why, and how many jobs wait")
    func activity() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.pause()
                let before = Bench.now
                let jobs = [
                    try await bench.push("app:1", to: "\(registry.address)/r:1"),
                    try await bench.push("app:1", to: "\(registry.address)/r:2"),
                ]
                try await bench.waitFor(.waiting, of: jobs[0])
                try await waitUntil("both wait") {
                    let shown = await bench.publisher.activity.first { $0.name == registry.address }
                    guard let shown, shown.waiting == 2, let since = shown.pausedSince else { return false }
                    return (before...Bench.now).contains(since) && shown.reason?.contains("refused") == true
                }
                try registry.resume()
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                try await waitUntil("nothing is told any more") { await bench.publisher.activity.isEmpty }
            }
        }
    }

    @Test(
        "200 jobs ask as often as one, and all succeed within seconds of its return",
        arguments: [true, false])
    func load(isAnswering: Bool) async throws {
        let fault: Fault.Action = isAnswering ? .respond(Answer(503)) : .cut(afterBodyBytes: 0)
        var outcomes: [Int: Outcome] = [:]
        for count in [1, 20, 200] { outcomes[count] = try await outcome(jobs: count, fault) }
        for (count, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
            print("\(isAnswering ? "503" : "no answer"), \(count) jobs: \(outcome)")
        }
        let one = try #require(outcomes[1])
        for (count, outcome) in outcomes {
            // A pause is 50 or 100 ms long on average. Those that were under way at its begin may all have asked.
            let bound = one.requests * 7 / 4 + Self.atOnce
            #expect(outcome.requests <= bound, "\(count) jobs: \(outcome); one: \(one)")
            #expect(outcome.connections <= bound, "\(count) jobs: \(outcome); one: \(one)")
            #expect(outcome.recovery < .seconds(30), "\(count) jobs: \(outcome)")
        }
    }
}
