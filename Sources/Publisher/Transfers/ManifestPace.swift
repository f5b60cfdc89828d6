/// When manifests are put at one registry, and how many a second it has shown to take.
///
/// Pure: times are milliseconds since 1970.
struct ManifestPace: Sendable {
    /// Of those put, or about to be, within the last second.
    private var recent: [Int64] = []

    /// - Parameter perSecond: how many the registry takes; nil: nothing is known.
    /// - Returns: when the next one may be put.
    mutating func turn(now: Int64, perSecond: Int?) -> Int64 {
        recent.removeAll { $0 <= now - 1000 }
        var turn = now
        if let perSecond = perSecond.map({ max($0, 1) }), recent.count >= perSecond {
            turn = max(now, recent[recent.count - perSecond] + 1000)
        }
        recent.append(turn)
        return turn
    }

    /// One was refused for being too many.
    ///
    /// - Returns: how many a second seem to be taken: one fewer than were put, and at least one.
    mutating func rateRefused(now: Int64) -> Int {
        recent.removeAll { $0 <= now - 1000 }
        return max(recent.count - 1, 1)
    }
}
