/// When a push that failed is tried again: exponential backoff with full jitter.
///
/// Full jitter, because jobs that failed together must not be retried together. Retries happen in one layer, the
/// job.
public struct RetryPolicy: Sendable, Equatable {
    /// The upper bound of the first wait; each further failure in a row doubles it.
    public var base: Duration
    /// The largest upper bound.
    public var cap: Duration
    /// The longest `Retry-After` that is obeyed; a longer one counts as this.
    public var maximumRetryAfter: Duration
    /// Failures in a row, with no progress between them, after which a push is given up; nil: never.
    public var maximumFailures: Int?
    /// How long attempts at a push were possible when it is given up, see `TryTime`; nil: never.
    public var giveUpAfter: Duration?

    public init(
        base: Duration = .seconds(1), cap: Duration = .seconds(300), maximumRetryAfter: Duration = .seconds(3600),
        maximumFailures: Int? = nil, giveUpAfter: Duration? = .seconds(7 * 86_400)
    ) {
        self.base = base
        self.cap = cap
        self.maximumRetryAfter = maximumRetryAfter
        self.maximumFailures = maximumFailures
        self.giveUpAfter = giveUpAfter
    }

    /// How long to wait now.
    ///
    /// - Parameters:
    ///   - failures: failures in a row so far, this one included: 1 or more.
    ///   - retryAfter: the registry's `Retry-After`; see ``obeyed(_:random:)``.
    ///   - random: from 0 up to 1, given by the caller, so that a test chooses it.
    func delay(failures: Int, retryAfter: Duration? = nil, random: Double) -> Duration {
        let doublings = min(max(failures, 1) - 1, 30)
        let bound = min(base * (1 << doublings), cap)
        let backoff = bound * random
        guard let retryAfter else { return backoff }
        return max(obeyed(retryAfter, random: random), backoff)
    }

    /// How long to wait after `Retry-After`: up to a tenth longer, so that not all clients return at once, and at most
    /// ``maximumRetryAfter``.
    func obeyed(_ retryAfter: Duration, random: Double) -> Duration {
        let bounded = max(min(retryAfter, maximumRetryAfter), .zero)
        return min(bounded + bounded * (random * 0.1), maximumRetryAfter)
    }

    /// The pause of a registry that can't be reached, after an outage of this length so far.
    ///
    /// Its return is to be noticed within a tenth of the outage + 2 s, and within 30 s: the pause is a second shorter
    /// than that, and the second is for the probe itself.
    func pause(outage: Duration) -> Duration { min(base + outage * 0.1, min(cap, Self.longestPause)) }

    /// How long the connection of a probe may take. It grows with the outage, so that a network that is only slow is
    /// found too.
    func probeConnectLimit(outage: Duration) -> Duration { pause(outage: outage) + .seconds(1) }

    private static let longestPause = Duration.seconds(29)

    /// The longest wait that a job may have from now.
    var longestWait: Duration { max(cap, maximumRetryAfter) }

    /// Whether a job that fails now is tried again at all.
    ///
    /// - Parameter tried: for how long attempts were possible, in milliseconds; see ``TryTime``.
    func allowsRetry(failures: Int, tried: Int64) -> Bool {
        if let maximumFailures, failures >= maximumFailures { return false }
        if let giveUpAfter, tried >= giveUpAfter.inMilliseconds { return false }
        return true
    }
}

extension Duration {
    /// Whole milliseconds, rounded down; a year's span fits many times over.
    var inMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
