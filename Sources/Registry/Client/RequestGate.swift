internal import HTTP
internal import Synchronization

/// How much a registry may be asked, bodies of blobs apart.
public struct RequestLimits: Sendable, Hashable {
    /// Questions under way at once: whether something is there, mounts, uploads being opened.
    public var checks: Int
    /// Manifests being put at once.
    public var manifests: Int
    /// Requests of every kind begun in each second; nil: no limit.
    public var perSecond: Double?

    public init(checks: Int = 16, manifests: Int = 8, perSecond: Double? = nil) {
        self.checks = checks
        self.manifests = manifests
        self.perSecond = perSecond
    }
}

/// Limits the requests to one registry, those of all logins together: how many run at once, and how many begin in each
/// second.
public final class RequestGate: Sendable {
    enum Kind: Hashable, Sendable { case check, manifest, body }

    private let slots: Slots<Kind>
    private let pace: Mutex<RequestPace>
    private let allowance = Mutex<RateAllowance?>(nil)
    private let connectLimit = Mutex<Duration?>(nil)
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - clock: a test has its own.
    ///   - sleep: a test does not.
    public init(
        limits: RequestLimits, clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        slots = Slots(.init(kinds: [.check: limits.checks, .manifest: limits.manifests]))
        pace = Mutex(RequestPace(perSecond: limits.perSecond))
        self.clock = clock
        self.sleep = sleep
    }

    /// Sends a request when it may go.
    ///
    /// - Throws: what `send` throws; `CancellationError`.
    func pass(_ kind: Kind, _ send: @Sendable () async throws -> HTTPResponse) async throws -> HTTPResponse {
        try await slots.withSlot(for: kind) {
            let now = clock()
            let turn = pace.withLock { $0.reserve(now: now) }
            if turn > now { try await sleep(turn - now) }
            let response = try await send()
            limitConnecting(to: nil)
            if let told = RateAllowance(response.headers) { allowance.withLock { $0 = told } }
            return response
        }
    }

    /// While the registry is in trouble, until its next answer: how long a connection may take; and none is taken from the
    /// pool, since it may lead nowhere. Nil: as configured.
    func limitConnecting(to limit: Duration?) { connectLimit.withLock { $0 = limit } }

    /// Applies the limit of ``limitConnecting(to:)``.
    func apply(to request: inout HTTPRequest) {
        guard let limit = connectLimit.withLock({ $0 }) else { return }
        request.limits.connect = min(request.limits.connect, limit)
        request.needsFreshConnection = true
    }

    /// What the registry said last about how much it may still be asked.
    public var lastAllowance: RateAllowance? { allowance.withLock { $0 } }
}

/// Deals out moments at which requests may begin, evenly.
///
/// Pure: the time comes from outside.
public struct RequestPace: Sendable {
    /// Nil: no limit.
    public let perSecond: Double?
    private var next: ContinuousClock.Instant?

    public init(perSecond: Double?) { self.perSecond = perSecond.flatMap { $0 > 0 ? $0 : nil } }

    /// - Returns: when the next request may begin.
    public mutating func reserve(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let perSecond else { return now }
        let start = max(next ?? now, now)
        next = start + .seconds(1 / perSecond)
        return start
    }
}

/// What is left of what a registry allows to be asked, as its answers tell.
///
/// Source: Docker Hub's `ratelimit-limit: 100;w=21600` and `ratelimit-remaining`, which the draft for RateLimit headers
/// of the HTTP API working group (to version 06) shares; others write `X-RateLimit-…`.
public struct RateAllowance: Sendable, Hashable {
    public let limit: Int
    public let remaining: Int
    /// The length of the period that the limit is for; nil where the registry does not name it.
    public let window: Duration?

    init?(_ headers: HTTPHeaders) {
        guard let left = headers["RateLimit-Remaining"] ?? headers["X-RateLimit-Remaining"],
            let all = headers["RateLimit-Limit"] ?? headers["X-RateLimit-Limit"],
            let limit = Self.number(all), let remaining = Self.number(left)
        else { return nil }
        self.limit = limit
        self.remaining = min(remaining, limit)
        window = Self.window(all).map { .seconds($0) }
    }

    /// The number before any parameters; several limits may stand in a row, of which the first is in force.
    private static func number(_ text: String) -> Int? {
        let digits = text.prefix { $0 != ";" && $0 != "," }.filter { $0 != " " }
        guard digits.utf8.count <= 12, let number = Int(digits), number >= 0 else { return nil }
        return number
    }

    private static func window(_ text: String) -> Int? {
        let first = text.split(separator: ";").dropFirst().lazy
            .map { $0.prefix { $0 != "," }.filter { $0 != " " } }.first { $0.hasPrefix("w=") }
        return first.flatMap { $0.utf8.count <= 10 ? Int($0.dropFirst(2)) : nil }.flatMap { $0 > 0 ? $0 : nil }
    }
}
