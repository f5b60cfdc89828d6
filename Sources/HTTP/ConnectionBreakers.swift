/// Servers that end connections which they had promised to keep, as proxies do that serve one request on each and don't
/// say so.
///
/// A request without a body is sent again if its connection ends so. One with a body is not, as the server may have
/// stored some of it: at such a server it gets a fresh connection.
///
/// Pure: the time comes from outside.
struct ConnectionBreakers {
    typealias Instant = ContinuousClock.Instant

    /// How long it is believed. A server that was only started anew, or whose time for idle connections ran out, costs
    /// a handshake for each body until then.
    static let memory = Duration.seconds(600)
    /// The bound of what is remembered.
    static let limit = 1000

    private var seen: [HTTPOrigin: Instant] = [:]

    /// A pooled connection to it broke under a request, before any byte of an answer.
    mutating func note(_ origin: HTTPOrigin, now: Instant) {
        if seen.count >= Self.limit, seen[origin] == nil { seen = [:] }
        seen[origin] = now
    }

    /// Whether bodies are to be kept off its pooled connections.
    func holds(_ origin: HTTPOrigin, now: Instant) -> Bool {
        seen[origin].map { now - $0 < Self.memory } ?? false
    }
}
