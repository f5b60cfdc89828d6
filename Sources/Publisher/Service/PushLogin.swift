internal import OCI
public import Registry

/// A login that a caller gives for its own push, in place of the daemon's logins.
public enum PushLogin: Sendable {
    case given(user: String, password: Secret)
    case files(CallersLogins)

    /// - Parameter rights: of the caller who gives it; nil: an operator's.
    /// - Throws: ``PushRefusal`` where the files have none for the destination.
    func given(for destination: ImageReference, by rights: CallerRights?) throws -> GivenLogin {
        GivenLogin(
            login: try login(for: destination),
            mayMakeRepository: rights.map { $0.mayUseDaemons(at: destination) } ?? true)
    }

    /// - Throws: ``PushRefusal`` where the files have none for the destination.
    private func login(for destination: ImageReference) throws -> FoundCredential {
        switch self {
        case .given(let user, let password):
            return FoundCredential(
                credential: .basic(user: user, password: password), origin: "the login that the push was given")
        case .files(let files):
            do { return try files.login(registry: destination.domain, repository: destination.path) } catch {
                throw PushRefusal.loginMissing(registry: destination.domain, error)
            }
        }
    }
}

/// A push's own login, looked for as the daemon's are: whose namespace an unqualified image goes to.
struct PushLoginProvider: CredentialProvider {
    let login: PushLogin

    /// - Throws: ``PushRefusal`` where the files can't be read.
    func credential(registry: String, repository: String) throws -> FoundCredential? {
        switch login {
        case .given(let user, let password):
            return FoundCredential(credential: .basic(user: user, password: password), origin: "the push")
        case .files(let files):
            do { return try files.login(registry: registry, repository: repository) } catch {
                guard error != .missing else { return nil }
                throw PushRefusal.loginMissing(registry: registry, error)
            }
        }
    }
}
