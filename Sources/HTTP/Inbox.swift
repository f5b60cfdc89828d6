internal import CCurl
internal import Glibc
internal import Synchronization

/// The way from any task to the client's thread: commands, and a descriptor that wakes the thread up.
final class Inbox: Sendable {
    /// One call of ``HTTPClient/send(_:)`` and where its answer goes.
    struct Call: Sendable {
        let id: UInt64
        let request: HTTPRequest
        let sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?
        let isCancelled: CancellationMark
        let continuation: CheckedContinuation<HTTPResponse, any Error>
    }

    /// Set by cancellation, which may come before the call itself.
    final class CancellationMark: Sendable {
        private let mark = Atomic<Bool>(false)

        var isSet: Bool { mark.load(ordering: .acquiring) }
        func set() { mark.store(true, ordering: .releasing) }
    }

    enum Command: Sendable {
        case start(Call)
        case cancel(id: UInt64)
        /// A failed look-up was looked into.
        case explained(id: UInt64, HTTPError.Cause)
    }

    private struct State {
        var commands: [Command] = []
        var isClosing = false
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let lastID = Atomic<UInt64>(0)
    /// Readable while there is something to take.
    let wakeUp: Int32

    init() {
        wakeUp = pushd_eventfd()
        precondition(wakeUp >= 0, "no descriptor left for the HTTP client")
    }

    deinit { Glibc.close(wakeUp) }

    func nextID() -> UInt64 { lastID.wrappingAdd(1, ordering: .relaxed).newValue }

    /// - Returns: false if the inbox is closed and the command will not be carried out.
    func post(_ command: Command) -> Bool {
        let isOpen = state.withLock { state in
            if !state.isClosing { state.commands.append(command) }
            return !state.isClosing
        }
        if isOpen { wake() }
        return isOpen
    }

    /// What was posted since the last time, and whether that was the last.
    func take() -> (commands: [Command], isClosing: Bool) {
        var count: UInt64 = 0
        read(wakeUp, &count, MemoryLayout.size(ofValue: count))
        return state.withLock { state in
            defer { state.commands = [] }
            return (state.commands, state.isClosing)
        }
    }

    /// Nothing is taken from now on; `waiter` hears of the thread's end.
    func close(waiter: CheckedContinuation<Void, Never>? = nil) {
        let hasEnded = state.withLock { state in
            state.isClosing = true
            if let waiter, !state.hasEnded { state.waiters.append(waiter) }
            return state.hasEnded
        }
        if hasEnded { waiter?.resume() } else { wake() }
    }

    /// The thread's last act.
    func end() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func wake() {
        var one: UInt64 = 1
        write(wakeUp, &one, MemoryLayout.size(ofValue: one))  // fails only where it is readable anyway
    }
}
