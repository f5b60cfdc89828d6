internal import OCI
public import PushQueue
public import Registry

/// What is known of registries, and how to find out more.
extension ImagePublisher {
    /// All registries that are configured, in use, or that something is known about; with `name` only that one.
    ///
    /// - Parameter withLogins: whether the logins are looked up, for which programs may have to be run.
    public func registryStates(named name: String?, withLogins: Bool = true) async throws -> [RegistryState] {
        let activity = await activity
        var names = Set(settings.registries.keys).union(activity.map(\.name)).union(try await queue.registries())
        if let name { names = [settings.names.name(of: name)] }
        let (bandwidths, allowances) = (bandwidth.summary, await registries.allowances)
        var states: [RegistryState] = []
        for name in names.sorted() {
            var shown = activity.first { $0.name == name }
            if shown == nil { shown = await engine.activity(of: name) }
            let since = clock() - settings.ledgerAge.inMilliseconds
            states.append(
                RegistryState(
                    activity: shown ?? RegistryActivity(name: name),
                    login: withLogins ? await loginInUse(at: name) : LoginInUse(host: .none, namespaces: []),
                    allowance: allowances[name],
                    bandwidth: bandwidths.first { $0.registry == name }?.bytesPerSecond,
                    learned: try await registries.facts(of: name).all,
                    mountRefusals: try await queue.mountRefusals(registry: name, since: since)))
        }
        return states
    }

    private func loginInUse(at registry: String) async -> LoginInUse {
        func login(_ repository: String) async -> LoginInUse.Login {
            do {
                return try await credentials.credential(registry: registry, repository: repository)
                    .map(LoginInUse.Login.found) ?? .none
            } catch { return .unusable(reason: "\(error)") }
        }
        var namespaces: [(name: String, login: LoginInUse.Login)] = []
        for name in await credentials.namespaces(registry: registry) { namespaces.append((name, await login(name))) }
        return LoginInUse(host: await login(""), namespaces: namespaces)
    }

    /// The registries that are busy or paused, or that jobs wait for.
    public var activity: [RegistryActivity] {
        get async {
            // The engine reports a queue that can't be read; its own part of the answer is valid all the same.
            let waiting = (try? await queue.waitingJobs()) ?? [:]
            var activity = await engine.activity
            for name in Set(waiting.keys).subtracting(activity.map(\.name)) {
                activity.append(await engine.activity(of: name))
            }
            for place in activity.indices { activity[place].waiting = waiting[activity[place].name] ?? 0 }
            activity.removeAll { $0.running == 0 && $0.waiting == 0 && !$0.isHeld }
            return activity.sorted { $0.name < $1.name }
        }
    }

    /// What registries said last about how much they may still be asked.
    public var allowances: [String: RateAllowance] { get async { await registries.allowances } }

    /// Finds out anew what a registry can do and which blobs it has.
    public func forgetRegistry(_ name: String) async throws {
        let name = settings.names.name(of: name)
        try await queue.forgetRegistry(name)
        await registries.forget(name)
    }

    /// Performs the steps of a push to a registry up to opening an upload, and reports each step.
    ///
    /// - Parameter repository: where pushing is tried; nil: for an operator where a job has pushed to last, or else where a
    ///   new image would go.
    public func examine(
        _ registry: String, repository: String?, by access: RemoteAccess = .init(),
        _ tell: @Sendable (ExaminationStep) async throws -> Void
    ) async throws {
        let registry = settings.names.name(of: registry)
        if let repository {
            let place = try ImageReference(parsing: "\(registry)/\(repository)")
            let client = try await self.access(to: place, by: access).client
            return try await client.examine(pushingTo: place.path, tell)
        }
        let client = try await self.access(toAllOf: registry, by: access).client
        // The repositories of others' jobs are theirs to know.
        if access.rights?.isOperator ?? true, let place = try await queue.lastRepository(at: registry) {
            return try await client.examine(pushingTo: place, tell)
        }
        // Docker Hub makes public what is pushed to.
        let place = try await scratchRepository(at: registry, access.login)
        try await client.examine(pushingTo: place, mayCreate: registry != "docker.io", tell)
    }

    private static let scratchName = "pushd-doctor"

    private func scratchRepository(at registry: String, _ login: PushLogin?) async throws -> String {
        let credentials: any CredentialProvider =
            if let login { PushLoginProvider(login: login) } else { self.credentials }
        if login == nil, registry == settings.defaultRegistry.map(settings.names.name),
            let namespace = settings.defaultNamespace
        {
            return namespace + "/" + Self.scratchName
        }
        let user = try? await credentials.credential(registry: registry, repository: "")?.user
        guard let user, let named = try? ImageReference(parsing: "localhost/\(user)/\(Self.scratchName)") else {
            return Self.scratchName
        }
        return named.path
    }
}

/// One registry: its present activity, and what is known about it.
public struct RegistryState: Sendable {
    public let activity: RegistryActivity
    public let login: LoginInUse
    /// What it says that it may still be asked; nil where it says nothing.
    public let allowance: RateAllowance?
    /// In bytes a second; nil: no limit of its own.
    public let bandwidth: Int64?
    public let learned: [LearnedFact]
    /// The repositories that it would mount nothing from.
    public let mountRefusals: [LearnedFact]
}

/// The logins that requests to a registry have at this moment.
public struct LoginInUse: Sendable {
    public enum Login: Sendable {
        case none
        case found(FoundCredential)
        case unusable(reason: String)
    }

    /// For repositories in none of ``namespaces``.
    public let host: Login
    public let namespaces: [(name: String, login: Login)]
}
