internal import HTTP
internal import OCI

/// Makes repositories at one registry, as it is configured for it: each once, however many pushes need it.
public actor RepositoryMaker {
    /// Where Docker Hub has its interface.
    public static let hubAddress = "https://hub.docker.com/"

    private enum Way {
        case interface(any RepositoryAPI)
        case command(RepositoryCommand)
    }

    private let registry: String
    private let way: Way
    private let environment: [String: String]
    /// Called with each repository or project that was made.
    private let made: @Sendable (String) -> Void
    private let clock: @Sendable () -> ContinuousClock.Instant
    /// When an interface said last what is there.
    private var known: [String: ContinuousClock.Instant] = [:]
    /// When commands have made what, as moments of ``now``.
    private var madeAt: [String: Moment] = [:]
    private var now: Moment = 0
    private let work = SharedWork<String, Void>()

    /// More would only cost memory; what is forgotten is asked for again.
    private static let knownAtMost = 10_000
    /// A repository may be deleted meanwhile, and a push to Docker Hub would make it again, and public.
    private static let life: Duration = .seconds(600)

    /// - Parameters:
    ///   - hub: the root of Docker Hub's interface.
    ///   - send: to the interface, with the registry's certificates where that is the same server.
    init(
        _ creation: RepositoryCreation, endpoint: RegistryEndpoint, hub: HTTPURL, environment: [String: String],
        credentials: any CredentialProvider, made: @escaping @Sendable (String) -> Void,
        clock: @escaping @Sendable () -> ContinuousClock.Instant,
        send: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        registry = endpoint.domain
        self.environment = environment
        self.made = made
        self.clock = clock
        let caller = RepositoryAPICaller(
            registry: endpoint.domain,
            login: { try await credentials.credential(registry: endpoint.domain, repository: $0) }, send: send)
        switch creation {
        case .hub(let visibility):
            way = .interface(HubRepositories(caller: caller, root: hub, visibility: visibility))
        case .harbor(let visibility):
            way = .interface(HarborProjects(caller: caller, root: endpoint.root, visibility: visibility))
        case .command(let command): way = .command(command)
        }
    }

    /// A point in the order of what was made here.
    public typealias Moment = Int

    /// Before anything is sent: where an interface can tell, the repository is looked for, and made if it is missing.
    ///
    /// - Returns: when that was, for ``make(_:since:)``.
    /// - Throws: ``RegistryError``, `CancellationError`.
    @discardableResult
    public func prepare(_ repository: String) async throws -> Moment {
        if case .interface = way { try await ensure(repository) }
        return now
    }

    /// After the registry said that the repository is missing.
    ///
    /// - Parameter since: what was made after this moment may have come about after the registry was asked: it is not
    ///   made again.
    /// - Throws: ``RegistryError``, `CancellationError`.
    public func make(_ repository: String, since: Moment) async throws {
        if let moment = madeAt[repository], moment > since { return }
        if case .interface(let interface) = way, let subject = try? interface.subject(of: repository) {
            known[subject] = nil
        }
        try await ensure(repository)
    }

    private func ensure(_ repository: String) async throws {
        let attempt = Attempt(
            .createRepository, "create the repository \(repository)", at: registry, repository: repository)
        do {
            switch way {
            case .command(let command):
                try await work.value(for: repository) { try await self.run(command, for: repository) }
            case .interface(let interface):
                let subject = try interface.subject(of: repository)
                if isKnown(subject) { return }
                try await work.value(for: subject) { try await self.ensure(subject, by: interface) }
            }
        } catch let trouble as RepositoryTrouble {
            switch trouble {
            case .refused(let reason, let advice):
                throw attempt.error(.repositoryCreationRefused(reason: reason, advice: advice))
            case .failed(let reason): throw attempt.error(.repositoryCreationFailed(reason: reason))
            }
        } catch let error as AuthenticationError {
            throw attempt.error(error)
        }
    }

    private func run(_ command: RepositoryCommand, for repository: String) async throws {
        try await command.make(repository, at: registry, environment: environment)
        if madeAt.count >= Self.knownAtMost { madeAt = [:] }
        now += 1
        madeAt[repository] = now
        made(repository)
    }

    private func isKnown(_ subject: String) -> Bool {
        known[subject].map { clock() - $0 < Self.life } ?? false
    }

    private func ensure(_ subject: String, by interface: any RepositoryAPI) async throws {
        // It may have become known between the look and this piece of work.
        if isKnown(subject) { return }
        guard let isNew = try await interface.ensure(subject) else { return }
        if known.count >= Self.knownAtMost { known = [:] }
        known[subject] = clock()
        if isNew { made(subject) }
    }
}
