/// How long a request may take in each of its parts, and how much it may answer. There is no limit for a body under way:
/// a large blob over a slow link takes hours, and is alive as long as bytes move.
public struct HTTPLimits: Sendable, Hashable {
    /// For name look-up, connection, proxy and TLS handshake together.
    public var connect: Duration
    /// From the end of the request, as confirmed by the peer's system, to the final answer's last header.
    public var response: Duration
    /// For an answer that is kept in memory: from the end of the request to the last byte.
    public var answer: Duration
    /// While a body moves: the time in which bytes have to move on the wire, in its direction, at ``leastRate`` on
    /// average. Time in which they are held back by a limit of ours does not count.
    public var stall: Duration
    /// In bytes a second.
    public var leastRate: Int
    /// The largest answer's body kept in memory, in bytes.
    public var responseBytes: Int
    /// The most bytes of a body that is streamed, as decoded; nil: no limit.
    public var streamedBytes: Int64?
    /// All header lines of all answers to the request, interim ones included, in bytes.
    public var headerBytes: Int

    public init(
        connect: Duration = .seconds(30), response: Duration = .seconds(60), answer: Duration = .seconds(300),
        stall: Duration = .seconds(60), leastRate: Int = 1024,
        responseBytes: Int = 8 << 20, headerBytes: Int = 64 << 10
    ) {
        self.connect = connect
        self.response = response
        self.answer = answer
        self.stall = stall
        self.leastRate = leastRate
        self.responseBytes = responseBytes
        self.headerBytes = headerBytes
    }
}
