import OCI
import Synchronization

/// The names of users, from the system's database: it may ask servers, and so is asked on a thread that may block.
///
/// What it said is believed for a while. A database that does not answer holds up no call for long: the name is then
/// missing, and nothing depends on it.
final class UserNames: Sendable {
    private struct Answer {
        let name: String?
        let until: ContinuousClock.Instant
    }

    /// A name that is being looked up.
    private struct Search {
        let began = ContinuousClock.now
        var waiting: [Int: CheckedContinuation<String?, Never>] = [:]
    }

    private struct State {
        var answers: [UInt32: Answer] = [:]
        var searches: [UInt32: Search] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())
    private let desk = NameDesk()
    private let patience: Duration
    private let look: @Sendable (UInt32) -> String?

    /// More are not remembered at a time.
    private static let most = 1000
    private static let age: Duration = .seconds(300)

    /// - Parameter look: the system's database, which tests replace. It may block.
    init(patience: Duration = .seconds(1), look: @escaping @Sendable (UInt32) -> String? = UserDatabase.name) {
        self.patience = patience
        self.look = look
    }

    /// - Returns: nil where the system knows no user of that number, or does not answer in time.
    func name(of uid: UInt32) async -> String? {
        if let known = state.withLock({ $0.answers[uid] }), known.until > .now { return known.name }
        return await withCheckedContinuation { continuation in
            let (waiter, isFirst) = state.withLock { state -> (Int?, Bool) in
                let isFirst = state.searches[uid] == nil
                var search = state.searches[uid] ?? Search()
                // A database that has not answered for so long holds up each caller once, not at each call.
                guard isFirst || search.began + patience > .now else { return (nil, false) }
                state.lastWaiter += 1
                search.waiting[state.lastWaiter] = continuation
                state.searches[uid] = search
                return (state.lastWaiter, isFirst)
            }
            guard let waiter else { return continuation.resume(returning: nil) }
            if isFirst { Task { tell(await desk.name(of: uid, look), of: uid) } }
            Task {
                try? await Task.sleep(for: patience)
                giveUp(waiter, uid)
            }
        }
    }

    private func tell(_ name: String?, of uid: UInt32) {
        let waiting = state.withLock { state in
            if state.answers.count >= Self.most { state.answers = [:] }
            state.answers[uid] = Answer(name: name, until: .now + Self.age)
            return state.searches.removeValue(forKey: uid)?.waiting ?? [:]
        }
        for continuation in waiting.values { continuation.resume(returning: name) }
    }

    private func giveUp(_ waiter: Int, _ uid: UInt32) {
        let late = state.withLock { $0.searches[uid]?.waiting.removeValue(forKey: waiter) }
        late?.resume(returning: nil)
    }

    /// The number of a user.
    ///
    /// - Parameter text: a name, or the number itself.
    /// - Returns: nil where there is none of that name.
    func id(of text: String) async -> UInt32? { await desk.id(of: text) }
}

private actor NameDesk {
    private let executor = BlockingExecutor(label: "pushd.names")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func name(of uid: UInt32, _ look: @Sendable (UInt32) -> String?) -> String? { look(uid) }

    func id(of text: String) -> UInt32? { UserDatabase.id(of: text) }
}
