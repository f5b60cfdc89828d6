internal import HTTP
internal import OCI
internal import Synchronization

/// How each server that a registry involves is authenticated.
///
/// What is set for the registry, and what lies in its directory of certificates, holds at its own host alone: one that
/// trusts an authority, or no certificate at all, there does not trust it at the storage or the token server that it leads
/// to. Those have what is set for them, and their own directories.
struct ServerTLS: Sendable {
    private let own: CertificateDirectories
    private let settings: RegistrySettings
    private let others = OtherDirectories()

    init(settings: RegistrySettings, own: CertificateDirectories) {
        self.settings = settings
        self.own = own
    }

    /// - Parameters:
    ///   - registry: the registry's origin.
    ///   - showsCertificate: whether the registry's client certificate is shown at another port of its host.
    /// - Throws: ``CertificateDirectories/Problem``.
    func options(
        for url: HTTPURL, of registry: HTTPOrigin, showsCertificate: Bool = false
    ) async throws -> TLSOptions {
        if url.host == registry.host {
            var options = url.scheme == .https ? try await own.options(adding: settings.tls) : settings.tls
            if url.origin != registry, !showsCertificate {
                options.clientCertificate = nil
                options.clientKey = nil
            }
            return options
        }
        let name = RegistryNames().name(of: "\(url.host):\(url.port)")
        let configured = settings.tlsOfOthers[name] ?? TLSOptions()
        guard url.scheme == .https else { return configured }
        return try await others.directories(for: name, in: settings.certificateDirectories).options(adding: configured)
    }
}

/// The directories of servers that were asked, kept so that they are not read for each request.
private final class OtherDirectories: Sendable {
    private let known = Mutex<[String: CertificateDirectories]>([:])

    func directories(for name: String, in parents: [String]) -> CertificateDirectories {
        known.withLock { known in
            if let directories = known[name] { return directories }
            if known.count >= 64 { known = [:] }  // a bound: a registry may name any number of servers
            let directories = CertificateDirectories(in: parents, for: name)
            known[name] = directories
            return directories
        }
    }
}
