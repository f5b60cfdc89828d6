/// Notices that the wall clock was set, by a person or by NTP.
///
/// Pure. Suspend is no step: both `wall` and `elapsed` of a ``Moment`` count it.
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

    /// The same moment with a wall clock derived from `elapsed`: two clocks that are read one after the other differ by
    /// a millisecond now and then, and a pause's end that is shown twice must be the same.
    func steady(_ now: Moment) -> Moment {
        guard abs(now.wall - now.elapsed - offset) < Self.smallest else { return now }
        return Moment(wall: now.elapsed + offset, elapsed: now.elapsed, awake: now.awake)
    }

    /// Milliseconds. Smaller steps count once their sum has reached this. Slewing changes both clocks alike.
    private static let smallest: Int64 = 1000
}
