internal import OCI

/// The durable queue. Every method is one transaction.
public actor JobStore {
    private let executor = BlockingExecutor(label: "pushd.queue")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Attempts kept of each job; older ones are dropped when a new one begins.
    public static let attemptsKept = 50

    let path: String

    /// Opens or creates the database, and brings it to the newest schema. Blocks; meant for a daemon's start.
    public init(path: String) throws(QueueError) {
        self.path = path
    }
}
