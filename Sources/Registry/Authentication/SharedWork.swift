/// Lets several callers wait for one piece of work, which is the child of none of them.
actor SharedWork<Key: Hashable & Sendable, Value: Sendable> {
    private struct Piece {
        let number: Int
        let task: Task<Void, Never>
        var waiters: [Int: CheckedContinuation<Value, any Error>] = [:]
    }

    private var pieces: [Key: Piece] = [:]
    private var lastNumber = 0

    /// Returns what `work` returns, or what the work that is already under way for `key` returns.
    ///
    /// A cancelled caller leaves at once; the work goes on for those who remain and is cancelled with the last of them.
    ///
    /// - Throws: what the work threw; `CancellationError` to a caller that was itself cancelled.
    func value(for key: Key, work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        lastNumber += 1
        let waiter = lastNumber
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if pieces[key] == nil { pieces[key] = start(key, work) }
                pieces[key]?.waiters[waiter] = continuation
            }
        } onCancel: {
            Task { await leave(key, waiter) }  // its turn on the actor comes after the insertion
        }
    }

    /// How many callers wait, over all keys.
    var waiterCount: Int { pieces.values.reduce(0) { $0 + $1.waiters.count } }

    private func start(_ key: Key, _ work: @escaping @Sendable () async throws -> Value) -> Piece {
        lastNumber += 1
        let number = lastNumber
        return Piece(
            number: number,
            task: Task {
                do {
                    let value = try await work()
                    finish(key, number, .success(value))
                } catch {
                    finish(key, number, .failure(error))
                }
            })
    }

    private func finish(_ key: Key, _ number: Int, _ result: Result<Value, any Error>) {
        guard let piece = pieces[key], piece.number == number else { return }  // all had left it
        pieces[key] = nil
        for waiter in piece.waiters.values { waiter.resume(with: result) }
    }

    private func leave(_ key: Key, _ waiter: Int) {
        guard let left = pieces[key]?.waiters.removeValue(forKey: waiter) else { return }  // had its answer
        left.resume(throwing: CancellationError())
        guard let piece = pieces[key], piece.waiters.isEmpty else { return }
        piece.task.cancel()
        pieces[key] = nil  // a later caller starts anew: a token asked for twice does no harm
    }
}
