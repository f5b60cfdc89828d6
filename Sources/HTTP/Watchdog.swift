/// Decides when a request has waited too long, and for what. Pure: times and counts come from outside.
struct Watchdog {
    typealias Instant = ContinuousClock.Instant

    enum Phase {
        case connecting
        /// The body is on its way, or waits in this system's buffers to be confirmed by the peer's.
        case sending
        case awaitingAnswer
        case receiving
    }

    private(set) var phase = Phase.connecting
    private let limits: HTTPLimits
    /// When the phase began, or bytes were last seen to move in those phases where bytes move.
    private var since: Instant
    private var traffic: Int64 = 0

    init(limits: HTTPLimits, now: Instant) {
        self.limits = limits
        since = now
    }

    mutating func enter(_ phase: Phase, now: Instant) {
        guard phase != self.phase else { return }
        self.phase = phase
        since = now
    }

    /// - Parameter traffic: a count of all bytes seen on the wire in either direction. Any change is movement: it starts
    ///   anew with another connection.
    mutating func observe(traffic: Int64, now: Instant) {
        defer { self.traffic = traffic }
        guard traffic != self.traffic else { return }
        switch phase {
        case .sending, .receiving: since = now
        case .connecting, .awaitingAnswer: break  // a handshake or an answer that trickles in still has its limit
        }
    }

    /// The body was held back on purpose until now.
    mutating func waited(until now: Instant) {
        if phase == .sending { since = now }
    }

    /// When ``overdue(now:)`` must be asked at the latest.
    var deadline: Instant {
        switch phase {
        case .connecting: since + limits.connect
        case .sending, .receiving: since + limits.stall
        case .awaitingAnswer: since + limits.response
        }
    }

    /// The reason to end the request; nil while it may go on.
    func overdue(now: Instant) -> HTTPError.Cause? {
        guard now >= deadline else { return nil }
        switch phase {
        case .connecting: return .connectTimedOut
        case .sending, .receiving: return .stalled(seconds: Int((now - since).components.seconds))
        case .awaitingAnswer: return .responseTimedOut
        }
    }
}
