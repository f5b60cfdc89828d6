internal import FoundationEssentials
internal import Synchronization

/// Docker Hub's interface for repositories as its documentation has it; anything else that is asked is a problem of
/// the server.
///
/// Source: docs.docker.com/reference/api/hub/latest: "Create access token", "Check repository in a namespace",
/// "Create a new repository".
public final class HubInterface: Sendable {
    /// Whether a repository is private, by its name.
    private let state: Mutex<[String: Bool]>
    private let user: String
    private let password: String
    /// Of repositories in other namespaces the user may see nothing and make nothing.
    private let namespaces: Set<String>
    private let faults = Mutex<[Answer]>([])

    public var repositories: [String: Bool] { state.withLock { $0 } }

    public init(
        user: String, password: String, namespaces: Set<String>, repositories: [String: Bool] = [:]
    ) {
        self.user = user
        self.password = password
        self.namespaces = namespaces
        state = Mutex(repositories)
    }

    /// As its owner may do by hand.
    public func remove(_ repository: String) { state.withLock { $0[repository] = nil } }

    /// The next questions get these answers instead.
    public func fail(with answers: Answer...) { faults.withLock { $0 += answers } }

    private struct Login: Decodable {
        var identifier: String
        var secret: String
    }

    private struct Wish: Decodable {
        var namespace: String
        var name: String
        var is_private: Bool
    }

    public func handle(_ exchange: Exchange) throws {
        let body = try exchange.collectBody()
        if let fault = faults.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return try exchange.send(fault) }
        let parts = exchange.head.target.split(separator: "/").map(String.init)
        switch (exchange.head.method, parts.count) {
        case ("POST", 3) where exchange.head.target == "/v2/auth/token":
            let login = try JSONDecoder().decode(Login.self, from: Data(body))
            guard login.identifier == user, login.secret == password else {
                return try exchange.send(Self.json(401, #"{"detail":"Incorrect authentication credentials"}"#))
            }
            try exchange.send(Self.json(200, #"{"access_token":"hub.jwt.\#(user)"}"#))
        case ("HEAD", 5) where parts.starts(with: ["v2", "namespaces"]) && parts[3] == "repositories":
            guard mayAct(exchange, in: parts[2]) else { return try refuse(exchange) }
            let isThere = repositories["\(parts[2])/\(parts[4])"] != nil
            try exchange.send(Answer(isThere ? 200 : 404, headers: [("Content-Type", "application/json")]))
        case ("POST", 4) where parts.starts(with: ["v2", "namespaces"]) && parts[3] == "repositories":
            let wish = try JSONDecoder().decode(Wish.self, from: Data(body))
            guard mayAct(exchange, in: parts[2]) else { return try refuse(exchange) }
            guard wish.namespace == parts[2] else { throw TestSupportError("another namespace: \(wish)") }
            let isNew = state.withLock { state in
                guard state["\(wish.namespace)/\(wish.name)"] == nil else { return false }
                state["\(wish.namespace)/\(wish.name)"] = wish.is_private
                return true
            }
            try exchange.send(
                isNew ? Self.json(201, "{}") : Self.json(400, #"{"message":"repository already exists"}"#))
        default:
            throw TestSupportError("Docker Hub has no \(exchange.head.method) \(exchange.head.target)")
        }
    }

    private func mayAct(_ exchange: Exchange, in namespace: String) -> Bool {
        exchange.head.header("Authorization") == "Bearer hub.jwt.\(user)" && namespaces.contains(namespace)
    }

    private func refuse(_ exchange: Exchange) throws {
        try exchange.send(
            Self.json(403, #"{"message":"access to the resource is forbidden with personal access token"}"#))
    }

    static func json(_ status: Int, _ text: String) -> Answer {
        Answer(status, headers: [("Content-Type", "application/json")], text)
    }
}

/// Harbor's interface for projects as its documentation has it, to stand before a registry.
///
/// Source: goharbor/harbor, api/v2.0/swagger.yaml: `headProject`, `createProject`.
public final class HarborInterface: Sendable {
    /// Whether a project is public, by its name.
    private let state: Mutex<[String: Bool]>
    private let authorization: String
    private let mayCreate: Bool

    public var projects: [String: Bool] { state.withLock { $0 } }

    public init(user: String, password: String, mayCreate: Bool = true, projects: [String: Bool] = [:]) {
        authorization = "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        self.mayCreate = mayCreate
        state = Mutex(projects)
    }

    private struct Wish: Decodable {
        struct Metadata: Decodable {
            var `public`: String
        }
        var project_name: String
        var metadata: Metadata
    }

    /// - Returns: whether the request was for this interface.
    public func handle(_ exchange: Exchange) throws -> Bool {
        guard exchange.head.target.hasPrefix("/api/v2.0/projects") else { return false }
        let isKnown = exchange.head.header("Authorization") == authorization
        switch exchange.head.method {
        case "HEAD":
            guard let name = exchange.head.query("project_name") else { throw TestSupportError("no project_name") }
            try exchange.send(Answer(projects[name] == nil ? 404 : 200))
        case "POST":
            let wish = try JSONDecoder().decode(Wish.self, from: Data(try exchange.collectBody()))
            guard isKnown, mayCreate else {
                let (status, code) = isKnown ? (403, "FORBIDDEN") : (401, "UNAUTHORIZED")
                try exchange.send(
                    HubInterface.json(
                        status, #"{"errors":[{"code":"\#(code)","message":"only the system admin may"}]}"#))
                return true
            }
            let isNew = state.withLock { state in
                guard state[wish.project_name] == nil else { return false }
                state[wish.project_name] = wish.metadata.public == "true"
                return true
            }
            try exchange.send(
                isNew
                    ? Answer(201, headers: [("Location", "/api/v2.0/projects/1")])
                    : HubInterface.json(409, #"{"errors":[{"code":"CONFLICT","message":"The project is there"}]}"#))
        default: throw TestSupportError("Harbor has no \(exchange.head.method) \(exchange.head.target)")
        }
        return true
    }
}
