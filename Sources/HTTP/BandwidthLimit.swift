internal import Synchronization

/// How many bytes of bodies may go out each second, for all requests that carry this limit together.
///
/// It may change while requests are under way. Unused bandwidth is not saved up: no burst follows a pause.
public final class BandwidthLimit: Sendable {
    private let pace: Mutex<SendingPace>

    /// - Parameter bytesPerSecond: nil: no limit.
    public init(bytesPerSecond: Int64? = nil) { pace = Mutex(SendingPace(bytesPerSecond: bytesPerSecond)) }

    /// Nil: no limit.
    public var bytesPerSecond: Int64? {
        get { pace.withLock { $0.bytesPerSecond } }
        set { pace.withLock { $0.change(to: newValue) } }
    }

    func pieceSize(atMost count: Int) -> Int { pace.withLock { $0.pieceSize(atMost: count) } }

    func reserve(_ count: Int, now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        pace.withLock { $0.reserve(count, now: now) }
    }
}

/// Deals out moments at which pieces of bodies may be sent, in the order in which they are asked for: a
/// request with a large body gets no more than the others.
///
/// Pure: the time comes from outside.
struct SendingPace: Sendable {
    private(set) var bytesPerSecond: Int64?
    /// When the next piece may go.
    private var next: ContinuousClock.Instant?

    /// A delay of up to this time is made up for: a thread never wakes up at the exact moment.
    private static let tolerance: Duration = .milliseconds(50)

    init(bytesPerSecond: Int64?) { self.bytesPerSecond = bytesPerSecond.map { max($0, 1) } }

    mutating func change(to bytesPerSecond: Int64?) {
        let new = bytesPerSecond.map { max($0, 1) }
        guard new != self.bytesPerSecond else { return }
        self.bytesPerSecond = new
        next = nil
    }

    /// Pieces are small where the limit is, so that bytes flow and a new limit is soon felt.
    func pieceSize(atMost count: Int) -> Int {
        guard let bytesPerSecond else { return count }
        return min(count, Int(clamping: max(bytesPerSecond / 10, 512)))
    }

    /// - Returns: when a piece of `count` bytes may be sent.
    mutating func reserve(_ count: Int, now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let bytesPerSecond else { return now }
        let start = max(next ?? now, now - Self.tolerance)
        next = start + .seconds(Double(count) / Double(bytesPerSecond))
        return start
    }
}
