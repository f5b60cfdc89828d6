import Control
import Publisher
import PushQueue

/// Tells how jobs go on until they have ended: at once when a state changes, ten times a second while bytes move.
struct JobFollower {
    let publisher: ImagePublisher
    let jobs: [Int]

    private static let tick: Duration = .milliseconds(100)

    /// - Parameter send: gets each job as it stands, whenever it stands differently.
    /// - Throws: `ControlError` for an unknown job, and what `send` throws.
    func run(_ send: (JobInfo) throws -> Void) async throws {
        var open = Set(jobs)
        var last: [Int: JobInfo] = [:]
        let changes = await publisher.changes()
        let pulse = AsyncStream<Int?>.makeStream(bufferingPolicy: .bufferingNewest(1024))
        let feeder = Task {
            for await job in changes where jobs.contains(Int(job)) { pulse.continuation.yield(Int(job)) }
            pulse.continuation.finish()
        }
        // Progress of bytes has no event of its own.
        let clock = Task {
            while (try? await Task.sleep(for: Self.tick)) != nil { pulse.continuation.yield(nil) }
        }
        defer {
            feeder.cancel()
            clock.cancel()
        }
        func look(_ ids: some Sequence<Int>) async throws {
            for id in ids {
                guard let snapshot = try await publisher.snapshot(JobID(id)) else { throw unknownJob(id) }
                let info = JobInfo(snapshot, withBlobs: true)
                if info != last[id] {
                    last[id] = info
                    try send(info)
                }
                if snapshot.job.state.isEnded { open.remove(id) }
            }
        }
        try await look(jobs)
        for await job in pulse.stream {
            if open.isEmpty { return }
            if let job {
                if open.contains(job) { try await look([job]) }
            } else {
                try await look(open.filter { last[$0]?.state == JobState.running.rawValue })
            }
            if open.isEmpty { return }
        }
        try Task.checkCancellation()
        throw ControlError(.stopping, "pushd is stopping", advice: "the jobs go on when it is back")
    }
}
