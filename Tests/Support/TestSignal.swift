internal import Synchronization

/// What a test waits on instead of sleeping: woken whenever something was recorded.
public final class TestSignal: Sendable {
    private struct State {
        var generation = 0
        var lastWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// Wakes all who wait, so that they look again.
    public func raise() {
        let waiters = state.withLock { state in
            state.generation += 1
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns as soon as `predicate` holds; it is asked now and after each ``raise()``.
    ///
    /// - Parameter timeout: a guard against a test that hangs, not a pace: nothing waits for it in a good run.
    /// - Throws: ``TestSupportError`` naming `what` after `timeout`; `CancellationError`.
    public func wait(
        for what: String = "the condition", timeout: Duration = .seconds(20),
        until predicate: @escaping @Sendable () -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    let seen = self.state.withLock { $0.generation }
                    if predicate() { return }
                    await self.change(since: seen)
                    try Task.checkCancellation()
                }
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw TestSupportError("waited \(timeout) for \(what), in vain")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Returns at the next raise after generation `seen`, or when the task is cancelled.
    private func change(since seen: Int) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.generation != seen || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
