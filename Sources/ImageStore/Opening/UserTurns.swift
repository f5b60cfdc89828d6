internal import Dispatch
internal import Synchronization
internal import System

/// Bounds how many calls of one user are under way at once; more wait for their turn.
final class UserTurns: Sendable {
    private struct Queue {
        var busy = 0
        /// The longest wait first.
        var waiting: [DispatchSemaphore] = []
    }

    private let limit: Int
    private let patience: DispatchTimeInterval
    private let queues = Mutex<[UserIdentity: Queue]>([:])

    init(limit: Int, patience: DispatchTimeInterval) {
        self.limit = limit
        self.patience = patience
    }

    /// Blocks until it is the caller's turn, which has to be given back.
    ///
    /// - Returns: false where the patience ended first.
    func take(for user: UserIdentity) -> Bool {
        let turn: DispatchSemaphore? = queues.withLock { queues in
            if queues[user, default: Queue()].busy < limit {
                queues[user, default: Queue()].busy += 1
                return nil
            }
            let turn = DispatchSemaphore(value: 0)
            queues[user, default: Queue()].waiting.append(turn)
            return turn
        }
        guard let turn, turn.wait(timeout: .now() + patience) == .timedOut else { return true }
        return queues.withLock { queues in
            guard let place = queues[user]?.waiting.firstIndex(where: { $0 === turn }) else { return true }  // just now
            queues[user]?.waiting.remove(at: place)
            return false
        }
    }

    func giveBack(for user: UserIdentity) {
        queues.withLock { queues in
            guard var queue = queues.removeValue(forKey: user) else { return }
            if queue.waiting.isEmpty { queue.busy -= 1 } else { queue.waiting.removeFirst().signal() }
            if queue.busy > 0 { queues[user] = queue }
        }
    }
}
