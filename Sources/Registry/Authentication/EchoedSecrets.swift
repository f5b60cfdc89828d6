internal import FoundationEssentials
internal import HTTP

/// The secrets that a request was sent with, to be taken out of what its answer says: some servers, and more proxies,
/// repeat the request in their errors.
struct EchoedSecrets: Sendable {
    private let texts: [String]

    /// - Parameters:
    ///   - response: knows what its request's `Authorization` was.
    ///   - login: what that was made of, where it did not stand in a header.
    init(_ response: HTTPResponse, login: FoundCredential? = nil) {
        var texts = [login?.credential, login?.fallback].compactMap { $0?.secret.revealed() }
        if let authorization = response.requestHeaders["Authorization"] {
            let value = authorization.drop { $0 != " " }.dropFirst()
            texts.append(String(value))
            if authorization.hasPrefix("Basic "), let pair = Data(base64Encoded: String(value)) {
                let password = String(decoding: pair, as: UTF8.self).drop { $0 != ":" }.dropFirst()
                texts.append(String(password))
            }
        }
        // Longer ones first: one may hold another.
        self.texts = texts.filter { !$0.isEmpty }.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// `text` with `…` in place of each.
    func removed(from text: String) -> String {
        texts.reduce(text) { text, secret in text.contains(secret) ? text.replacing(secret, with: "…") : text }
    }
}

extension Credential {
    fileprivate var secret: Secret {
        switch self {
        case .basic(_, let password): password
        case .identityToken(let token), .bearer(let token): token
        }
    }
}
