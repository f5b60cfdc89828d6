/// Why a repository could not be made. The words hold no secret.
enum RepositoryTrouble: Error, Sendable {
    /// A person must act.
    case refused(String, advice: String)
    /// It may go better later.
    case failed(String)
}
