internal import Dispatch
internal import Glibc
internal import Synchronization

/// Turns Unix signals into calls of a function, until it is stopped.
struct Signals {
    private let numbers: [Int32]
    private let id: Int

    /// - Parameter handler: called on a queue of Dispatch, not in the signal's own context.
    init(_ numbers: [Int32], handler: @escaping @Sendable (Int32) -> Void) {
        self.numbers = numbers
        id = SignalListeners.shared.add(numbers, handler)
    }

    /// From now on the signals do what they do by default.
    func stop() { SignalListeners.shared.remove(id, from: numbers) }
}

/// Which listeners get which signal.
///
/// A signal is taken over at its first listener and never given back: Dispatch does not hear one again that it has let
/// go of. With no listener left, the signal's default action is done from here.
private final class SignalListeners: Sendable {
    static let shared = SignalListeners()

    private struct State {
        var listeners: [Int32: [(id: Int, handler: @Sendable (Int32) -> Void)]] = [:]
        var taken: Set<Int32> = []
        var lastID = 0
    }

    /// Those whose default action ends or stops a program.
    private static let drastic: Set<Int32> = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP]

    private let state = Mutex(State())

    func add(_ numbers: [Int32], _ handler: @escaping @Sendable (Int32) -> Void) -> Int {
        let (id, missing) = state.withLock { state in
            state.lastID += 1
            for number in numbers { state.listeners[number, default: []].append((state.lastID, handler)) }
            return (state.lastID, numbers.filter { state.taken.insert($0).inserted })
        }
        for number in missing { takeOver(number) }
        return id
    }

    func remove(_ id: Int, from numbers: [Int32]) {
        state.withLock { state in
            for number in numbers { state.listeners[number]?.removeAll { $0.id == id } }
        }
    }

    private func takeOver(_ number: Int32) {
        if Self.drastic.contains(number) { signal(number, SIG_IGN) }  // else its default action came first
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        let ready = DispatchSemaphore(value: 0)
        source.setRegistrationHandler { ready.signal() }
        source.setEventHandler { [self] in came(number) }
        source.activate()
        ready.wait()  // a signal before that would be lost
        _ = Unmanaged.passRetained(source as AnyObject)  // for the life of the program
    }

    private func came(_ number: Int32) {
        let handlers = state.withLock { $0.listeners[number]?.map(\.handler) ?? [] }
        for handler in handlers { handler(number) }
        guard handlers.isEmpty, Self.drastic.contains(number) else { return }
        if number == SIGTSTP {
            raise(SIGSTOP)
            return
        }
        signal(number, SIG_DFL)
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, number)
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
        raise(number)
    }
}
