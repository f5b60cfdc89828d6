/// Which requests may run: at most so many to one origin, the others in the order in which they came.
struct Admission<Waiting> {
    private let limit: Int
    private var running: [HTTPOrigin: Int] = [:]
    private var waiting: [HTTPOrigin: [(id: UInt64, value: Waiting)]] = [:]

    init(limit: Int) { self.limit = max(1, limit) }

    /// - Returns: whether it may run now; it waits otherwise.
    mutating func enter(_ origin: HTTPOrigin, id: UInt64, _ value: Waiting) -> Bool {
        if running[origin, default: 0] < limit {
            running[origin, default: 0] += 1
            return true
        }
        waiting[origin, default: []].append((id: id, value: value))
        return false
    }

    /// One that ran has ended.
    ///
    /// - Returns: the one that runs in its place.
    mutating func leave(_ origin: HTTPOrigin) -> Waiting? {
        if var queue = waiting[origin] {
            let next = queue.removeFirst()
            waiting[origin] = queue.isEmpty ? nil : queue
            return next.value
        }
        let count = running[origin, default: 1] - 1
        running[origin] = count > 0 ? count : nil
        return nil
    }

    /// Takes out one that waits; nil if it does not.
    mutating func withdraw(id: UInt64) -> Waiting? {
        for (origin, var queue) in waiting {
            guard let index = queue.firstIndex(where: { $0.id == id }) else { continue }
            let value = queue.remove(at: index).value
            waiting[origin] = queue.isEmpty ? nil : queue
            return value
        }
        return nil
    }

    /// Takes out all that wait.
    mutating func withdrawAll() -> [Waiting] {
        defer { waiting = [:] }
        return waiting.values.flatMap { $0.map(\.value) }
    }
}
