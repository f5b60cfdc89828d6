internal import Glibc

/// How fast a growing count of bytes grows, smoothed so that a person can read it.
///
/// An exponential moving average over irregular samples, corrected for its empty beginning. What comes first fills the
/// buffers of the system, which take megabytes at once: it tells nothing of the way. Times are milliseconds since 1970,
/// given by the caller.
struct SpeedMeter: Sendable, Equatable {
    /// Seconds after which a change of speed shows to 63 %.
    private let inertia: Double
    private var lastTime: Int64?
    private var lastBytes: Int64 = 0
    /// Whether the count has grown since it began.
    private var isMoving = false
    private var average = 0.0
    /// How much of `average` is measured, 0...1.
    private var weight = 0.0

    /// Seconds that are measured at once: bytes go out in pieces, and single pieces look like bursts.
    private static let sample = 0.5

    init(inertia: Double) { self.inertia = inertia }

    /// Takes in that `bytes` are through in all. A count that fell (a transfer began anew) only moves the base.
    mutating func note(bytes: Int64, at now: Int64) {
        guard let last = lastTime, bytes >= lastBytes, now >= last, isMoving else {
            isMoving = lastTime != nil && bytes > lastBytes
            (lastTime, lastBytes) = (now, bytes)
            return
        }
        let seconds = Double(now - last) / 1000
        guard seconds >= Self.sample else { return }  // too short to measure: counted with the next sample
        let fade = exp(-seconds / inertia)
        average = average * fade + Double(bytes - lastBytes) / seconds * (1 - fade)
        weight = weight * fade + (1 - fade)
        (lastTime, lastBytes) = (now, bytes)
    }

    /// Bytes in a second; nil until something was measured. It fades when samples stay away for more than a second.
    func speed(at now: Int64) -> Double? {
        guard let lastTime, weight > 0 else { return nil }
        let silence = max(Double(now - lastTime) / 1000 - 1, 0)
        return average / weight * exp(-silence / inertia)
    }
}
