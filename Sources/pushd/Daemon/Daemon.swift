import CLinux
import Control
import FoundationEssentials
import Glibc
import HTTP
import ImageStore
import OCI
import Publisher
import PushQueue
import Registry

/// The daemon put together: opens what it owns, starts its services, and ends them in order.
struct Daemon {
    let places: Places
    let sockets: SocketPlaces
    let arguments: Arguments
    let environment: [String: String]
    let manager: ServiceManager
    let signals: AsyncStream<Signals.Event>

    /// The version of this pushd, as `pushd --version` and `pushctl version` print it.
    static let version = "0.1.0"

    /// Works until a signal stops it.
    ///
    /// - Throws: ``StartError``, ``ConfigurationError``, `QueueError`, `ListenError`.
    func run() async throws {
        let (configuration, firstRoles) = try await loaded()
        let roles = Current(firstRoles)
        let proxies = try proxyRules()
        let log = Log(
            level: Current(configuration.logLevel), isJournal: environment["JOURNAL_STREAM"] != nil)
        let state = try StateDirectory.open(places.stateDirectory)
        defer { state.release() }
        let queue = try JobStore(path: state.database)
        let spool = try Spool(directory: state.spool, acrossFileSystems: configuration.acrossFileSystems)
        let http = HTTPClient(
            configuration: .init(
                userAgent: "pushd/\(Self.version)", proxies: proxies,
                authorities: AuthorityPlaces(environment: environment)))
        let publisher = ImagePublisher(
            queue: queue, spool: spool, directories: configuration.stores, userFiles: FileOpener.make(),
            rescan: configuration.rescan, http: http, credentials: credentials(configuration),
            settings: configuration.publisher, log: { log.write($0) })
        let stores = Current(configuration.stores)
        let logins = Current(logins(configuration))
        let loginFiles = Current(credentials(configuration).places)
        let inherited = ControlSocket.activated(environment: environment, pid: getpid())
        let service = DaemonService(
            publisher: publisher, version: Self.version, stateDirectory: places.stateDirectory,
            socket: inherited == nil ? places.socket : nil,
            stores: { stores.value }, logins: { logins.value }, loginFiles: { loginFiles.value },
            startedAt: Clock.now, roles: { roles.value }, names: UserNames(), log: { log(.info, $0) })
        let changes = MachineChanges()
        try await publisher.prepare()
        let server = try listen(inherited, service, roles)
        let socket = inherited == nil ? places.socket : "the service manager's socket"
        log(.info, "pushd \(Self.version) works on \(places.stateDirectory), listens on \(socket)")

        manager.ready()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.run() }
            group.addTask { await server.run() }
            group.addTask { await beatForWatchdog() }
            group.addTask { await follow(changes, publisher) }
            group.addTask { await watchDisk(log) }
            group.addTask {
                for await signal in signals {
                    guard case .reload = signal else { return }
                    await reload(publisher, server, roles, stores, logins, loginFiles, log, started: configuration)
                }
            }
            // The first to end ends all: a signal, or a service that cannot go on.
            do {
                defer { manager.stopping() }
                try await group.next()
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        await http.shutdown()
        log(.info, "stopped; \(places.stateDirectory) keeps what is left to do")
    }

    /// The configuration, and who it names. Read on a thread that may block; the names of users and groups may be asked of
    /// servers, which must not hold the daemon up for ever.
    ///
    /// - Throws: ``ConfigurationError``.
    private func loaded() async throws -> (Configuration, ControlRoles) {
        try await ConfigurationDesk.shared.read(within: .seconds(20)) {
            let configuration = try loadConfiguration()
            return (configuration, try ControlRoles(configuration.control, file: places.configuration))
        }
    }

