import Registry

/// `registries.HOST.createRepository`: what makes a repository that is missing there.
extension Configuration {
    static func readCreation(
        _ entry: inout ConfigurationReader, registry: String
    ) throws(ConfigurationError) -> RepositoryCreation? {
        guard let value = entry.value("createRepository") else { return nil }
        let place = entry.place(of: "createRepository")
        var reader = try ConfigurationReader(value, path: place)
        let (hub, harbor) = (reader.value("hub"), reader.value("harbor"))
        let words = try reader.texts("command")
        let timeout = try reader.duration("timeout", atLeast: .seconds(1))
        try reader.finish()
        guard [hub != nil, harbor != nil, words != nil].count(where: { $0 }) == 1 else {
            throw entry.refuse("createRepository", "one of hub, harbor and command is wanted")
        }
        if timeout != nil, words == nil { throw reader.refuse("timeout", "it belongs to a command") }
        if let hub {
            // The login for the registry is sent to Docker Hub.
            guard registry == "docker.io" else { throw reader.refuse("hub", "it is for \"docker.io\" alone") }
            return .hub(try readVisibility(hub, path: reader.place(of: "hub")))
        }
        if let harbor { return .harbor(try readVisibility(harbor, path: reader.place(of: "harbor"))) }
        do {
            return .command(try RepositoryCommand(words ?? [], limit: timeout ?? .seconds(60)))
        } catch {
            throw reader.refuse("command", error.reason)
        }
    }

    /// Never guessed: what is public by mistake can't be taken back.
    private static func readVisibility(
        _ value: ConfigurationValue, path: String
    ) throws(ConfigurationError) -> RepositoryCreation.Visibility {
        var reader = try ConfigurationReader(value, path: path)
        let visibility = try reader.choice("visibility", of: RepositoryCreation.Visibility.self)
        try reader.finish()
        guard let visibility else { throw reader.refuse("visibility", "\"public\" or \"private\" is wanted") }
        return visibility
    }
}
