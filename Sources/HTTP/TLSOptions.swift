/// How a server is authenticated, and we to it. TLS 1.2 is the oldest version spoken.
public struct TLSOptions: Sendable, Hashable {
    /// Files of PEM certificates trusted *besides* the system's.
    public var authorityFiles: [String]
    /// PEM certificate, with the chain after it, shown to servers that ask for one.
    public var clientCertificate: String?
    /// The PEM key of ``clientCertificate``, not encrypted; nil if it is in the same file.
    public var clientKey: String?
    /// false accepts any certificate for any name: no protection against a man in the middle.
    public var verify: Bool

    public init(
        authorityFiles: [String] = [], clientCertificate: String? = nil, clientKey: String? = nil, verify: Bool = true
    ) {
        self.authorityFiles = authorityFiles
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.verify = verify
    }
}
