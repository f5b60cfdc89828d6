/// A final answer. Any status is one, also 404 and 503; redirects are not followed.
public struct HTTPResponse: Sendable {
    /// 200...999.
    public var status: Int
    public var headers: HTTPHeaders
    /// Bounded by ``HTTPLimits/responseBytes``.
    public var body: [UInt8]
    /// The address asked; relative locations in the answer are resolved against it.
    public var url: HTTPURL
    /// The proxy that handed it on, in plain HTTP, and may have made it up itself.
    public var proxy: ProxyName?
    /// The server that sent the request on to the address asked; nil where none did.
    public var redirectedFrom: HTTPOrigin?
    /// Where the server's address is; nil where a proxy connected to it.
    public var place: NetworkPlace?
    /// What was sent along: an answer may repeat it.
    public var requestHeaders: HTTPHeaders

    public init(
        status: Int, headers: HTTPHeaders = [:], body: [UInt8] = [], url: HTTPURL, proxy: ProxyName? = nil,
        place: NetworkPlace? = nil, requestHeaders: HTTPHeaders = [:]
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
        self.proxy = proxy
        self.place = place
        self.requestHeaders = requestHeaders
    }
}
