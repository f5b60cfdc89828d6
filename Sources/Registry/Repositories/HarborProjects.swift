internal import HTTP
internal import OCI

/// Projects of a Harbor, one for the first part of every repository's name.
///
/// Source: Harbor API 2.0, `headProject` and `createProject`: goharbor/harbor, api/v2.0/swagger.yaml.
struct HarborProjects: RepositoryAPI {
    let caller: RepositoryAPICaller
    /// Of the registry: one server has both.
    let root: HTTPURL
    let visibility: RepositoryCreation.Visibility

    func subject(of repository: String) throws(RepositoryTrouble) -> String {
        let parts = repository.split(separator: "/")
        guard parts.count > 1 else {
            throw .refused(
                "Harbor's repositories are named PROJECT/NAME, not \(repository)",
                advice: "push to \(caller.registry)/PROJECT/\(repository)")
        }
        return String(parts[0])
    }

    func ensure(_ project: String) async throws -> Bool? {
        let (user, password, login) = try await caller.password(for: project)
        let authorization = basicAuthorization(user: user, password: password)
        let projects = try root.resolving("/api/v2.0/projects")
        let look = try await caller.ask(
            .head, projects.appendingQuery([("project_name", project)]), authorization: authorization)
        switch look.status {
        case 200: return false
        case 404: break
        // Robots that may push need not be let in here. Nothing is lost: a push makes no project.
        default: return nil
        }
        let made = try await caller.ask(
            .post, projects, authorization: authorization,
            json: .object([
                "project_name": .string(project),
                "metadata": .object(["public": .string(visibility == .public ? "true" : "false")]),
            ]))
        switch made.status {
        case 200..<300: return true
        case 409: return false  // another client was quicker
        default:
            throw caller.trouble(
                made, "Harbor, asked to create the project \(project),", login: login,
                right: "that may create projects")
        }
    }
}
