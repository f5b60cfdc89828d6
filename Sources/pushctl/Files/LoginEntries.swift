internal import Control
internal import FoundationEssentials
internal import OCI

/// What of a login file is for some registries: no other login leaves the caller's files.
///
/// It has the form of `config.json` and `auth.json`. Helpers stay in it by name, without which the daemon could not say
/// that one keeps the login.
struct LoginEntries: Codable, Equatable {
    var auths: [String: JSONValue]?
    var credHelpers: [String: String]?
    var credsStore: String?

    /// - Throws: ``Failure`` where the file is not of that form.
    init(_ file: LoginFile) throws(Failure) {
        do { self = try JSONDecoder().decode(LoginEntries.self, from: Data(file.content.utf8)) } catch {
            throw Failure(
                "your logins in \(file.path) can't be read: it is not the JSON that docker login or podman login writes",
                advice: "mend the file, or give the login with: -u USER", status: ExitStatus.failed)
        }
    }

    func only(for registries: Set<String>) -> LoginEntries {
        let wanted = Set(registries.map(Self.host))
        var entries = self
        entries.auths = auths?.filter { wanted.contains(Self.host($0.key)) }
        entries.credHelpers = credHelpers?.filter { wanted.contains(Self.host($0.key)) }
        return entries
    }

    /// The text of a file that holds these alone.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts, numbers and what is made of them always encode.
        return ((try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }) ?? "{}"
    }

    /// The registry that an entry is for, as image names have it: `https://index.docker.io/v1/`, `registry.example/team`.
    private static func host(_ key: String) -> String {
        var rest = key.lowercased()[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let host = String(rest.prefix { $0 != "/" })
        if ["index.docker.io", "registry-1.docker.io"].contains(host) { return "docker.io" }
        // A word without a dot would be a part of a name at Docker Hub.
        guard let reference = try? ImageReference(parsing: host + "/x/y"), reference.path == "x/y" else { return host }
        return reference.domain
    }
}

/// Any JSON, kept as it is.
indirect enum JSONValue: Codable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
