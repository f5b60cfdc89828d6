internal import Control
internal import OCI

/// What of a login file is for some registries: no other login leaves the caller's files.
///
/// It has the form of `config.json` and `auth.json`, read as leniently as the daemon reads them. Helpers stay in it by
/// name, without which the daemon could not say that one keeps the login.
struct LoginEntries: Equatable {
    let auths: [String: JSONValue]
    let helpers: [String: JSONValue]
    let store: JSONValue?

    /// - Throws: ``Failure`` where the file is not of that form.
    init(_ file: LoginFile) throws(Failure) {
        guard let document = try? JSONValue(edited: Array(file.content.utf8)), case .object = document,
            let auths = Self.members(document.member("auths")),
            let helpers = Self.members(document.member("credHelpers"))
        else {
            throw Failure(
                "your logins in \(file.path) can't be read: it is not the JSON that docker login or podman login writes",
                advice: "mend the file, or give the login with: -u USER", status: ExitStatus.failed)
        }
        self.init(auths: auths, helpers: helpers, store: document.member("credsStore"))
    }

    private init(auths: [String: JSONValue], helpers: [String: JSONValue], store: JSONValue?) {
        self.auths = auths
        self.helpers = helpers
        self.store = store
    }

    func only(for registries: Set<String>) -> LoginEntries {
        let names = RegistryNames()
        let wanted = Set(registries.map(names.name))
        func isWanted(_ key: String) -> Bool { wanted.contains(names.name(of: Self.host(of: key))) }
        return LoginEntries(
            auths: auths.filter { isWanted($0.key) }, helpers: helpers.filter { isWanted($0.key) }, store: store)
    }

    /// The text of a file that holds these alone.
    var text: String {
        var document = JSONValue.object(["auths": .object(auths), "credHelpers": .object(helpers)])
        document["credsStore"] = store
        // What was read as JSON is written as JSON.
        return ((try? document.bytes()).map { String(decoding: $0, as: UTF8.self) }) ?? "{}"
    }

    /// An absent object is an empty one; nil for what is none.
    private static func members(_ json: JSONValue?) -> [String: JSONValue]? {
        switch json {
        case nil, .null: [:]
        case .object(let members): members
        default: nil
        }
    }

    /// The host of an entry's key: `https://index.docker.io/v1/`, `registry.example/team`.
    private static func host(of key: String) -> String {
        var rest = key.lowercased()[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return String(rest.prefix { $0 != "/" })
    }
}
