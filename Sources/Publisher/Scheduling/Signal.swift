import Synchronization

/// Wakes one waiting loop. A signal raised while the loop is busy is kept for its next wait; several count as one.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func raise() {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.isRaised = true
                return nil as CheckedContinuation<Void, Never>?
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when the signal was raised or the time is over, now and then earlier.
    ///
    /// - Throws: `CancellationError`.
    func wait(for duration: Duration) async throws {
        let timer = Task { if (try? await Task.sleep(for: duration)) != nil { raise() } }
        defer { timer.cancel() }
        await next()
        try Task.checkCancellation()
    }

    /// Returns when the signal was raised or the caller is cancelled.
    func next() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.isRaised {
                        state.isRaised = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}

/// Something that happens once and can be asked about from anywhere.
final class Flag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .acquiring) }

    func raise() { raised.store(true, ordering: .releasing) }
}
