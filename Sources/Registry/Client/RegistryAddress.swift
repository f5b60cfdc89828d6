internal import HTTP
internal import Synchronization

/// Where one registry is spoken to: over TLS or in plain HTTP, which has to be found out for one of this machine that
/// no setting and no certificate names.
///
/// What was found is kept by ``SchemeMemory``, and looked for anew when it does not fit any more. Plain HTTP is never found
/// for another machine: logins would go over the network readable.
final class RegistryAddress: Sendable {
    private struct State {
        var scheme: HTTPURL.Scheme
        var basis: SchemeBasis
        /// What was found; nil before, and where it is in doubt.
        var found: HTTPURL.Scheme?
        /// Whether what is remembered may be believed.
        var mayRecall = true
        /// Where the server was found that answered last; the inner nil: behind a proxy.
        var place: NetworkPlace??

        /// - Returns: whether something was found that holds.
        mutating func useFound() -> Bool {
            guard let found else { return false }
            (scheme, basis) = (found, .found)
            return true
        }
    }

    private let endpoints: [HTTPURL.Scheme: RegistryEndpoint]
    private let fallback: RegistryEndpoint
    private let certificates: CertificateDirectories?
    private let memory: SchemeMemory
    private let isOpen: Bool
    private let state: Mutex<State>
    private let searches = SharedWork<Int, HTTPURL.Scheme>()

    /// An address whose scheme is fixed.
    init(fixed endpoint: RegistryEndpoint) {
        endpoints = [endpoint.root.scheme: endpoint]
        fallback = endpoint
        certificates = nil
        memory = .none
        isOpen = false
        state = Mutex(State(scheme: endpoint.root.scheme, basis: .usual))
    }

    /// - Throws: as ``RegistryEndpoint/init(domain:settings:)``.
    init(
        domain: String, settings: RegistrySettings, certificates: CertificateDirectories, memory: SchemeMemory
    ) throws(HTTPURLError) {
        let guess = try RegistryEndpoint(domain: domain, settings: settings)
        let basis = SchemeBasis(settings: settings, isLoopback: guess.root.isLoopback)
        endpoints = [
            .http: try RegistryEndpoint(domain: domain, scheme: .http),
            .https: try RegistryEndpoint(domain: domain, scheme: .https),
        ]
        fallback = guess
        self.certificates = certificates
        self.memory = memory
        isOpen = basis == nil
        state = Mutex(State(scheme: basis?.scheme ?? guess.root.scheme, basis: basis ?? .found))
    }

    /// As far as it is known now: right after ``settle(_:)``.
    var endpoint: RegistryEndpoint { endpoints[state.withLock { $0.scheme }] ?? fallback }

    /// What a search asks for.
    func probe(_ scheme: HTTPURL.Scheme) throws(HTTPURLError) -> HTTPURL {
        try (endpoints[scheme] ?? fallback).url("/v2/")
    }

    /// How it was decided.
    var basis: SchemeBasis { state.withLock { $0.basis } }

    /// Decides the scheme, where it is not decided yet. `search` runs once for all callers that wait.
    ///
    /// - Throws: what `search` throws; `CancellationError`.
    func settle(_ search: @escaping @Sendable () async throws -> SchemeFinding) async throws {
        guard isOpen else { return }
        if let place = await certificates?.placeInUse() {
            state.withLock { ($0.scheme, $0.basis) = (.https, .certificates(place)) }
            return
        }
        if state.withLock({ $0.useFound() }) { return }
        let scheme = try await searches.value(for: 0) { [self] in
            if state.withLock({ $0.mayRecall }), let known = await memory.recall().flatMap(HTTPURL.Scheme.init) {
                state.withLock { $0.found = known }
                return known
            }
            let finding = try await search()
            if finding.isSure {
                await memory.keep(.loopbackScheme(finding.scheme))
                state.withLock { ($0.found, $0.mayRecall) = (finding.scheme, true) }
            }
            return finding.scheme
        }
        state.withLock { ($0.scheme, $0.basis) = (scheme, .found) }
    }

    /// What was found may not be right any more: it is looked for anew before the next request.
    ///
    /// - Returns: whether that can change anything.
    @discardableResult
    func doubt() -> Bool {
        state.withLock { state in
            guard isOpen, state.basis == .found else { return false }
            (state.found, state.mayRecall) = (nil, false)
            return true
        }
    }

    /// Where the registry is: what its last answer came from, or what its name shows. Nil: behind a proxy, or not asked yet.
    var place: NetworkPlace? { state.withLock { $0.place ?? nil } ?? NetworkPlace.named(by: endpoint.root.host) }

    /// Whether it is known as well as it will be where the registry is.
    var isLocated: Bool { state.withLock { $0.place != nil } || NetworkPlace.named(by: endpoint.root.host) != nil }

    /// The registry itself has answered.
    func answered(from place: NetworkPlace?) { state.withLock { $0.place = .some(place) } }

    /// The same address, with the scheme that the registry is spoken to with now, if it is one of the registry's own.
    func current(_ url: HTTPURL) -> HTTPURL {
        let own = endpoint
        guard url.origin != own.origin, endpoints.values.contains(where: { $0.origin == url.origin }),
            url.host == own.root.host
        else { return url }
        return (try? HTTPURL(parsing: own.origin.description + url.target)) ?? url  // never: both parts were parsed
    }
}

/// Keeps, beyond one client and one process, whether a registry of this machine speaks TLS.
public struct SchemeMemory: Sendable {
    /// The value of ``RegistryFact/loopbackScheme(_:)``; nil where nothing is known.
    let recall: @Sendable () async -> String?
    let keep: @Sendable (RegistryFact) async -> Void

    public init(
        recall: @escaping @Sendable () async -> String?, keep: @escaping @Sendable (RegistryFact) async -> Void
    ) {
        self.recall = recall
        self.keep = keep
    }

    /// Keeps nothing: each client searches on its own.
    public static let none = SchemeMemory(recall: { nil }, keep: { _ in })
}

/// Why a registry is spoken to over TLS, or in plain HTTP: what an advice may ask a person to change.
enum SchemeBasis: Hashable, Sendable {
    /// `registries.HOST.plainHttp` says so.
    case plainHTTP(Bool)
    /// Another setting of the registry's, which makes sense with TLS only.
    case setting(String)
    /// Certificates in this directory.
    case certificates(String)
    /// The registry is on another machine, and no setting names a scheme.
    case usual
    /// The registry is on this machine, and its scheme was found by trying.
    case found

    /// - Returns: nil where it has to be found out.
    init?(settings: RegistrySettings, isLoopback: Bool) {
        if let plain = settings.plainHTTP {
            self = .plainHTTP(plain)
        } else if !isLoopback {
            self = .usual
        } else if !settings.tls.authorityFiles.isEmpty {
            self = .setting("caFile")
        } else if settings.tls.clientCertificate != nil {
            self = .setting("clientCertificate")
        } else if !settings.tls.verify {
            self = .setting("insecure")
        } else {
            return nil
        }
    }

    var scheme: HTTPURL.Scheme { self == .plainHTTP(true) ? .http : .https }
}