    /// Blocks.
    ///
    /// - Throws: ``ConfigurationError``; a default configuration that does not exist is empty.
    func loadConfiguration() throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        switch SmallFile.read(places.configuration, atMost: Configuration.maximumSize) {
        case .contents(let bytes):
            configuration = try Configuration(parsing: bytes, file: places.configuration) {
                switch $0 {
                case .user(let name): UserDatabase.id(of: name) != nil
                case .group(let name): SystemGroup.id(of: name) != nil
                }
            }
        case .absent where arguments.configuration == nil: break
        case .absent:
            throw ConfigurationError(
                file: places.configuration, path: "", reason: "there is no such file",
                advice: "make it, or start pushd without --config")
        case .unreadable(let reason):
            throw ConfigurationError(
                file: places.configuration, path: "", reason: "cannot be read: \(reason)",
                advice: "let pushd's user read it; it is a plain file of at most \(Configuration.maximumSize) bytes")
        }
        for store in arguments.stores {
            let directory = try Configuration.store(store, ConfigurationError(path: "--store", reason: ""))
            if !configuration.stores.contains(directory) { configuration.stores.append(directory) }
        }
        configuration.publisher.look(forCertificatesIn: environment["HOME"])
        configuration.publisher.runPrograms(in: environment)
        return configuration
    }

    /// What is wrong with the configuration's file and with the environment.
    struct Faults: Error {
        /// One at least.
        let list: [ConfigurationError]
    }

    /// Reads all that a start reads.
    ///
    /// - Throws: ``Faults``, all that there are.
    func check() throws(Faults) -> Configuration {
        var faults: [ConfigurationError] = []
        func noting<Value>(_ body: () throws(ConfigurationError) -> Value) -> Value? {
            do throws(ConfigurationError) { return try body() } catch {
                faults.append(error)
                return nil
            }
        }
        let configuration = noting(loadConfiguration)
        _ = noting(proxyRules)
        guard let configuration, faults.isEmpty else { throw Faults(list: faults) }
        return configuration
    }

    /// What the environment says of proxies.
    ///
    /// - Throws: ``ConfigurationError`` with the variable that can't be used.
    func proxyRules() throws(ConfigurationError) -> ProxyRules {
        do { return try ProxyRules(environment: environment) } catch {
            throw ConfigurationError(
                path: error.source.description, reason: error.reason,
                advice: "correct \(error.source) in the environment of pushd, or unset it")
        }
    }

    private func credentials(_ configuration: Configuration) -> CredentialFiles {
        // The system's daemon that is not root has the right to read root's logins, and those are what it publishes with.
        CredentialFiles(
            paths: configuration.credentialFiles, environment: environment, home: environment["HOME"],
            systemHome: geteuid() != 0 && linux_reads_all_files() != 0 ? UserDatabase.home(of: 0) : nil)
    }

    private func logins(_ configuration: Configuration) -> CredentialStore {
        CredentialStore(paths: configuration.credentialFiles, environment: environment, home: environment["HOME"])
    }

    private func listen(
        _ inherited: ControlSocket?, _ service: DaemonService, _ roles: Current<ControlRoles>
    ) throws -> ControlServer {
        if inherited == nil {
            try sockets.makeDirectory(of: places.socket)
            try RuntimeDirectory.make(for: places.socket)
        }
        return try ControlServer(
            socket: inherited ?? .path(places.socket, roles.value.audience),
            access: ControlAccess { roles.value.admission(of: $0) },
            info: ServiceInfo(version: Self.version), service: service)
    }

    /// - Parameter started: the configuration at the daemon's start, of which some parts stay in force to its end.
    private func reload(
        _ publisher: ImagePublisher, _ server: ControlServer, _ roles: Current<ControlRoles>,
        _ stores: Current<[String]>, _ logins: Current<CredentialStore>, _ loginFiles: Current<[String]>, _ log: Log,
        started: Configuration
    ) async {
        manager.reloading()
        defer { manager.ready() }
        do {
            let (configuration, newRoles) = try await loaded()
            // Rights are looked up for each call, on open connections too.
            if newRoles.audience != roles.value.audience { try server.open(to: newRoles.audience) }
            roles.value = newRoles
            // At the more verbose of the old and the new level, so that the log shows each reload.
            let limit = max(log.level.value, configuration.logLevel)
            log.level.value = configuration.logLevel
            stores.value = configuration.stores
            logins.value = self.logins(configuration)
            loginFiles.value = credentials(configuration).places
            await publisher.apply(
                configuration.publisher, directories: configuration.stores, rescan: configuration.rescan,
                credentials: credentials(configuration))
            for key in configuration.needingStart(since: started) {
                log(.warning, limit: limit, "\(key) changed: takes effect at the next start")
            }
            log(.info, limit: limit, "the configuration was read again")
            await publisher.record(NewEvent(.configurationReloaded))
        } catch {
            await publisher.record(NewEvent(.configurationRefused, message: "\(error)"))
            log(.error, "the old configuration stays in force: \(error)")
        }
    }

    /// Returns only when the task is cancelled.
    private func follow(_ changes: MachineChanges, _ publisher: ImagePublisher) async {
        for await change in changes.events {
            switch change {
            case .network: await publisher.networkChanged()
            case .clock: await publisher.clockChanged()
            }
        }
        await waitForCancellation()
    }

    /// Logs a disk that fills up at once, not only when a push is refused.
    private func watchDisk(_ log: Log) async {
        var watch = DiskWatch()
        repeat {
            guard let space = await DiskSpace.look(at: places.stateDirectory) else { continue }
            switch watch.look(space) {
            case .low: log(.error, space.warning(of: places.stateDirectory) ?? "")
            case .enough: log(.info, "there is room again on the disk of \(places.stateDirectory)")
            case nil: break
            }
        } while (try? await Task.sleep(for: .seconds(10))) != nil
    }

    private func beatForWatchdog() async {
        guard let interval = manager.watchdog else {
            await waitForCancellation()
            return
        }
        repeat { manager.alive() } while (try? await Task.sleep(for: interval)) != nil
    }
}

/// Returns only when the task is cancelled.
private func waitForCancellation() async { while (try? await Task.sleep(for: .seconds(86_400))) != nil {} }

extension Log {
    func write(_ entry: PublisherLog) {
        let level: LogLevel =
            switch entry.level {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        self(level, entry.description)
    }
}
