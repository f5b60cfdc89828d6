public import HTTP
internal import OCI

/// Where a registry's API is served.
public struct RegistryEndpoint: Hashable, Sendable {
    /// Host and port as the user wrote them: `docker.io`, `registry.example:5000`.
    public let domain: String
    /// The root of the server, without `/v2/`: `https://registry-1.docker.io/`.
    public let root: HTTPURL

    /// Scheme, host and port: a login goes nowhere else.
    public var origin: HTTPOrigin { root.origin }

    /// Where it is as far as the settings tell: a registry of this machine may speak TLS all the same.
    ///
    /// - Parameter domain: as in an image reference; `docker.io` is served by `registry-1.docker.io`.
    /// - Throws: ``HTTPURLError`` for what passes as a registry in a reference but is no host, such as a port of 99999.
    public init(domain: String, settings: RegistrySettings) throws(HTTPURLError) {
        let overTLS = try RegistryEndpoint(domain: domain, scheme: .https)
        let isPlain = settings.plainHTTP ?? overTLS.root.isLoopback
        self = isPlain ? try RegistryEndpoint(domain: domain, scheme: .http) : overTLS
    }

    init(domain: String, scheme: HTTPURL.Scheme) throws(HTTPURLError) {
        let isHub = RegistryNames().name(of: domain) == "docker.io"
        self.domain = domain
        root = try HTTPURL(parsing: "\(scheme.rawValue)://\(isHub ? "registry-1.docker.io" : domain)/")
    }

    /// The URL of a path at this registry.
    ///
    /// - Parameter target: path and query as they go over the wire: `/v2/team/app/blobs/uploads/`.
    public func url(_ target: String) throws(HTTPURLError) -> HTTPURL { try root.resolving(target) }
}
