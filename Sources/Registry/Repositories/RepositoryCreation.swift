/// How a repository comes into being at a registry where pushing does not make it, or not as it is wanted.
///
/// What exists already is never changed, its visibility least of all.
public enum RepositoryCreation: Sendable, Hashable {
    /// Who may read what is made. What a command makes is its own business.
    public enum Visibility: String, Sendable, Hashable, CaseIterable {
        case `public`, `private`
    }

    /// By Docker Hub's API, before the first byte: a push would make it too, public unless the account says otherwise.
    case hub(Visibility)
    /// The project, which is the first part of the repository's name, by Harbor's API. Repositories in it are made by
    /// pushing.
    case harbor(Visibility)
    case command(RepositoryCommand)
}
