internal import Glibc

/// The clocks of this machine. All count milliseconds.
///
/// Waits are measured by elapsed time, because the wall clock is set by people and by NTP, backwards too.
public struct Clocks: Sendable {
    /// Since 1970, UTC: what is stored and shown.
    public var wall: @Sendable () -> Int64
    /// Since the machine started, its sleep included.
    public var elapsed: @Sendable () -> Int64
    /// Likewise, without the time that it slept.
    public var awake: @Sendable () -> Int64

    public init(
        wall: @escaping @Sendable () -> Int64, elapsed: @escaping @Sendable () -> Int64,
        awake: @escaping @Sendable () -> Int64
    ) {
        self.wall = wall
        self.elapsed = elapsed
        self.awake = awake
    }

    public static let machine = Clocks(
        wall: { read(CLOCK_REALTIME) }, elapsed: { read(CLOCK_BOOTTIME) }, awake: { read(CLOCK_MONOTONIC) })

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    var now: Moment { Moment(wall: wall(), elapsed: elapsed(), awake: awake()) }
}

/// What the clocks show at one time.
struct Moment: Sendable, Equatable {
    var wall: Int64
    var elapsed: Int64
    var awake: Int64

    /// The time of the wall clock at that elapsed time, if the wall clock is not set meanwhile.
    func wall(atElapsed time: Int64) -> Int64 { wall + (time - elapsed) }
}
