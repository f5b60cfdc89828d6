internal import Dispatch
internal import Synchronization

/// The actor that all of pushctl runs on: the thread that `main` began on, where output may block.
///
/// `MainActor` would do the same, but on Linux its loop ends the main thread first and goes on elsewhere: two threads
/// more at each start, and 20 ms in a static executable, which unwinds the stack for that.
@globalActor
actor MainThread {
    static let shared = MainThread()

    nonisolated let loop = Loop()
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Holds the actor's jobs until the thread that calls ``run()`` takes them.
    final class Loop: SerialExecutor {
        private let jobs = Mutex<[UnownedJob]>([])
        private let bell = DispatchSemaphore(value: 0)

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            jobs.withLock { $0.append(job) }
            bell.signal()
        }

        /// Runs the actor's jobs on this thread, one after the other in their order, until the process exits.
        func run() -> Never {
            while true {
                bell.wait()  // rung once for each job
                let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                job?.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
    }
}
