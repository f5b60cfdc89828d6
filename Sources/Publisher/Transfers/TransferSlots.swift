/// How many bodies are under way at once, over all registries and at each.
///
/// First come, first served, but a registry that is full does not hold up the others.
actor TransferSlots {
    private struct Waiter {
        let id: Int
        let registry: String
        let continuation: CheckedContinuation<Void, any Error>
    }

    private var limit: Int
    private var limitPerRegistry: Int
    private var inUse: [String: Int] = [:]
    private var total = 0
    private var waiters: [Waiter] = []
    private var lastID = 0

    init(limit: Int, perRegistry: Int) {
        self.limit = limit
        limitPerRegistry = perRegistry
    }

    /// Takes new limits over; bodies under way beyond them come to their end.
    func setLimits(_ limit: Int, perRegistry: Int) {
        self.limit = limit
        limitPerRegistry = perRegistry
        startWaiting()
    }

    /// Runs `body` as soon as there is room.
    ///
    /// - Throws: what `body` throws; `CancellationError` if the caller is cancelled while it waits.
    nonisolated func withSlot<Value: Sendable>(
        at registry: String, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await acquire(registry)
        do {
            let value = try await body()
            await release(registry)
            return value
        } catch {
            await release(registry)
            throw error
        }
    }

    private func hasRoom(_ registry: String) -> Bool {
        total < limit && inUse[registry, default: 0] < limitPerRegistry
    }

    private func acquire(_ registry: String) async throws {
        try Task.checkCancellation()
        if hasRoom(registry) {
            take(registry)
            return
        }
        lastID += 1
        let id = lastID
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiters.append(Waiter(id: id, registry: registry, continuation: continuation))
            }
        } onCancel: {
            Task { await leave(id) }  // its turn on the actor comes after the insertion
        }
    }

    private func take(_ registry: String) {
        total += 1
        inUse[registry, default: 0] += 1
    }

    private func release(_ registry: String) {
        total -= 1
        inUse[registry, default: 1] -= 1
        if inUse[registry] == 0 { inUse[registry] = nil }
        startWaiting()
    }

    private func startWaiting() {
        while let next = waiters.firstIndex(where: { hasRoom($0.registry) }) {
            let waiter = waiters.remove(at: next)
            take(waiter.registry)
            waiter.continuation.resume()
        }
    }

    private func leave(_ id: Int) {
        guard let place = waiters.firstIndex(where: { $0.id == id }) else { return }  // it got its slot
        waiters.remove(at: place).continuation.resume(throwing: CancellationError())
    }
}
