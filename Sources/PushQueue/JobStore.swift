internal import OCI

/// The durable queue, and what is known of the registries. Every method is one transaction, durable when it returns.
///
/// Writes that wait at the same time share one commit, and so one wait for the disk: see ``write(_:_:)``. A caller's
/// cancellation does not undo a write. Time is always the caller's: `now` is milliseconds since 1970, UTC.
public actor JobStore {
    private let executor = BlockingExecutor(label: "pushd.queue")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Attempts kept of each job; older ones are dropped when a new one begins.
    public static let attemptsKept = 50

    let database: Database
    let path: String
    let pending = WriteQueue()
    let feed = ChangeFeed()
    /// The changes of the current transaction; published to the feed after its commit.
    var changed: [JobChange] = []
    /// Signals that events were stored: signals that a reader has not taken yet are delivered as one.
    let bell = Broadcast<Void>(capacity: 1)
    /// Whether the current transaction stores events; readers are signalled after its commit.
    var hasEvents = false
    /// The turn that was given to a registry last; see ``claim(excludingRegistries:now:)``.
    var lastTurn: Int64

    /// Opens or creates the database, and brings it to the newest schema. Blocks: meant for a daemon's start.
    ///
    /// A file that a newer pushd or another program wrote is refused and left untouched. Jobs that were running when
    /// the last daemon ended are still `running`: call ``recover(now:)`` before the first claim.
    ///
    /// - Parameter path: the file, in a directory that exists; made with mode 0600.
    public init(path: String) throws(QueueError) {
        do {
            try DatabaseFile.prepare(path)
            database = try Self.open(path)
            lastTurn = try Self.latestTurn(database)
        } catch {
            throw QueueError(attempt: "open the queue", path: path, cause: error)
        }
        self.path = path
    }

    deinit {
        feed.finish()
        bell.finish()
    }

    private static func open(_ path: String) throws(QueueError.Cause) -> Database {
        let database: Database
        do { database = try Database.open(path) } catch { throw error.cause }
        try database.migrate()
        return database
    }

    private static func latestTurn(_ database: borrowing Database) throws(QueueError.Cause) -> Int64 {
        do {
            return try database.row("SELECT ifnull(max(claimed), 0) FROM registry") { $0.int64(0) } ?? 0
        } catch {
            throw error.cause
        }
    }

    /// Changes of jobs' states, each after its commit, so that readers need not poll.
    ///
    /// A slow reader delays no other: what it has not read yet is kept as one entry a job, for at most `limit` jobs.
    /// The stream ends with the store, with the reader's task, or when the reader lets it go.
    public nonisolated func changes(keeping limit: Int = 65_536) -> AsyncStream<JobChanges> {
        feed.subscribe(keeping: limit)
    }

    /// Runs a query that changes nothing.
    ///
    /// - Parameter attempt: what it is for, as the end of "cannot …".
    nonisolated func read<R: Sendable>(
        _ attempt: String, _ body: @Sendable (isolated JobStore) throws -> R
    ) async throws(QueueError) -> R {
        do {
            return try await body(self)
        } catch {
            throw QueueError(error, attempt: attempt, path: path)
        }
    }
}

extension QueueError {
    /// The public form of the error that ended a transaction.
    init(_ error: any Error, attempt: String, path: String) {
        let cause: Cause =
            switch error {
            case let error as SQLiteError: error.cause
            case let cause as Cause: cause
            default: .sqlite(code: 0, message: "\(error)")
            }
        self.init(attempt: attempt, path: path, cause: cause)
    }
}
