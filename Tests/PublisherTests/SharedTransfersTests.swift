import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

extension SharedTransfers {
    /// The same for a job that shows nothing of its progress.
    fileprivate func bring(
        _ blob: BlobLocation, for job: JobID, willWait: @Sendable (Leader) -> Void = { _ in }, work: @escaping Work
    ) async throws -> TransferResult {
        try await bring(blob, for: Leader(job: job, meter: TransferMeter()), willWait: willWait, work: work)
    }
}

@Suite("Shared transfers")
struct SharedTransfersTests {
    private let blob = BlobLocation(registry: "r.example", digest: Digest(of: [1, 2, 3]))

    private func result(of job: JobID) -> TransferResult {
        TransferResult(repository: "team/\(job)", job: job, outcome: .uploaded, detail: nil)
    }

    @Test("run once, and everybody who came meanwhile gets the same result")
    func runsOnce() async throws {
        let transfers = SharedTransfers()
        let gate = Gate()
        let counter = Counter()
        try await withThrowingTaskGroup(of: TransferResult.self) { group in
            for job in JobID(1)...10 {
                group.addTask {
                    try await transfers.bring(blob, for: job, willWait: { _ in counter.add() }) {
                        await gate.wait()
                        return result(of: job)
                    }
                }
            }
            await counter.reaches(9)
            gate.open()
            var leaders: Set<JobID> = []
            for try await result in group { leaders.insert(result.job) }
            #expect(leaders.count == 1)
        }
    }

    @Test("go on for those who remain when the first caller is cancelled")
    func outlivesItsLeader() async throws {
        let transfers = SharedTransfers()
        let (gate, started, waiting) = (Gate(), Gate(), Gate())
        let leader = Task {
            try await transfers.bring(blob, for: 1) {
                started.open()
                await gate.wait()
                try Task.checkCancellation()
                return result(of: 1)
            }
        }
        await started.wait()
        let follower = Task {
            try await transfers.bring(blob, for: 2, willWait: { _ in waiting.open() }) { result(of: 2) }
        }
        await waiting.wait()
        leader.cancel()
        await #expect(throws: CancellationError.self) { try await leader.value }
        gate.open()
        #expect(try await follower.value.job == 1)
    }

    @Test("end with the last who leaves, and start anew only when they have ended")
    func endsWithTheLast() async throws {
        let transfers = SharedTransfers()
        let (started, ended) = (Gate(), Counter())
        let only = Task {
            try await transfers.bring(blob, for: 1) {
                started.open()
                defer { ended.add() }
                try await Task.sleep(for: .seconds(3600))
                return result(of: 1)
            }
        }
        await started.wait()
        only.cancel()
        await #expect(throws: CancellationError.self) { try await only.value }
        let next = try await transfers.bring(blob, for: 2) {
            #expect(ended.value == 1, "two at a time would send bytes twice")
            return result(of: 2)
        }
        #expect(next.job == 2)
    }

    @Test("hand a failure to all who wait, and forget it")
    func failsForAll() async throws {
        struct Broken: Error {}
        let transfers = SharedTransfers()
        let (gate, counter) = (Gate(), Counter())
        await withTaskGroup(of: Bool.self) { group in
            for job in JobID(1)...3 {
                group.addTask {
                    do {
                        _ = try await transfers.bring(blob, for: job, willWait: { _ in counter.add() }) {
                            await gate.wait()
                            throw Broken()
                        }
                        return false
                    } catch { return error is Broken }
                }
            }
            await counter.reaches(2)
            gate.open()
            for await failed in group { #expect(failed) }
        }
        #expect(try await transfers.bring(blob, for: 9) { result(of: 9) }.job == 9)
    }
}
