import OCI
import Synchronization

/// Reads the configuration on a thread that may block, and gives up on one that takes too long.
actor ConfigurationDesk {
    static let shared = ConfigurationDesk()

    private let executor = BlockingExecutor(label: "pushd.configuration")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Throws: what `body` throws, or ``ConfigurationError`` where it has not ended in time.
    nonisolated func read<Value: Sendable>(
        within limit: Duration, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let first = FirstAnswer<Value>()
        return try await withCheckedThrowingContinuation { continuation in
            first.wait(continuation)
            let limiter = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                first.tell(
                    .failure(
                        ConfigurationError(
                            path: "control", reason: "the system's users and groups could not be looked up in \(limit)",
                            advice: "see why the user database does not answer: getent passwd")))
            }
            Task {
                first.tell(await run(body))
                limiter.cancel()
            }
        }
    }

    private func run<Value: Sendable>(_ body: @Sendable () throws -> Value) -> Result<Value, any Error> {
        Result { try body() }
    }
}

/// Resumes one that waits with the first of several answers.
private final class FirstAnswer<Value: Sendable>: Sendable {
    private let waiting = Mutex<CheckedContinuation<Value, any Error>?>(nil)

    func wait(_ continuation: CheckedContinuation<Value, any Error>) { waiting.withLock { $0 = continuation } }

    func tell(_ result: Result<Value, any Error>) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(with: result)
    }
}
