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

    func clients(_ settings: PublisherSettings, _ credentials: any CredentialProvider) -> RegistryPool.Maker {
        { name, login, common throws(RegistryError) in
            var settings = settings.settings(for: name)
            if login?.mayMakeRepository == false { settings.createRepository = nil }
            return try RegistryClient(
                domain: name, settings: settings, http: http,
                credentials: login.map { OneLogin($0.login) } ?? credentials, hub: hub,
                repositoryMade: { [log] in log(.repositoryMade(registry: name, repository: $0)) },
                bandwidth: bandwidth.limits(for: name), gate: common.gate,
                schemes: common.facts.schemes)
        }
    }

    func common(_ settings: PublisherSettings) -> @Sendable (String) -> RegistryPool.Common {
        { name in
            RegistryPool.Common(
                facts: RegistryFacts(registry: name, queue: queue, age: settings.learnedAge, clock: clock),
                gate: RequestGate(limits: settings.settings(for: name).requests))
        }
    }
}
