/// What one client, and all together, may ask of the control server.
public struct ControlLimits: Sendable {
    /// The longest call in bytes.
    public var messageBytes = 1 << 20
    /// The longest reply in bytes.
    public var replyBytes = 64 << 20
    /// How much may wait for one client to read it before its streams and further calls wait. One reply may go beyond.
    public var outputBytes = 256 << 10
    public var connections = 256
    /// Of these, how many are kept for callers that are admitted without a limit.
    public var keptConnections = 32
    /// How many calls of one connection may run at the same time.
    public var callsInFlight = 64
    /// A client that reads nothing for so long, while something waits for it, is disconnected.
    public var stall: Duration = .seconds(30)
    /// How long a stop waits for calls that still run.
    public var stopGrace: Duration = .seconds(1)
    /// How long a refused client has to read why.
    public var refusalGrace: Duration = .seconds(1)

    public init() {}
}
