/// How long a request may take in each of its parts, and how much it may answer. There is no limit for the whole:
/// a large blob over a slow link takes hours, and is alive as long as bytes move.
public struct HTTPLimits: Sendable, Hashable {
    /// For name look-up, connection, proxy and TLS handshake together.
    public var connect: Duration
    /// From the end of the request, as confirmed by the peer's system, to the final answer's last header.
    public var response: Duration
    /// While a body moves: the longest time without any byte moving, in either direction, on the wire.
    public var stall: Duration
    /// The largest answer's body kept in memory, in bytes.
    public var responseBytes: Int
    /// All header lines of all answers to the request, interim ones included, in bytes.
    public var headerBytes: Int

    public init(
        connect: Duration = .seconds(30), response: Duration = .seconds(60), stall: Duration = .seconds(60),
        responseBytes: Int = 8 << 20, headerBytes: Int = 64 << 10
    ) {
        self.connect = connect
        self.response = response
        self.stall = stall
        self.responseBytes = responseBytes
        self.headerBytes = headerBytes
    }
}
