/// The verbs that the registry protocol uses.
public enum HTTPMethod: String, Sendable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// Whether an empty body is announced with `Content-Length: 0`: RFC 9110, section 8.6.
    var announcesEmptyBody: Bool {
        switch self {
        case .post, .put, .patch: true
        case .get, .head, .delete: false
        }
    }
}

/// What is made of an answer's body in a coding other than `identity`, which is all that is asked for.
///
/// Source: RFC 9110, section 8.4.
public enum CodedBodies: Sendable, Hashable {
    /// What comes out is the body, and its size what counts; gzip, deflate, br and zstd, as far as libcurl knows them.
    case decoded
    /// The body of a success is not taken: ``HTTPError/Cause/contentCoding(_:)``.
    case refused
    /// Taken as it comes.
    case kept
}

/// One request. Its description shows method and address only: never a header.
public struct HTTPRequest: Sendable, CustomStringConvertible, CustomReflectable {
    public var method: HTTPMethod
    public var url: HTTPURL
    /// Besides those that frame the message or say where it goes (`Content-Length`, `Transfer-Encoding`, `Expect`, `Host`,
    /// `Connection`): these are the client's own, and ignored here.
    public var headers: HTTPHeaders
    public var body: HTTPBody
    public var tls: TLSOptions
    public var proxy: ProxyChoice
    public var limits: HTTPLimits
    /// Counts the body's bytes as they are sent.
    public var progress: TransferProgress?
    /// All of them hold for the body's bytes.
    public var bandwidth: [BandwidthLimit] = []
    public var report: ConnectionReport?
    /// Whether it does no harm if the server gets it twice, body and all. Without a body that is taken for granted.
    public var isRepeatable = false
    public var codedBodies = CodedBodies.decoded
    /// Whether it must not use a pooled connection: the way to the server may be another one than when that was made.
    public var needsFreshConnection = false
    /// The furthest inside that the server's address may be, where another server named it; nil: anywhere. Looked at when
    /// the address is known, before it is connected to and again on a pooled connection; not where a proxy looks it up.
    public var reach: NetworkPlace?

    public init(
        method: HTTPMethod = .get, url: HTTPURL, headers: HTTPHeaders = [:], body: HTTPBody = .none,
        tls: TLSOptions = TLSOptions(), proxy: ProxyChoice = .environment, limits: HTTPLimits = HTTPLimits(),
        progress: TransferProgress? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.tls = tls
        self.proxy = proxy
        self.limits = limits
        self.progress = progress
    }

    public var description: String { "\(method.rawValue) \(url)" }

    /// What `dump` and the default descriptions of types around it show.
    public var customMirror: Mirror { Mirror(self, children: ["request": description], displayStyle: .struct) }
}
