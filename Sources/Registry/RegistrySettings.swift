public import HTTP
public import OCI

/// How one registry is to be reached and treated.
public struct RegistrySettings: Sendable, Hashable {
    /// True: over plain HTTP; false: over TLS; nil: over TLS, or at this machine (`localhost`, a loopback address), where
    /// no certificate and no other setting names it, over what it speaks.
    public var plainHTTP: Bool?
    public var tls: TLSOptions
    /// For the registry, its token server and the servers that it redirects to.
    public var proxy: ProxyChoice
    /// Where more certificates may lie: `DIRECTORY/HOST[:PORT]/*.crt`.
    public var certificateDirectories: [String]
    public var limits: HTTPLimits
    /// How long a manifest that was just accepted may remain invisible before that counts as a failure.
    public var manifestGrace: Duration
    /// How long a blob is looked for after its closing PUT got no answer or a server error.
    public var commitPatience: Duration
    /// How a repository that is missing is made; nil: a person does.
    public var createRepository: RepositoryCreation?
    /// Servers that the registry may lead to wherever they are: hosts, or hosts with a port.
    public var leadsTo: Set<String> = []
    /// What is set for other registries and servers, by their one name: it holds where this registry leads to them.
    public var tlsOfOthers: [String: TLSOptions] = [:]
    /// What programs that are run for this registry get.
    public var programEnvironment: [String: String] = [:]
    /// The format of manifests that images are pushed in where a push does not say it; nil: as they are.
    public var format: ImageFormat?
    public var requests = RequestLimits()

    public init(
        plainHTTP: Bool? = nil, tls: TLSOptions = TLSOptions(), proxy: ProxyChoice = .environment,
        certificateDirectories: [String] = [], limits: HTTPLimits = HTTPLimits(),
        manifestGrace: Duration = .seconds(30), commitPatience: Duration = .seconds(60)
    ) {
        self.plainHTTP = plainHTTP
        self.tls = tls
        self.proxy = proxy
        self.certificateDirectories = certificateDirectories
        self.limits = limits
        self.manifestGrace = manifestGrace
        self.commitPatience = commitPatience
    }
}
