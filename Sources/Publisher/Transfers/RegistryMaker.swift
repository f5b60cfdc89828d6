import HTTP
import PushQueue
import Registry

/// Opens registries, with what all of them share.
struct RegistryMaker: Sendable {
    let http: HTTPClient
    /// The root of Docker Hub's interface for repositories.
    let hub: String
    let queue: JobStore
    let bandwidth: Bandwidth
    let clock: @Sendable () -> Int64
    let log: @Sendable (PublisherLog) -> Void

    func with(_ settings: PublisherSettings, _ credentials: any CredentialProvider) -> RegistryPool.Maker {
        { name, login throws(RegistryError) in
            RegistryAccess(
                name: name,
                client: try RegistryClient(
                    domain: name, settings: settings.settings(for: name), http: http,
                    credentials: login.map { OneLogin($0) } ?? credentials, hub: hub,
                    repositoryMade: { [log] in log(.repositoryMade(registry: name, repository: $0)) },
                    bandwidth: bandwidth.limits(for: name)),
                queue: queue, learnedAge: settings.learnedAge, clock: clock)
        }
    }
}
