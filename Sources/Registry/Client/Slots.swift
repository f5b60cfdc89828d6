/// How many of something are under way at once, in all and of each kind.
///
/// First come, first served within a kind. A kind that is full does not delay the others, and of several kinds that wait
/// the one with the fewest slots goes first: no kind takes all slots.
public actor Slots<Kind: Hashable & Sendable> {
    /// How many there may be.
    public struct Limits: Sendable, Equatable {
        public var total: Int
        /// Of each kind that is not in ``kinds``.
        public var each: Int
        public var kinds: [Kind: Int]
        /// The last ones, which are for kinds that have none or one.
        public var reserve: Int
        /// Kinds that another limit slows down, such as a bandwidth limit: they do not count in ``total``.
        public var apart: Set<Kind>

        public init(
            total: Int = .max, each: Int = .max, kinds: [Kind: Int] = [:], reserve: Int = 0, apart: Set<Kind> = []
        ) {
            self.total = total
            self.each = each
            self.kinds = kinds
            self.reserve = reserve
            self.apart = apart
        }
    }

    private struct Waiter {
        let id: Int
        let kind: Kind
        let continuation: CheckedContinuation<Void, any Error>
    }

    private var limits: Limits
    private var inUse: [Kind: Int] = [:]
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
    /// - Parameter willWait: called where there is none yet.
    /// - Throws: what `body` throws; `CancellationError` if the caller is cancelled while it waits.
    public nonisolated func withSlot<Value: Sendable>(
        for kind: Kind, willWait: @Sendable () -> Void = {}, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await acquire(kind, willWait)
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
        let used = inUse[kind, default: 0]
        guard used < limits.kinds[kind] ?? limits.each else { return false }
        if limits.apart.contains(kind) { return true }
        let free = limits.total - inUse.reduce(0) { $0 + (limits.apart.contains($1.key) ? 0 : $1.value) }
        switch used {
        case 0: return free > 0
        case 1: return free > limits.reserve / 2
        default: return free > limits.reserve
        }
    }

    private func acquire(_ kind: Kind, _ willWait: @Sendable () -> Void) async throws {
        try Task.checkCancellation()
        if hasRoom(kind) {
            take(kind)
            return
        }
        willWait()
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

    private func take(_ kind: Kind) { inUse[kind, default: 0] += 1 }

    private func release(_ kind: Kind) {
        inUse[kind, default: 1] -= 1
        if inUse[kind] == 0 { inUse[kind] = nil }
        startWaiting()
    }

    private func startWaiting() {
        while let next = nextWaiter {
            let waiter = waiters.remove(at: next)
            take(waiter.kind)
            waiter.continuation.resume()
        }
    }

    /// The first that waits, of the kind that has the fewest.
    private var nextWaiter: Int? {
        var first: [Kind: Int] = [:]
        for (place, waiter) in waiters.enumerated() where first[waiter.kind] == nil { first[waiter.kind] = place }
        return first.filter { hasRoom($0.key) }
            .min { (inUse[$0.key, default: 0], $0.value) < (inUse[$1.key, default: 0], $1.value) }?.value
    }

    private func leave(_ id: Int) {
        guard let place = waiters.firstIndex(where: { $0.id == id }) else { return }  // it got its slot
        waiters.remove(at: place).continuation.resume(throwing: CancellationError())
    }
}
