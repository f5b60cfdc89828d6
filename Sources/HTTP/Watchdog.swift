/// Decides when a request has waited too long, and for what. Pure: times and counts come from outside.
///
/// A body under way has no limit for the whole, but has to move: at ``HTTPLimits/leastRate`` on average over each time of
/// ``HTTPLimits/stall``. An answer that is kept in memory has a limit for the whole as well.
struct Watchdog {
    typealias Instant = ContinuousClock.Instant

    enum Phase: Equatable {
        case connecting
        /// The body is on its way, or waits in this system's buffers to be confirmed by the peer's.
        case sending
        case awaitingAnswer
        /// - Parameter isDocument: whether the answer's body is kept in memory.
        case receiving(isDocument: Bool)
    }

    private(set) var phase = Phase.connecting
    private let limits: HTTPLimits
    /// When the phase began, or in those phases where bytes move the present stretch of time, in which enough has to.
    private var since: Instant
    /// What has moved in that stretch, and when last.
    private var moved: Int64 = 0
    private var lastMovement: Instant
    /// When the wait for the answer began, or the answer itself, if that was earlier.
    private var answerSince: Instant?
    private var traffic: Int64 = 0

    init(limits: HTTPLimits, now: Instant) {
        self.limits = limits
        since = now
        lastMovement = now
    }

    mutating func enter(_ phase: Phase, now: Instant) {
        guard phase != self.phase else { return }
        self.phase = phase
        since = now
        moved = 0
        switch phase {
        case .connecting, .sending: answerSince = nil
        case .awaitingAnswer, .receiving: answerSince = answerSince ?? now
        }
    }

    /// - Parameter traffic: a count of bytes seen on the wire in the direction of the body that moves. It may start anew
    ///   with another connection.
    mutating func observe(traffic: Int64, now: Instant) {
        let new = max(traffic - self.traffic, 0)
        self.traffic = traffic
        switch phase {
        case .sending, .receiving:
            moved += new
            if new > 0 { lastMovement = now }
            // A handshake or an answer that trickles in still has its limit.
            guard moved >= leastBytes else { return }
            since = now
            moved = 0
        case .connecting, .awaitingAnswer: break
        }
    }

    /// What has to move in one stretch.
    private var leastBytes: Int64 {
        max(1, Int64((Double(limits.leastRate) * (limits.stall / .seconds(1))).rounded(.up)))
    }

    /// The body was held back on purpose until now.
    mutating func waited(until now: Instant) {
        guard phase == .sending else { return }
        since = now
        moved = 0
    }

    /// When ``overdue(now:)`` must be asked at the latest.
    var deadline: Instant {
        switch phase {
        case .connecting: since + limits.connect
        case .sending, .receiving(isDocument: false): since + limits.stall
        case .awaitingAnswer: min(since + limits.response, (answerSince ?? since) + limits.answer)
        case .receiving(isDocument: true): min(since + limits.stall, (answerSince ?? since) + limits.answer)
        }
    }

    /// The reason to end the request; nil while it may go on.
    func overdue(now: Instant) -> HTTPError.Cause? {
        guard now >= deadline else { return nil }
        switch phase {
        case .connecting: return .connectTimedOut
        case .awaitingAnswer: return .responseTimedOut
        case .receiving(isDocument: true) where now < since + limits.stall: return .answerTooSlow
        case .sending, .receiving:
            let silence = now - max(since, lastMovement)
            if silence >= (now - since) / 2 { return .stalled(seconds: Int(silence.components.seconds)) }
            return .tooSlow(moved, seconds: Int((now - since).components.seconds))
        }
    }
}
