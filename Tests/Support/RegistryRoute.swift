internal import OCI

/// What a path and query of the distribution API name.
///
/// Source: OCI distribution-spec 1.1, "Endpoints".
enum RegistryRoute: Sendable, Equatable {
    case ping, token
    case manifest(repository: String, reference: String)
    case blob(repository: String, Digest)
    case uploads(repository: String)
    case upload(repository: String, session: String)
    case tags(repository: String)
    case referrers(repository: String)
    case unknown

    init(path: String) {
        self = Self.parse(path)
    }

    var repository: String? {
        switch self {
        case .ping, .token, .unknown: nil
        case .manifest(let repository, _), .blob(let repository, _), .uploads(let repository),
            .upload(let repository, _), .tags(let repository), .referrers(let repository):
            repository
        }
    }

    private static func parse(_ path: String) -> RegistryRoute {
        if path == "/v2/" { return .ping }
        if path == "/token" { return .token }
        guard path.hasPrefix("/v2/") else { return .unknown }
        let parts = path.dropFirst(4).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        func repository(_ endingParts: Int) -> String? {
            let name = parts.dropLast(endingParts)
            return !name.isEmpty && name.allSatisfy(isNameComponent) ? name.joined(separator: "/") : nil
        }
        guard parts.count >= 3 else { return .unknown }
        let (last, beforeLast) = (RequestHead.decoded(parts[parts.count - 1][...]), parts[parts.count - 2])
        if beforeLast == "uploads", parts[parts.count - 3] == "blobs", let name = repository(3) {
            return last.isEmpty ? .uploads(repository: name) : .upload(repository: name, session: last)
        }
        guard let name = repository(2) else { return .unknown }
        switch beforeLast {
        case "manifests" where ImageReference.isValidTag(last) || (try? Digest(parsing: last)) != nil:
            return .manifest(repository: name, reference: last)
        case "blobs": return (try? Digest(parsing: last)).map { .blob(repository: name, $0) } ?? .unknown
        case "tags" where last == "list": return .tags(repository: name)
        case "referrers": return .referrers(repository: name)
        default: return .unknown
        }
    }

    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
    private static func isNameComponent(_ text: String) -> Bool {
        var separator = ""
        var afterLetter = false
        for byte in text.utf8 {
            if (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) {
                guard separator.isEmpty || afterLetter else { return false }
                guard ["", ".", "_", "__"].contains(separator) || separator.allSatisfy({ $0 == "-" }) else {
                    return false
                }
                (separator, afterLetter) = ("", true)
            } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") {
                separator.append(Character(UnicodeScalar(byte)))
            } else {
                return false
            }
        }
        return afterLetter && separator.isEmpty
    }
}

/// Kinds of requests, as tests and faults tell them apart.
public enum RequestKind: String, Sendable, CaseIterable {
    case ping, token, manifest, blob
    /// POST that opens an upload, mounts included.
    case uploadStart
    /// POST that asks for a mount.
    case mount
    /// PATCH or PUT of an upload.
    case uploadBody
    case uploadStatus, uploadCancel
    case tags, referrers, unknown

    init(_ route: RegistryRoute, method: String, target: String) {
        switch route {
        case .ping: self = .ping
        case .token: self = .token
        case .manifest: self = .manifest
        case .blob: self = .blob
        case .uploads:
            let query = target.drop { $0 != "?" }.dropFirst().split(separator: "&")
            self = query.contains { $0.hasPrefix("mount=") } ? .mount : .uploadStart
        case .upload:
            switch method {
            case "PATCH", "PUT": self = .uploadBody
            case "DELETE": self = .uploadCancel
            default: self = .uploadStatus
            }
        case .tags: self = .tags
        case .referrers: self = .referrers
        case .unknown: self = .unknown
        }
    }

    /// Whether a request of kind `other` is meant by this one.
    func covers(_ other: RequestKind) -> Bool { self == other || (self == .uploadStart && other == .mount) }
}

extension RecordedRequest {
    var route: RegistryRoute { RegistryRoute(path: String(target.prefix { $0 != "?" })) }

    /// What the request asked of a registry.
    public var kind: RequestKind { RequestKind(route, method: method, target: target) }

    /// The repository named in its path.
    public var repository: String? { route.repository }
}
