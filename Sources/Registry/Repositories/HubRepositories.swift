internal import FoundationEssentials
internal import HTTP
internal import OCI

/// Repositories of Docker Hub.
///
/// Source: Docker Hub API, "Create access token", "Check repository in a namespace" and "Create a new repository":
/// docs.docker.com/reference/api/hub/latest.
struct HubRepositories: RepositoryAPI {
    let caller: RepositoryAPICaller
    /// The interface's address, `https://hub.docker.com/`.
    let root: HTTPURL
    let visibility: RepositoryCreation.Visibility

    func subject(of repository: String) throws(RepositoryTrouble) -> String {
        guard repository.split(separator: "/").count == 2 else {
            throw .refused(
                "repositories of Docker Hub are named NAMESPACE/NAME, not \(repository)",
                advice: "push to docker.io/NAMESPACE/NAME")
        }
        return repository
    }

    /// Without a sure answer nothing may be pushed: what a push makes is public.
    func ensure(_ repository: String) async throws -> Bool? {
        let (user, password, login) = try await caller.password(for: repository)
        let token = try await token(user, password, login)
        let parts = repository.split(separator: "/").map(String.init)
        let (namespace, name) = (parts[0], parts[1])
        let base = "/v2/namespaces/\(namespace)/repositories"
        let look = try await caller.ask(.head, root.resolving("\(base)/\(name)"), authorization: token)
        switch look.status {
        case 200: return false
        case 404: break
        default:
            throw caller.trouble(
                look, "Docker Hub's API, asked for \(repository),", login: login, right: Self.right(namespace))
        }
        let made = try await caller.ask(
            .post, root.resolving(base), authorization: token,
            json: .object([
                "namespace": .string(namespace), "name": .string(name), "registry": .string("docker.io"),
                "is_private": .bool(visibility == .private),
            ]))
        switch made.status {
        case 200..<300: return true
        case 409: return false  // another client was quicker
        default:
            throw caller.trouble(
                made, "Docker Hub's API, asked to create \(repository),", login: login, right: Self.right(namespace))
        }
    }

    private static func right(_ namespace: String) -> String {
        "that may read, write and create repositories of \(namespace)"
    }

    private func token(_ user: String, _ password: Secret, _ login: FoundCredential) async throws -> String {
        let response = try await caller.ask(
            .post, root.resolving("/v2/auth/token"), authorization: nil,
            json: .object(["identifier": .string(user), "secret": .string(password.revealed())]))
        guard response.status == 200 else {
            throw caller.trouble(
                response, "Docker Hub's API, asked for a token,", login: login, right: "for \(user)")
        }
        struct Answer: Decodable {
            var access_token: String
        }
        // It stands in a header: nothing but what tokens are made of.
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body)),
            !answer.access_token.isEmpty, answer.access_token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw RepositoryTrouble.failed("Docker Hub's API gave no token that can be used") }
        return "Bearer \(answer.access_token)"
    }
}
