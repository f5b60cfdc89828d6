/// When manifests are put at one registry, and how many a second it has shown to take.
///
/// Pure; a clock that is set leaves it alone.
struct ManifestPace: Sendable {
    /// Of those put, or about to be, within the last second.
    private var recent: [ContinuousClock.Instant] = []

    /// - Parameter perSecond: how many the registry takes; nil: nothing is known.
    /// - Returns: when the next one may be put.
    mutating func turn(now: ContinuousClock.Instant, perSecond: Int?) -> ContinuousClock.Instant {
        recent.removeAll { $0 <= now - .seconds(1) }
        var turn = now
        if let perSecond = perSecond.map({ max($0, 1) }), recent.count >= perSecond {
            turn = max(now, recent[recent.count - perSecond] + .seconds(1))
        }
        recent.append(turn)
        return turn
    }

    /// One was refused for being too many.
    ///
    /// - Returns: how many a second seem to be taken: one fewer than were put, and at least one.
    mutating func rateRefused(now: ContinuousClock.Instant) -> Int {
        recent.removeAll { $0 <= now - .seconds(1) }
        return max(recent.count - 1, 1)
    }
}
