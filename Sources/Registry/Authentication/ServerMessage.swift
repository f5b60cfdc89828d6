internal import FoundationEssentials
internal import HTTP

/// What a server says about its refusal.
struct ServerMessage: Sendable {
    /// Who says it. A server that another one leads to may be one that was never meant to be shown to anybody.
    enum Speaker: Sendable {
        case registry
        /// At another origin: only what token servers say of a refusal is shown.
        case tokenServer
        /// Nothing is shown.
        case other
    }

    /// `UNAUTHORIZED`, `invalid_grant`, as it came: to decide by, not to be shown. Nil where there is none.
    let code: String?
    /// Safe to show: at most 300 characters, no control characters, no secrets. Nil where the body is no JSON or says
    /// nothing.
    let text: String?

    /// - Parameters:
    ///   - response: with a body such as `{"errors":[{"code","message"}]}` as registries write it; `error` and
    ///     `error_description`, as OAuth2 has it; `details` or `detail`, as Docker Hub's servers do; `message`.
    ///   - login: what was sent; a server that repeats it is not repeated here.
    ///   - speaker: what may be shown depends on it; `code` does not.
    init(_ response: HTTPResponse, hiding login: FoundCredential?, from speaker: Speaker) {
        guard let content = try? JSONDecoder().decode(Content.self, from: Data(response.body)) else {
            (code, text) = (nil, nil)
            return
        }
        let secrets = EchoedSecrets(response, login: login)
        code = content.code
        let shown: String? =
            switch speaker {
            case .registry: content.message
            case .tokenServer: content.refusal
            case .other: nil
            }
        text = shown.map { Self.shown($0, hiding: secrets, limit: 300) }
    }

    private static func shown(_ text: String, hiding secrets: EchoedSecrets, limit: Int) -> String {
        let scalars = secrets.removed(from: text).unicodeScalars.prefix(limit).map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                ? " " : Character(scalar)
        }
        return String(scalars)
    }

    private struct Content: Decodable {
        var code: String?
        var message: String?
        /// Of ``message``, what OAuth2, the registries' form and Docker Hub's token server have for it.
        var refusal: String?

        private enum Key: String, CodingKey {
            case errors, error, message, details, detail, code
            case description = "error_description"
        }

        private struct Entry: Decodable {
            var code: String?
            var message: String?

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                code = try? container.decode(String.self, forKey: .code)
                message = try? container.decode(String.self, forKey: .message)
            }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            func text(_ key: Key) -> String? {
                (try? container.decode(String.self, forKey: key)).flatMap { $0.isEmpty ? nil : $0 }
            }
            let first = (try? container.decode([Entry].self, forKey: .errors))?.first
            code = first?.code ?? text(.error) ?? text(.code)
            refusal = first?.message ?? text(.description) ?? text(.details)
            message = refusal ?? text(.message) ?? text(.detail) ?? code
        }
    }
}
