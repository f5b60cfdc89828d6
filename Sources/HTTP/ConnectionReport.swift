internal import Synchronization

/// Records how a request's connection was made, for a person who looks for the cause of a failure.
///
/// A request that carries one gets a connection of its own.
public final class ConnectionReport: Sendable {
    /// What there was to see, as far as it got. Times are from the request's start.
    public struct Details: Sendable, Equatable {
        /// When the host's address was known.
        public var resolved: Duration?
        public var connected: Duration?
        /// When TLS was ready; nil over plain HTTP.
        public var secured: Duration?
        /// When the answer's first byte came.
        public var answered: Duration?
        /// The other end, which is the proxy where there is one: `192.0.2.7:443`, `[2001:db8::7]:443`.
        public var peer: String?
        /// Through which it went, or was to go.
        public var proxy: ProxyName?
        /// What the server showed of itself; nil over plain HTTP.
        public var certificate: Certificate?

        public init() {}
    }

    /// The server's own certificate, in libcurl's words, shortened.
    public struct Certificate: Sendable, Equatable {
        public var subject: String
        public var issuer: String
        /// Such as `Mar  1 12:00:00 2027 GMT`.
        public var expires: String

        public init(subject: String, issuer: String, expires: String) {
            self.subject = subject
            self.issuer = issuer
            self.expires = expires
        }
    }

    private let state = Mutex(Details())

    public init() {}

    public var details: Details { state.withLock { $0 } }

    func fill(_ details: Details) { state.withLock { $0 = details } }
}
