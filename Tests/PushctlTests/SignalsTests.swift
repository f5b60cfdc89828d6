import Glibc
import Synchronization
import TestSupport
import Testing

@testable import pushctl

@Suite("Signals")
struct SignalsTests {
    @Test("are turned into calls again after they were not: Ctrl-C works when a password was asked for before")
    func again() async throws {
        for _ in 0..<20 {
            let called = TestSignal()
            let count = Counter()
            let signals = Signals([SIGUSR2]) { _ in
                count.add()
                called.raise()
            }
            kill(getpid(), SIGUSR2)
            try await called.wait(for: "the signal's call", timeout: .seconds(5)) { count.value > 0 }
            signals.stop()
        }
    }

    private final class Counter: Sendable {
        private let number = Mutex(0)

        func add() { number.withLock { $0 += 1 } }
        var value: Int { number.withLock { $0 } }
    }
}
