internal import Synchronization

/// The faults that a registry has in store.
public final class FaultPlan: Sendable {
    private struct Entry {
        let id: Int
        let fault: Fault
        var seen = 0
        var fired = 0
    }

    private struct State {
        var entries: [Entry] = []
        var nextID = 1
        var random: RandomFaults?
        var generator = SplitMix64(state: 0)
        var randomFired = 0
    }

    private let state = Mutex(State())

    init() {}

    /// - Returns: a number to ask ``fired(_:)`` about.
    @discardableResult
    public func add(_ fault: Fault) -> Int {
        state.withLock { state in
            defer { state.nextID += 1 }
            state.entries.append(Entry(id: state.nextID, fault: fault))
            return state.nextID
        }
    }

    /// All faults gone, random ones too.
    public func removeAll() {
        state.withLock { state in
            state.entries = []
            state.random = nil
        }
    }

    public func remove(_ id: Int) { state.withLock { $0.entries.removeAll { $0.id == id } } }

    /// Faults by chance from now on; nil: no more.
    public func setRandom(_ faults: RandomFaults?) {
        state.withLock { state in
            state.random = faults
            state.generator = SplitMix64(state: faults?.seed ?? 0)
        }
    }

    /// How often the fault of this number struck.
    public func fired(_ id: Int) -> Int { state.withLock { $0.entries.first { $0.id == id }?.fired ?? 0 } }

    /// How often any fault struck, random ones included.
    public var fired: Int { state.withLock { $0.entries.reduce($0.randomFired) { $0 + $1.fired } } }

    /// The actions for a request that has arrived, in the order in which their faults were added.
    func actions(kind: RequestKind, method: String, repository: String?, bodyLength: Int64) -> [Fault.Action] {
        state.withLock { state in
            var actions: [Fault.Action] = []
            for index in state.entries.indices {
                let fault = state.entries[index].fault
                guard fault.matches(kind: kind, method: method, repository: repository, bodyLength: bodyLength) else {
                    continue
                }
                state.entries[index].seen += 1
                guard state.entries[index].seen >= fault.nth, state.entries[index].fired < fault.times else { continue }
                state.entries[index].fired += 1
                actions.append(fault.action)
            }
            if kind != .token, let random = state.random {
                let chosen = Self.choose(random, kind, bodyLength, &state.generator)
                state.randomFired += chosen == nil ? 0 : 1
                if let chosen { actions.append(chosen) }
            }
            return actions
        }
    }

    private static func choose(
        _ random: RandomFaults, _ kind: RequestKind, _ bodyLength: Int64, _ generator: inout SplitMix64
    ) -> Fault.Action? {
        // Always the same number of draws, so that one request's kind does not shift the fate of all later ones.
        let (cut, error, lost, expired) = (
            generator.unit(), generator.unit(), generator.unit(), generator.unit()
        )
        let place = generator.unit()
        if expired < random.expireSession, [.uploadBody, .uploadStatus].contains(kind) { return .expireSession }
        if error < random.serverError { return .respond(Answer(500, "by chance")) }
        if bodyLength > 0, cut < random.cut {
            return .cut(afterBodyBytes: Int64(Double(bodyLength) * place), place < 0.5 ? .reset : .fin)
        }
        if lost < random.loseAnswer { return .loseAnswer(place < 0.5 ? .reset : .fin) }
        return nil
    }
}

/// A small generator whose numbers are the same everywhere.
struct SplitMix64: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// From 0 up to, but not including, 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
