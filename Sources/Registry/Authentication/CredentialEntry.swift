internal import FoundationEssentials
internal import OCI

/// One entry of a credential file.
///
/// Read as leniently as any of the tools reads it that use such files: what only one of them takes counts too, as long
/// as it can mean one login only.
///
/// Source: docker/cli, cli/config/types/authconfig.go and configfile/file.go; go-containerregistry, pkg/authn/authn.go.
enum CredentialEntry: Sendable {
    case login(Login)
    /// `{}`, or nothing in it that is a login.
    case empty
    /// The reason holds nothing of the entry. It counts only for a host whose entry this is.
    case malformed(reason: String)

    struct Login: Hashable, Sendable {
        let credential: Credential
        let fallback: Credential?
    }

    private enum Field: String, CaseIterable { case auth, username, password, identitytoken, registrytoken }

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .empty
        case .object: self = Self.reading(json)
        default: self = .malformed(reason: "it is not an object")
        }
    }

    /// A field that can't be used is no fault beside others that are a login.
    private static func reading(_ json: JSONValue) -> CredentialEntry {
        var fields: [Field: String] = [:]
        var fault: String?
        for field in Field.allCases {
            switch json.member(field.rawValue) {
            case nil, .null, .string(""): continue
            case .string(let text): fields[field] = text
            default: fault = fault ?? "its field \(field.rawValue) is not a text"
            }
        }
        var pair = (user: fields[.username] ?? "", password: fields[.password] ?? "")
        if let auth = fields[.auth] {  // wins over the plain fields
            if let decoded = decode(auth) {
                pair = decoded
            } else {
                fault = fault ?? "its field auth is not the Base64 form of USER:PASSWORD"
            }
        }
        if pair.user.utf8.contains(UInt8(ascii: ":")) {
            fault = fault ?? "its user name holds a colon"
            pair.user = ""
        }
        let login =
            pair.user.isEmpty || pair.password.isEmpty
            ? nil : Credential.basic(user: pair.user, password: Secret(pair.password))
        if let token = fields[.identitytoken] {
            return .login(Login(credential: .identityToken(Secret(token)), fallback: login))
        }
        if let token = fields[.registrytoken] {
            if token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
                return .login(Login(credential: .bearer(Secret(token)), fallback: login))
            }
            fault = fault ?? "its field registrytoken holds characters that no header can carry"
        }
        if let login { return .login(Login(credential: login, fallback: nil)) }
        if let fault { return .malformed(reason: fault) }
        return fields.isEmpty ? .empty : .malformed(reason: "it lacks a user or a password")
    }

    /// Splits at the first colon; old versions of Docker padded the password with NULs. The password may be empty, as
    /// it is beside an identity token, the user may not.
    private static func decode(_ auth: String) -> (user: String, password: String)? {
        guard let data = Data(base64Encoded: canonical(auth)), let text = String(bytes: data, encoding: .utf8),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex
        else { return nil }
        let password = text[text.utf8.index(after: colon)...].unicodeScalars
        let start = password.firstIndex { $0 != "\0" } ?? password.endIndex
        let end = password.lastIndex { $0 != "\0" }.map { password.index(after: $0) } ?? start
        return (String(text[..<colon]), String(String.UnicodeScalarView(password[start..<end])))
    }

    /// Base64 without the line breaks that `base64` puts into long texts, and with the padding that it ought to have:
    /// go-containerregistry takes it without.
    private static func canonical(_ base64: String) -> String {
        var text = base64.unicodeScalars.filter { !$0.properties.isWhitespace }
        while text.last == "=" { text.removeLast() }
        return String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }
}
