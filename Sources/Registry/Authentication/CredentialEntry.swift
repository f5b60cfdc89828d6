internal import FoundationEssentials

/// One entry of a credential file.
///
/// Source: docker/cli, cli/config/types/authconfig.go.
enum CredentialEntry: Sendable, Decodable {
    case login(Login)
    /// `{}`, or nothing in it that is a login.
    case empty
    /// The reason holds nothing of the entry. It counts only for a host whose entry this is.
    case malformed(reason: String)

    struct Login: Hashable, Sendable {
        let credential: Credential
        let fallback: Credential?
    }

    private enum Key: String, CodingKey {
        case auth, username, password, identitytoken, registrytoken
    }

    init(from decoder: any Decoder) throws {
        guard let container = try? decoder.container(keyedBy: Key.self) else {
            self = .malformed(reason: "it is not an object")
            return
        }
        var fields: [Key: String] = [:]
        for key in [Key.auth, .username, .password, .identitytoken, .registrytoken] where container.contains(key) {
            if (try? container.decodeNil(forKey: key)) == true { continue }
            guard let text = try? container.decode(String.self, forKey: key) else {
                self = .malformed(reason: "its field \(key.rawValue) is not a text")
                return
            }
            if !text.isEmpty { fields[key] = text }
        }
        self = Self.reading(fields)
    }

    private static func reading(_ fields: [Key: String]) -> CredentialEntry {
        var pair = (user: fields[.username] ?? "", password: fields[.password] ?? "")
        if let auth = fields[.auth] {  // wins over the plain fields
            guard let decoded = decode(auth) else {
                return .malformed(reason: "its field auth is not the Base64 form of USER:PASSWORD")
            }
            pair = decoded
        }
        let login =
            pair.user.isEmpty || pair.password.isEmpty
            ? nil : Credential.basic(user: pair.user, password: Secret(pair.password))
        if let token = fields[.identitytoken] {
            return .login(Login(credential: .identityToken(Secret(token)), fallback: login))
        }
        if let token = fields[.registrytoken] {
            guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                return .malformed(reason: "its field registrytoken holds characters that no header can carry")
            }
            return .login(Login(credential: .bearer(Secret(token)), fallback: login))
        }
        guard let login else {
            return fields.isEmpty ? .empty : .malformed(reason: "it lacks a user or a password")
        }
        guard !pair.user.utf8.contains(UInt8(ascii: ":")) else {
            return .malformed(reason: "its user name holds a colon")
        }
        return .login(Login(credential: login, fallback: nil))
    }

    /// Splits at the first colon; old versions of Docker padded the password with NULs. The password may be empty, as
    /// it is beside an identity token, the user may not.
    private static func decode(_ auth: String) -> (user: String, password: String)? {
        guard let data = Data(base64Encoded: padded(auth)), let text = String(bytes: data, encoding: .utf8),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex
        else { return nil }
        var password = text[text.utf8.index(after: colon)...]
        while password.unicodeScalars.last == "\0" { password.unicodeScalars.removeLast() }
        return (String(text[..<colon]), String(password))
    }

    private static func padded(_ base64: String) -> String {
        base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    }
}
