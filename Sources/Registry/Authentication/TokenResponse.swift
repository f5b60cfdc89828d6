internal import FoundationEssentials

/// A bearer token as a token server issues it.
///
/// Source: distribution docs, spec/auth/token.md and oauth.md.
struct TokenResponse: Hashable, Sendable {
    let token: Secret
    /// How long the token holds, counted from the arrival of the reply: at least a second.
    let life: Duration
    /// The life that its server states, which may be less than the 60 seconds of the specification.
    let promised: Duration
    /// What the token allows, as far as its server says so, in the reply or in the token itself; nil where it doesn't.
    /// For messages only: a token is opaque by contract.
    let granted: [AccessScope]?

    /// The longest body that is read.
    static let limitInBytes = 64 * 1024

    /// - Parameters:
    ///   - body: JSON. `token` or `access_token`, whichever is not empty; `expires_in` in seconds, 60 where it is absent
    ///     or nothing; `issued_at`.
    ///   - date: the reply's `Date` header. A token that was cached on its way is older than the reply: what lies
    ///     between `issued_at` and `date`, both of the server's clock, is taken off its life.
    /// - Throws: ``Problem``, which holds nothing of the body.
    init(body: [UInt8], date: String?) throws(Problem) {
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(body)) else { throw Problem.notJSON }
        guard let token = [reply.token, reply.accessToken].compactMap({ $0 }).first(where: { !$0.isEmpty }) else {
            throw Problem.noToken
        }
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw Problem.unfitForHeader }
        // Servers should give a minute at least. One that gives less is believed: a body sent with a token that has
        // ended is sent in vain.
        let stated = reply.expiresIn.flatMap { $0 > 0 ? $0 : nil } ?? 60
        var age: Int64 = 0
        if let issued = reply.issuedAt.flatMap(WireDate.rfc3339), let date = date.flatMap(WireDate.http) {
            age = max(0, date - issued)
        }
        self.token = Secret(token)
        life = .seconds(max(1, stated - age))
        promised = .seconds(max(0, stated - age))
        granted = Self.scopes(inReply: reply.scope) ?? Self.scopes(inToken: token)
    }

    enum Problem: Error, Sendable, Equatable {
        case notJSON, noToken, unfitForHeader

        var reason: String {
            switch self {
            case .notJSON: "its answer is not the JSON object of a token"
            case .noToken: "its answer holds no token"
            case .unfitForHeader: "its token holds characters that no header can carry"
            }
        }
    }

    private static func scopes(inReply text: String?) -> [AccessScope]? {
        guard let text, !text.isEmpty else { return nil }
        let scopes = text.split(separator: " ").prefix(16).compactMap { AccessScope(parsing: String($0)) }
        return scopes.isEmpty ? nil : scopes
    }

    /// Reads the `access` claim of a JSON web token; the signature is its server's business.
    private static func scopes(inToken token: String) -> [AccessScope]? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var base64 = parts[1].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        base64 += Array(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let json = Data(base64Encoded: String(base64)),
            let access = (try? JSONDecoder().decode(Claims.self, from: json))?.access
        else { return nil }
        return access.prefix(16).compactMap { entry in
            entry.actions.isEmpty
                ? nil : AccessScope(parsing: "\(entry.type):\(entry.name):\(entry.actions.joined(separator: ","))")
        }
    }

    private struct Claims: Decodable {
        struct Access: Decodable {
            let type: String
            let name: String
            let actions: [String]
        }
        let access: [Access]?
    }
}

/// The fields of the reply, each of them read if it has the right type and left out if not.
private struct Reply: Decodable {
    let token: String?
    let accessToken: String?
    let expiresIn: Int64?
    let issuedAt: String?
    let scope: String?

    private enum Key: String, CodingKey {
        case token, scope
        case accessToken = "access_token"
        case expiresIn = "expires_in"
        case issuedAt = "issued_at"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func text(_ key: Key) -> String? { try? container.decode(String.self, forKey: key) }
        token = text(.token)
        accessToken = text(.accessToken)
        issuedAt = text(.issuedAt)
        scope = text(.scope)
        let seconds = (try? container.decode(Double.self, forKey: .expiresIn)) ?? text(.expiresIn).flatMap(Double.init)
        // A year at most: what is longer is no token that needs renewing, and no sum overflows.
        expiresIn = seconds.flatMap { $0.isNaN ? nil : Int64(min(max($0, 0), 31_536_000)) }
    }
}
