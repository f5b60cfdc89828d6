internal import FoundationEssentials
internal import HTTP
internal import OCI

/// A registry's own interface for making repositories, beside the distribution API.
protocol RepositoryAPI: Sendable {
    /// What has to be there for a repository: the repository itself, or the project that it belongs to.
    ///
    /// - Throws: ``RepositoryTrouble`` for a name that there can be nothing for.
    func subject(of repository: String) throws(RepositoryTrouble) -> String

    /// Makes sure that it is there.
    ///
    /// - Returns: whether it was made; nil where the interface does not tell whether it is there, and pushing may show.
    /// - Throws: ``RepositoryTrouble``, `CancellationError`.
    func ensure(_ subject: String) async throws -> Bool?
}

/// What both interfaces have in common: JSON, a login, bounded answers.
struct RepositoryAPICaller: Sendable {
    /// Host and port of the registry, whose login is used.
    let registry: String
    /// The login for what is to be made.
    let login: @Sendable (_ subject: String) async throws -> FoundCredential?
    let send: @Sendable (HTTPRequest) async throws -> HTTPResponse

    /// User and password of the stored login, and where it comes from.
    ///
    /// - Throws: ``RepositoryTrouble``; `AuthenticationError` where a place that may hold the login can't be read.
    func password(for subject: String) async throws -> (user: String, password: Secret, found: FoundCredential) {
        guard let found = try await login(subject) else {
            throw RepositoryTrouble.refused(
                "no login for \(registry) is stored, and making a repository needs one",
                advice: "log in with: pushctl login \(registry)")
        }
        for credential in [found.credential, found.fallback] {
            if case .basic(let user, let password)? = credential { return (user, password, found) }
        }
        throw RepositoryTrouble.refused(
            "the login from \(found.origin) has no user and password, and the interface for repositories needs them",
            advice: "log in with a user name and an access token: pushctl login \(registry)")
    }

    /// The answer, with any status.
    ///
    /// - Throws: ``RepositoryTrouble/failed(_:)`` where there is none; `CancellationError`.
    func ask(
        _ method: HTTPMethod, _ url: HTTPURL, authorization: String?, json: JSONValue? = nil
    ) async throws -> HTTPResponse {
        var request = HTTPRequest(method: method, url: url, headers: ["Accept": "application/json"])
        request.headers["Authorization"] = authorization
        if let json {
            request.headers["Content-Type"] = "application/json"
            request.body = .bytes(try json.bytes())
            request.isRepeatable = true  // what the first has made, the second finds there
        }
        do { return try await send(request) } catch let error as HTTPError {
            throw RepositoryTrouble.failed("\(url.host) does not answer: \(error)")
        }
    }

    /// What an answer means that is no success.
    ///
    /// - Parameters:
    ///   - what: what was asked for, as the start of a sentence: `Docker Hub's API, asked to create team/app,`.
    ///   - right: what a login needs for it.
    func trouble(
        _ response: HTTPResponse, _ what: String, login: FoundCredential, right: String
    ) -> RepositoryTrouble {
        let words = ServerMessage(response, hiding: login, from: .registry).text.map { "; it says: \($0)" } ?? ""
        let user = login.user.map { " of \($0)" } ?? ""
        let answer = "(HTTP status \(response.status))\(words)"
        switch response.status {
        case 401:
            return .refused(
                "\(what) rejects the login\(user) from \(login.origin) \(answer)",
                advice: "make a new access token \(right), and log in again with: pushctl login \(registry)")
        case 403:
            return .refused(
                "\(what) does not allow it to the login\(user) from \(login.origin) \(answer)",
                advice:
                    "log in with an account or access token \(right): pushctl login \(registry); or have it created "
                    + "by somebody who may, then: pushctl retry --failed")
        case 408, 425, 429, 500...: return .failed("\(what) can't now \(answer)")
        default:
            return .refused(
                "\(what) refuses \(answer)",
                advice: "create it by hand, or mend registries.HOST.createRepository, then: pushctl retry --failed")
        }
    }
}
