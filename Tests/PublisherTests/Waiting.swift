import Synchronization
import TestSupport

/// Closed until it is opened once; everybody who waits goes through then.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// Counts, and wakes who waits for a number.
final class Counter: Sendable {
    private struct State {
        var value = 0
        var waiters: [(Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var value: Int { state.withLock { $0.value } }

    func add() {
        let due = state.withLock { state in
            state.value += 1
            let due = state.waiters.filter { $0.0 <= state.value }.map(\.1)
            state.waiters.removeAll { $0.0 <= state.value }
            return due
        }
        for waiter in due { waiter.resume() }
    }

    func reaches(_ wanted: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.value < wanted { state.waiters.append((wanted, continuation)) }
                return state.value >= wanted
            }
            if isReached { continuation.resume() }
        }
    }
}

/// Looks again and again, ten seconds at most: for what tells nobody that it has changed.
func waitUntil(_ what: String, _ check: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while try await !check() {
        guard ContinuousClock.now < end else { throw TestSupportError("it never came true that \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
