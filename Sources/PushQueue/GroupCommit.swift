internal import Synchronization

/// A change that waits for its turn to be written.
struct PendingWrite: Sendable {
    /// Makes the change, inside a transaction; returns the closure that resumes the caller after the commit.
    let perform: @Sendable (isolated JobStore) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
}

/// The writes that wait, oldest first.
final class WriteQueue: Sendable {
    private struct State {
        var writes: [PendingWrite] = []
        var isBeingServed = false
    }

    private let state = Mutex(State())

    /// - Returns: whether the caller has to start ``JobStore/serveWrites()``.
    func add(_ write: PendingWrite) -> Bool {
        state.withLock { state in
            state.writes.append(write)
            defer { state.isBeingServed = true }
            return !state.isBeingServed
        }
    }

    /// The next writes to share a commit; empty once nothing is left, and then the next to add must serve again.
    func take(atMost limit: Int) -> [PendingWrite] {
        state.withLock { state in
            let batch = Array(state.writes.prefix(limit))
            state.writes.removeFirst(batch.count)
            if batch.isEmpty { state.isBeingServed = false }
            return batch
        }
    }
}

extension JobStore {
    /// Writes that share one commit at most: few enough that a reader's turn comes soon.
    static let largestBatch = 256

    /// Makes one change, all or nothing, and returns when the disk has it.
    ///
    /// While one commit waits for the disk, the writes that arrive are collected; they go into the next transaction
    /// together, in the order of their arrival. One that fails takes back only its own part.
    ///
    /// - Parameters:
    ///   - attempt: what it is for, as the end of "cannot …".
    ///   - body: the change. It may run although the caller was cancelled.
    @discardableResult
    nonisolated func write<R: Sendable>(
        _ attempt: String, _ body: @escaping @Sendable (isolated JobStore) throws -> R
    ) async throws(QueueError) -> R {
        let result: Result<R, any Error> = await withCheckedContinuation { continuation in
            let write = PendingWrite(
                perform: { store in
                    let result = try body(store)
                    return { continuation.resume(returning: .success(result)) }
                },
                fail: { continuation.resume(returning: .failure($0)) })
            enqueue(write)
        }
        do {
            return try result.get()
        } catch {
            throw QueueError(error, attempt: attempt, path: path)
        }
    }

    nonisolated func enqueue(_ write: PendingWrite) {
        if pending.add(write) { Task { await serveWrites() } }
    }

    /// Commits one batch, then lets others have their turn on the actor before the next.
    private func serveWrites() {
        let batch = pending.take(atMost: Self.largestBatch)
        guard !batch.isEmpty else { return }
        commit(batch)
        Task { serveWrites() }
    }

    private func commit(_ batch: [PendingWrite]) {
        changed.removeAll()
        hasEvents = false
        var done: [(write: PendingWrite, tell: @Sendable () -> Void)] = []
        var rest = batch[...]
        do {
            try database.run("BEGIN IMMEDIATE")
            while let write = rest.first {
                rest.removeFirst()
                do {
                    done.append((write, try perform(write)))
                } catch {
                    write.fail(error)
                    guard database.isInTransaction else { throw error }
                }
            }
            try database.run("COMMIT")
        } catch {
            if database.isInTransaction { try? database.execute("ROLLBACK") }
            for write in done.map(\.write) + rest { write.fail(error) }
            return
        }
        feed.publish(changed)
        if hasEvents { bell.send(()) }
        for (_, tell) in done { tell() }
    }

    /// One write of a batch. If it fails, only its own changes are rolled back, unless SQLite ended the transaction.
    private func perform(_ write: PendingWrite) throws -> @Sendable () -> Void {
        let before = changed.count
        try database.run("SAVEPOINT one")
        do {
            let tell = try write.perform(self)
            try database.run("RELEASE one")
            return tell
        } catch {
            changed.removeSubrange(before...)
            if database.isInTransaction {
                try database.run("ROLLBACK TO one")
                try database.run("RELEASE one")
            }
            throw error
        }
    }
}
