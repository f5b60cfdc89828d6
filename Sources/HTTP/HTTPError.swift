/// Why a request got no answer. What an answer says, any status, is no error here.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// What happened. Reasons are short texts of the system's libraries, bounded, without control characters.
    public enum Cause: Sendable, Hashable {
        /// The name servers say that there is no such host.
        case unresolvable(host: String)
        /// The name servers could not be asked: nothing is known about the host.
        case resolverFailed(host: String)
        case refused
        /// No way to the host: no route, network down.
        case unreachable(reason: String)
        case connectTimedOut
        /// The request was sent and no complete answer head came within ``HTTPLimits/response``.
        case responseTimedOut
        /// A body was moving, then no byte moved for this many seconds (rounded).
        case stalled(seconds: Int)
        /// A body was moving, and then only so many bytes of it in so many seconds (rounded).
        case tooSlow(Int64, seconds: Int)
        /// The answer began, and did not end within ``HTTPLimits/answer``.
        case answerTooSlow
        case connectionBroken(reason: String)
        case tlsUnknownAuthority
        case tlsExpired
        case tlsNotYetValid
        case tlsWrongHost
        case tlsClientCertificateWanted
        /// The server speaks plain HTTP at the port of an https address.
        case tlsPlainHTTPServer
        case tls(reason: String)
        /// There is no host of the proxy's name.
        case proxyUnknown(ProxyName)
        case proxyUnreachable(ProxyName, reason: String)
        /// It wants a login, or another one than was given.
        case proxyLogin(ProxyName)
        /// It refuses connections to this host, to all clients or to this one.
        case proxyForbids(ProxyName)
        case proxyFailed(ProxyName, reason: String)
        case responseTooLarge(limit: Int)
        case headersTooLarge
        /// What came is not HTTP/1.
        case malformedResponse(reason: String)
        /// The body is in this coding, which was not asked for, and can't be read in it, or was not to be.
        case contentCoding(String)
        case localRead(path: String, errno: Int32)
        /// The file holds fewer bytes than the request promised.
        case localFileChanged(path: String)
        /// The server's address is further inside than ``HTTPRequest/reach``: nothing was sent.
        case outOfReach(address: String)
        case internalFailure(reason: String)
    }

    public let cause: Cause
    public let url: HTTPURL
    /// Bytes of the request's body handed to the operating system before it ended; the peer may have fewer.
    public let bytesSent: Int64
    /// Whether a pooled connection broke before any byte of an answer came: the server may never have seen the request.
    public let isOfPooledConnection: Bool

    public init(cause: Cause, url: HTTPURL, bytesSent: Int64 = 0, isOfPooledConnection: Bool = false) {
        self.cause = cause
        self.url = url
        self.bytesSent = bytesSent
        self.isOfPooledConnection = isOfPooledConnection
    }

    public var description: String { "\(url): \(why)" }

    private var why: String {
        switch cause {
        case .unresolvable(let host): "there is no host named \(host)"
        case .resolverFailed(let host): "the address of \(host) could not be looked up: name servers don't answer"
        case .refused: "nothing listens at this address (connection refused)"
        case .unreachable(let reason): "the host cannot be reached: \(reason)"
        case .connectTimedOut: "no connection came about in time"
        case .responseTimedOut: "the request was sent, but no answer came in time"
        case .stalled(let seconds): "no byte moved for \(seconds) s"
        case .tooSlow(let count, let seconds): "only \(count) bytes moved in \(seconds) s"
        case .answerTooSlow: "its answer began and did not end in time"
        case .connectionBroken(let reason): "the connection broke: \(reason)"
        case .tlsUnknownAuthority: "its certificate is signed by an authority that is not trusted here"
        case .tlsExpired: "its certificate has expired"
        case .tlsNotYetValid: "its certificate is not valid yet; is the clock right?"
        case .tlsWrongHost: "its certificate is for another name than \(url.host)"
        case .tlsClientCertificateWanted: "it wants a client certificate, and none that it takes was shown"
        case .tlsPlainHTTPServer: "it speaks plain HTTP where HTTPS was expected"
        case .tls(let reason): "TLS failed: \(reason)"
        case .proxyUnknown(let proxy): "there is no host of the proxy's name, \(proxy)"
        case .proxyUnreachable(let proxy, let reason): "the proxy \(proxy) can't be reached: \(reason)"
        case .proxyLogin(let proxy):
            proxy.hasLogin ? "the proxy \(proxy) rejects the login" : "the proxy \(proxy) wants a login"
        case .proxyForbids(let proxy): "the proxy \(proxy) does not allow connections to \(url.host)"
        case .proxyFailed(let proxy, let reason): "the proxy \(proxy) failed: \(reason)"
        case .responseTooLarge(let limit): "its answer is larger than \(limit) bytes"
        case .headersTooLarge: "its answer's headers are too large"
        case .malformedResponse(let reason): "its answer is not HTTP: \(reason)"
        case .contentCoding(let coding):
            "its answer comes in the content coding \(coding), which was not asked for and can't be undone"
        case .localRead(let path, let errno): "cannot read \(path): \(systemMessage(errno))"
        case .localFileChanged(let path): "\(path) became shorter while it was being sent"
        case .outOfReach(let address):
            "its address is \(address), which is further inside the own network than the server that named it"
        case .internalFailure(let reason): "internal failure: \(reason)"
        }
    }
}
