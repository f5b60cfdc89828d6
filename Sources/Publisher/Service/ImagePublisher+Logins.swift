internal import OCI
public import PushQueue
public import Registry

/// Logins at registries, and the jobs that wait for one.
extension ImagePublisher {
    /// Host and port of the registry that is meant where none is named.
    public var defaultRegistry: String { settings.defaultRegistry ?? "docker.io" }

    /// Checks a login against its registry; nothing is kept.
    ///
    /// - Returns: whether the registry asked for it.
    /// - Throws: `RegistryError`, `CancellationError`.
    public func checkLogin(_ user: String, _ password: Secret, at registry: String) async throws -> Bool {
        let registry = settings.names.name(of: registry)
        let login = OneLogin(user: user, password: password, origin: "the login that was given")
        return try await RegistryClient(
            domain: registry, settings: settings.settings(for: registry), http: http, credentials: login,
            schemes: await registries.facts(of: registry).schemes
        ).checkLogin()
    }

    /// What was issued for an earlier login at the registry is not used again.
    public func forgetLogin(at registry: String) async {
        let registry = settings.names.name(of: registry)
        await credentials.forgetAnswers()
        await registries.credentialsChanged(at: registry)
    }

    /// A login was stored: the earlier one is forgotten, and the registry's blocked jobs are queued again.
    ///
    /// - Returns: those jobs.
    public func loggedIn(at registry: String) async throws -> [JobID] {
        let registry = settings.names.name(of: registry)
        await forgetLogin(at: registry)
        let jobs = try await queue.useStoredLogin(registry: registry, now: clock())
        // They waited because the login that they came with was refused.
        for job in jobs { await registries.removeLogin(of: job) }
        await engine.tryNow(registry)
        engine.nudge()
        return jobs
    }

    /// Where a login for a registry is found now; nil where there is none.
    public func placeOfLogin(at registry: String) async throws -> String? {
        try await credentials.credential(registry: registry, repository: "")?.origin
    }
}
