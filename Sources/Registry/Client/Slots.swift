/// How many of something are under way at once, in all and of each kind.
///
/// First come, first served, but a kind that is full does not hold up the others.
public actor Slots<Kind: Hashable & Sendable> {
    /// How many there may be.
    public struct Limits: Sendable, Equatable {
        public var total: Int
        /// Of each kind that is not in ``kinds``.
        public var each: Int
        public var kinds: [Kind: Int]

        public init(total: Int = .max, each: Int = .max, kinds: [Kind: Int] = [:]) {
            self.total = total
            self.each = each
            self.kinds = kinds
        }
    }

    private struct Waiter {
        let id: Int
        let kind: Kind
        let continuation: CheckedContinuation<Void, any Error>
    }

    private var limits: Limits
    private var inUse: [Kind: Int] = [:]
    private var total = 0
    private var waiters: [Waiter] = []
    private var lastID = 0

    public init(_ limits: Limits) { self.limits = limits }

    /// Takes new limits over; what is under way beyond them comes to its end.
    public func setLimits(_ limits: Limits) {
        self.limits = limits
        startWaiting()
    }

    /// Runs `body` as soon as there is room.
    ///
    /// - Throws: what `body` throws; `CancellationError` if the caller is cancelled while it waits.
    public nonisolated func withSlot<Value: Sendable>(
        for kind: Kind, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await acquire(kind)
        do {
            let value = try await body()
            await release(kind)
            return value
        } catch {
            await release(kind)
            throw error
        }
    }

    private func hasRoom(_ kind: Kind) -> Bool {
        total < limits.total && inUse[kind, default: 0] < limits.kinds[kind] ?? limits.each
    }

    private func acquire(_ kind: Kind) async throws {
        try Task.checkCancellation()
        if hasRoom(kind) {
            take(kind)
            return
        }
        lastID += 1
        let id = lastID
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiters.append(Waiter(id: id, kind: kind, continuation: continuation))
            }
        } onCancel: {
            Task { await leave(id) }  // its turn on the actor comes after the insertion
        }
    }

    private func take(_ kind: Kind) {
        total += 1
        inUse[kind, default: 0] += 1
    }

    private func release(_ kind: Kind) {
        total -= 1
        inUse[kind, default: 1] -= 1
        if inUse[kind] == 0 { inUse[kind] = nil }
        startWaiting()
    }

    private func startWaiting() {
        while let next = waiters.firstIndex(where: { hasRoom($0.kind) }) {
            let waiter = waiters.remove(at: next)
            take(waiter.kind)
            waiter.continuation.resume()
        }
    }

    private func leave(_ id: Int) {
        guard let place = waiters.firstIndex(where: { $0.id == id }) else { return }  // it got its slot
        waiters.remove(at: place).continuation.resume(throwing: CancellationError())
    }
}
