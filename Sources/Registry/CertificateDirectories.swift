internal import CLinux
internal import Glibc
internal import HTTP
internal import OCI
internal import Synchronization
internal import System

/// The certificates of one registry, where docker and the containers tools keep them: `CERTS.D/HOST[:PORT]/` holds
/// authorities as `*.crt`, and client certificates as `X.cert` with their keys as `X.key`.
///
/// Of several such directories the first that is there counts, and nothing of the others, as with the containers tools.
/// They are looked at again once a second, so that a certificate that was put there counts without a restart. A directory
/// may spell the registry as a user does: `host:443` is `host`.
///
/// Source: containers/image, containers-certs.d(5); docs.docker.com, engine/security/certificates.
actor CertificateDirectories {
    private struct Looked {
        let result: Result<Found, Problem>
        let at: ContinuousClock.Instant
    }

    /// What was found.
    struct Found: Sendable, Hashable {
        /// Where; nil where there is nothing.
        var directory: String?
        var authorities: [String] = []
        var clientCertificate: String?
        var clientKey: String?
    }

    /// What is wrong in a directory, in words for a person.
    struct Problem: Error, Sendable, Hashable {
        let directory: String
        let reason: String
    }

    private let executor = BlockingExecutor(label: "pushd.certificates")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let parents: [String]
    /// The registry's one name.
    private let name: String
    private let now: @Sendable () -> ContinuousClock.Instant
    private let latest = Mutex<Looked?>(nil)

    private static let interval = Duration.seconds(1)

    /// - Parameters:
    ///   - parents: such as `/etc/docker/certs.d`.
    ///   - domain: host and port, in any spelling.
    init(
        in parents: [String], for domain: String, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.parents = parents
        name = RegistryNames().name(of: domain)
        self.now = now
    }

    /// What the configuration says, and what is found besides: all authorities; a client certificate where the
    /// configuration names none.
    ///
    /// - Throws: ``Problem``.
    nonisolated func options(adding configured: TLSOptions) async throws -> TLSOptions {
        let found = try await found()
        var options = configured
        options.authorityFiles += found.authorities
        if options.clientCertificate == nil {
            options.clientCertificate = found.clientCertificate
            options.clientKey = found.clientKey
        }
        return options
    }

    /// The directory that has something for the registry, usable or not; nil: there is none.
    nonisolated func placeInUse() async -> String? {
        do { return try await found().directory } catch let problem as Problem { return problem.directory } catch {
            return nil
        }
    }

    private nonisolated func found() async throws -> Found {
        if parents.isEmpty { return Found() }
        if let latest = latest.withLock({ $0 }), now() - latest.at < Self.interval { return try latest.result.get() }
        return try await look()
    }

    private func look() throws -> Found {
        let result = Result { () throws(Problem) in
            for parent in parents {
                for directory in try directories(in: parent) {
                    if let names = try Self.names(in: directory) { return try Self.found(names, in: directory) }
                }
            }
            return Found()
        }
        latest.withLock { $0 = Looked(result: result, at: now()) }
        return try result.get()
    }

    /// Those of the registry, its own name's first.
    private func directories(in parent: String) throws(Problem) -> [String] {
        let usual = "\(parent)/\(name)"
        // One that may be searched and not be listed has the usual name.
        guard linux_may_access(parent, R_OK) == 0, let entries = try Self.names(in: parent) else { return [usual] }
        let (names, name) = (RegistryNames(), name)
        let others = entries.filter { $0 != name && !$0.hasPrefix(".") && names.name(of: $0) == name }
        return [usual] + others.map { "\(parent)/\($0)" }
    }

    /// Sorted; nil where there is no such directory.
    private static func names(in directory: String) throws(Problem) -> [String]? {
        guard let stream = opendir(directory) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Problem(
                directory: directory, reason: "\(directory) can't be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        return DirectoryNames(stream).sorted()
    }

    private static func found(_ names: [String], in directory: String) throws(Problem) -> Found {
        var found = Found()
        found.authorities = names.filter { $0.hasSuffix(".crt") }.map { "\(directory)/\($0)" }
        for name in names where name.hasSuffix(".cert") || name.hasSuffix(".key") {
            let base = String(name.dropLast(name.hasSuffix(".cert") ? 5 : 4))
            guard names.contains(base + ".cert"), names.contains(base + ".key") else {
                let hint = name.hasSuffix(".cert") ? "; authorities end in .crt" : ""
                let other = name.hasSuffix(".cert") ? "\(base).key" : "\(base).cert"
                throw Problem(
                    directory: directory, reason: "\(directory)/\(name) is there without \(other)\(hint)")
            }
            guard found.clientCertificate == nil else { continue }
            found.clientCertificate = "\(directory)/\(base).cert"
            found.clientKey = "\(directory)/\(base).key"
        }
        if !found.authorities.isEmpty || found.clientCertificate != nil { found.directory = directory }
        return found
    }
}

extension RegistrySettings {
    /// Where docker and the containers tools look, the user's own first.
    public static func certificateDirectories(home: String?) -> [String] {
        (home.map { ["\($0)/.config/containers/certs.d", "\($0)/.config/docker/certs.d"] } ?? [])
            + ["/etc/containers/certs.d", "/etc/docker/certs.d"]
    }
}
