internal import Synchronization

/// Hands changes to any number of readers, none of which can hold up the store or another reader.
final class ChangeFeed: Sendable {
    private struct Entry {
        weak var subscription: Subscription?
    }

    private let entries = Mutex<[Entry]>([])

    func publish(_ changes: [JobChange]) {
        guard !changes.isEmpty else { return }
        for subscription in current() { subscription.add(changes) }
    }

    func finish() {
        for subscription in current() { subscription.finish() }
    }

    func subscribe(keeping limit: Int) -> AsyncStream<JobChanges> {
        let subscription = Subscription(limit: limit)
        entries.withLock { $0.append(Entry(subscription: subscription)) }
        return AsyncStream {
            await subscription.next()
        } onCancel: {
            subscription.finish()
        }
    }

    private func current() -> [Subscription] {
        entries.withLock { entries in
            entries.removeAll { $0.subscription == nil }
            return entries.compactMap(\.subscription)
        }
    }
}

/// What one reader has not read yet. Owned by its stream, so it ends when the reader lets that go.
private final class Subscription: Sendable {
    private struct State {
        var order: [JobID] = []
        var changes: [JobID: JobChange] = [:]
        var missedSome = false
        var isFinished = false
        var waiter: CheckedContinuation<JobChanges?, Never>?

        /// All that is there, or nil if that is nothing.
        mutating func take() -> JobChanges? {
            guard missedSome || !order.isEmpty else { return nil }
            let batch = JobChanges(list: order.compactMap { changes[$0] }, missedSome: missedSome)
            (order, changes, missedSome) = ([], [:], false)
            return batch
        }
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func add(_ changes: [JobChange]) {
        let (waiter, batch) = state.withLock { state -> (CheckedContinuation<JobChanges?, Never>?, JobChanges?) in
            for change in changes {
                if let earlier = state.changes[change.job] {
                    state.changes[change.job] = JobChange(job: change.job, state: change.state, old: earlier.old)
                } else if state.order.count < limit {
                    state.order.append(change.job)
                    state.changes[change.job] = change
                } else {
                    state.missedSome = true
                }
            }
            guard let waiter = state.waiter else { return (nil, nil) }
            state.waiter = nil
            return (waiter, state.take())
        }
        waiter?.resume(returning: batch)
    }

    /// What is there, or what comes next; nil once finished.
    func next() async -> JobChanges? {
        await withCheckedContinuation { continuation in
            let answer: JobChanges?? = state.withLock { state in
                if let batch = state.take() { return .some(batch) }
                if state.isFinished { return .some(nil) }
                state.waiter = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    func finish() {
        let waiter = state.withLock { state in
            state.isFinished = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }
}
