internal import Synchronization

/// Sends each value to all listeners. A slow listener loses the oldest values and delays no other.
package final class Broadcast<Value: Sendable>: Sendable {
    private struct State {
        var listeners: [Int: AsyncStream<Value>.Continuation] = [:]
        var lastID = 0
        var isFinished = false
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: values kept for a listener that does not keep up.
    package init(capacity: Int) { self.capacity = capacity }

    package func send(_ value: Value) {
        let listeners = state.withLock { $0.listeners.values.map { $0 } }
        for listener in listeners { listener.yield(value) }
    }

    /// Values from now on; ends when the listener is dropped, or with ``finish()``.
    package func listen() -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Value.self, bufferingPolicy: .bufferingNewest(capacity))
        let id = state.withLock { state -> Int? in
            if state.isFinished { return nil }
            state.lastID += 1
            state.listeners[state.lastID] = continuation
            return state.lastID
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.listeners[id] = nil }
        }
        return stream
    }

    /// Ends the stream of every listener, present and future.
    package func finish() {
        let listeners = state.withLock { state in
            state.isFinished = true
            return state.listeners.values.map { $0 }
        }
        for listener in listeners { listener.finish() }
    }
}
