import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

@Suite("A push that is canceled")
struct CancelTests {
    /// The queue tells of a claim before the engine knows which job it was given: who cancels at this moment, ahead of
    /// others who want something of the engine, may be there before it.
    @Test("while it is being claimed is not carried out, and its place is free again")
    func whileClaimed() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                // Whoever starts all the same stays at the first question.
                let gate = TestGate()
                registry.faults.add(Fault(nil, times: .max, .stallAnswer(until: gate)))
                let crowd = (0..<50).map { _ in
                    Task { while !Task.isCancelled { _ = await bench.publisher.activity } }
                }
                defer { for task in crowd { task.cancel() } }
                let changes = bench.queue.changes()
                let canceler = Task(priority: .high) {
                    for await change in changes {
                        for job in change.list where job.state == .running {
                            _ = try await bench.publisher.cancel([job.job])
                        }
                    }
                }
                defer { canceler.cancel() }
                for round in 0..<100 {
                    let job = try await bench.push("app:1", to: "\(registry.address)/r:\(round)")
                    #expect(try await bench.settled(job).job.state == .canceled)
                }
                try await waitUntil("nothing runs") { await bench.publisher.activity.allSatisfy { $0.running == 0 } }
                gate.open()
                #expect(registry.tags("r").isEmpty)
            }
        }
    }

    @Test("is known to be so if that was while the queue handed it out, and only then")
    func window() {
        var window = ClaimWindow()
        window.abandon([1])
        window.open()
        #expect(!window.wasAbandoned(1), "it was not handed out then")
        window.abandon([2, 3])
        window.abandon([4])
        #expect([1, 2, 3, 4, 5].filter { window.wasAbandoned($0) } == [2, 3, 4])
        window.close()
        #expect(!window.wasAbandoned(2), "a later life of the job is another matter")
        window.open()
        #expect(!window.wasAbandoned(3))
    }
}
