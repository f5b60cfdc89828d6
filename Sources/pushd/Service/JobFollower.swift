import Control
import Publisher
import PushQueue
import Synchronization

/// Reports the progress of jobs until they have ended: at once when a state changes, ten times a second while bytes
/// move.
///
/// It reads a job only when ``next()`` is called: a caller that calls slowly misses intermediate states, never the last
/// one, and nothing is buffered for it.
actor JobFollower {
    private let publisher: ImagePublisher
    private let withBlobs: Bool
    private let news = News()
    private var open: Set<Int>
    private var due: [(job: Int, isTick: Bool)]
    private var last: [Int: JobInfo] = [:]
    private var tasks: [Task<Void, Never>] = []

    private static let tick: Duration = .milliseconds(100)

    /// - Parameter withBlobs: whether the blobs and their bytes are reported too.
    init(publisher: ImagePublisher, jobs: [Int], withBlobs: Bool) {
        self.publisher = publisher
        self.withBlobs = withBlobs
        open = Set(jobs)
        due = jobs.map { ($0, true) }
    }

    deinit { for task in tasks { task.cancel() } }

    /// A job that differs from its last report, as the caller may see it; nil when all have ended.
    ///
    /// - Throws: `ControlError` for an unknown job, and when the daemon stops; `CancellationError`; `QueueError`.
    func next(for rights: CallerRights) async throws -> JobInfo? {
        if tasks.isEmpty { await start() }
        while true {
            while !due.isEmpty {
                let (job, isTick) = due.removeFirst()
                if let info = try await look(job, isTick: isTick, rights) { return info }
            }
            if open.isEmpty { return nil }
            guard let (touched, isTick) = await news.next() else {
                try Task.checkCancellation()
                throw ControlError(.stopping, "pushd is stopping", advice: "the jobs go on when it is back")
            }
            let running = isTick ? open.filter { last[$0]?.state == JobState.running.rawValue } : []
            due = open.intersection(touched).union(running).sorted().map { ($0, running.contains($0)) }
        }
    }

    private func start() async {
        let changes = await publisher.changes()
        tasks = [
            Task { [news, open] in
                for await job in changes where open.contains(Int(job)) { news.touch(Int(job)) }
                news.finish()
            }
        ]
        guard withBlobs else { return }
        // Progress of bytes has no event of its own.
        tasks.append(
            Task { [news] in
                while (try? await Task.sleep(for: Self.tick)) != nil { news.tick() }
            })
    }

    private func look(_ id: Int, isTick: Bool, _ rights: CallerRights) async throws -> JobInfo? {
        guard var snapshot = try await publisher.snapshot(JobID(id), withBlobs: false) else { throw unknownJob(id) }
        if withBlobs {
            // What happens to the blobs of a running job waits for the tick.
            if !isTick, snapshot.job.state == .running, last[id]?.state == JobState.running.rawValue { return nil }
            snapshot = try await publisher.snapshot(JobID(id)) ?? snapshot
        }
        let info = JobInfo(snapshot, withBlobs: withBlobs, for: rights)
        if snapshot.job.state.isEnded { open.remove(id) }
        guard info != last[id] else { return nil }
        last[id] = info
        return info
    }
}

/// What has changed since the last call of ``next()``.
///
/// It takes no more memory than the jobs' numbers, however much has changed.
private final class News: Sendable {
    private struct State {
        var touched: Set<Int> = []
        var isTick = false
        var isFinished = false
    }

    private let state = Mutex(State())
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    func touch(_ job: Int) { change { $0.touched.insert(job) } }
    func tick() { change { $0.isTick = true } }
    func finish() { change { $0.isFinished = true } }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        bell.continuation.yield()
    }

    /// Nil when nothing more comes, or the caller is cancelled.
    func next() async -> (touched: Set<Int>, isTick: Bool)? {
        var iterator = bell.stream.makeAsyncIterator()
        guard await iterator.next() != nil else { return nil }
        return state.withLock { state in
            defer { (state.touched, state.isTick) = ([], false) }
            return state.isFinished && state.touched.isEmpty ? nil : (state.touched, state.isTick)
        }
    }
}
