/// Notices that the wall clock was set: by a person, or by the network where it was wrong at the start.
///
/// Pure: a machine that sleeps sets nothing, as both clocks of a ``Moment`` go on meanwhile.
struct WallClock: Sendable {
    private var offset: Int64

    init(_ now: Moment) { offset = now.wall - now.elapsed }

    /// - Returns: by how many milliseconds it was set since the last look, negative for backwards; nil: not at all.
    mutating func look(_ now: Moment) -> Int64? {
        let step = now.wall - now.elapsed - offset
        guard abs(step) >= Self.smallest else { return nil }
        offset += step
        return step
    }

    /// The same moment by a wall clock that keeps its distance until it is set: two clocks that are read in turn differ
    /// by a millisecond now and then, and what is shown of a pause must not.
    func steady(_ now: Moment) -> Moment {
        guard abs(now.wall - now.elapsed - offset) < Self.smallest else { return now }
        return Moment(wall: now.elapsed + offset, elapsed: now.elapsed, awake: now.awake)
    }

    /// What a clock is slowed down and sped up by adds up to less, between two looks.
    private static let smallest: Int64 = 1000
}
