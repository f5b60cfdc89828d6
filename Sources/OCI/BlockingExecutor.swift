internal import Dispatch

/// Runs an actor's jobs on its own serial queue, so that they may block.
///
/// SQLite, file reads and hashing never run on the cooperative pool, which has one thread a core. It lives on the
/// lowest floor because rooms that don't know each other need it. Dispatch on Linux has no `DispatchSerialQueue`,
/// which would do the same.
public final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    public init(label: String) { queue = DispatchQueue(label: label) }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    public func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
