import OCI
import Registry

/// `registries.HOST.createRepository`: what makes a repository that is missing there.
extension Configuration {
    static func readCreation(
        _ entry: inout ConfigurationReader, registry: String
    ) -> RepositoryCreation? {
        guard let value = entry.value("createRepository") else { return nil }
        let place = entry.place(of: "createRepository")
        var reader = ConfigurationReader(value, path: place, faults: entry.faults)
        let (hub, harbor) = (reader.value("hub"), reader.value("harbor"))
        let words = reader.texts("command")
        let timeout = reader.duration("timeout", atLeast: .seconds(1))
        reader.finish()
        guard [hub != nil, harbor != nil, words != nil].count(where: { $0 }) == 1 else {
            entry.refuse("createRepository", "one of hub, harbor and command is wanted")
            return nil
        }
        if timeout != nil, words == nil { reader.refuse("timeout", "it belongs to a command") }
        if let hub {
            // The login for the registry is sent to Docker Hub.
            if RegistryNames().name(of: registry) != "docker.io" {
                reader.refuse("hub", "it is for \"docker.io\" alone")
            }
            return readVisibility(hub, path: reader.place(of: "hub"), reader.faults).map { .hub($0) }
        }
        if let harbor {
            return readVisibility(harbor, path: reader.place(of: "harbor"), reader.faults).map { .harbor($0) }
        }
        do {
            return .command(try RepositoryCommand(words ?? [], limit: timeout ?? .seconds(60)))
        } catch {
            reader.refuse("command", error.reason)
            return nil
        }
    }

    /// Never guessed: what is public by mistake can't be taken back.
    private static func readVisibility(
        _ value: ConfigurationValue, path: String, _ faults: ConfigurationFaults
    ) -> RepositoryCreation.Visibility? {
        var reader = ConfigurationReader(value, path: path, faults: faults)
        let visibility = reader.choice("visibility", of: RepositoryCreation.Visibility.self)
        reader.finish()
        if visibility == nil { reader.refuse("visibility", "\"public\" or \"private\" is wanted") }
        return visibility
    }
}
