internal import OCI

/// The logins in one file of Docker's or the containers tools' making.
///
/// Source: docker/cli, cli/config/configfile/file.go; containers/image, containers-auth.json(5).
struct CredentialFile: Sendable {
    enum Format: Sendable {
        /// `config.json` and `auth.json`: the entries under `auths`, and the helpers that may be asked.
        case current
        /// `~/.dockercfg`: the entries are the whole file, and no key names a repository.
        case legacy
    }

    private let entries: [(key: CredentialKey, entry: CredentialEntry)]
    /// Nil for a value that is no name.
    private let helpers: [(key: CredentialKey, name: String?)]
    private let store: Store

    /// The helper for all hosts.
    private enum Store { case none, named(String), malformed }

    /// A malformed entry is no error here: it becomes one when the login of its host is looked for. Members that are no
    /// logins are ignored.
    ///
    /// - Throws: ``CredentialFileProblem``, which holds nothing of the content.
    init(json: [UInt8], format: Format) throws(CredentialFileProblem) {
        try self.init(try Self.document(json), format: format)
    }

    init(_ document: JSONValue, format: Format) throws(CredentialFileProblem) {
        let isLegacy = format == .legacy
        let auths = isLegacy ? document : document.member("auths") ?? .null
        entries = try Self.members(auths).map { (CredentialKey($0, isLegacy: isLegacy), CredentialEntry($1)) }
        guard !isLegacy else {
            (helpers, store) = ([], .none)
            return
        }
        helpers = try Self.members(document.member("credHelpers") ?? .null).map { key, value in
            if case .string(let name) = value { return (CredentialKey(key, isLegacy: false), name) }
            return (CredentialKey(key, isLegacy: false), value == .null ? "" : nil)
        }
        switch document.member("credsStore") {
        case nil, .null, .string(""): store = .none
        case .string(let name): store = .named(name)
        default: store = .malformed
        }
    }

    /// The file's content; an empty object for an empty file, which is one that was just made.
    ///
    /// - Throws: ``CredentialFileProblem``, which holds nothing of the content.
    static func document(_ bytes: [UInt8]) throws(CredentialFileProblem) -> JSONValue {
        guard let document = try? JSONValue(edited: bytes) else {
            throw CredentialFileProblem(reason: "it is not valid JSON")
        }
        guard case .object = document else { throw .wrongForm }
        return document
    }

    private static func members(_ json: JSONValue) throws(CredentialFileProblem) -> [(key: String, value: JSONValue)] {
        switch json {
        case .null: []
        case .object(let members): members.sorted { $0.key < $1.key }
        default: throw .wrongForm
        }
    }

    /// What the file says about one repository.
    enum Answer: Sendable {
        case login(CredentialEntry.Login, key: String)
        /// A program is to be asked for the login that it keeps under `server`; nothing else in the file counts.
        ///
        /// - Parameter isNamed: whether the file says that it has one for this host, and not only for all hosts.
        case helper(name: String, server: String, isNamed: Bool)
        /// What stands under `key` is there and can't be read.
        case malformed(key: String, reason: String)
    }

    /// The helper named for the host itself; else the entry with the longest matching path; else one whose key means
    /// the same host in another spelling; else the helper for all hosts, `credsStore`. An empty entry is a mark that a
    /// login has left whose secret is there.
    ///
    /// An entry that can't be read gives way to one of the same scope, not to one of a wider scope.
    func answer(for keys: CredentialKeys) -> Answer? {
        if let helper = ownHelper(for: keys) { return helper }
        var mark: String?
        var fault: (depth: Int, answer: Answer)?
        for (fit, key, entry) in fitting(keys) {
            if let fault, fault.depth > fit.depth { return fault.answer }
            switch entry {
            case .login(let login): return .login(login, key: key.text)
            case .empty: mark = mark ?? key.text
            case .malformed(let reason):
                fault = fault ?? (fit.depth, .malformed(key: key.text, reason: reason))
            }
        }
        if let fault { return fault.answer }
        switch store {
        case .none: return nil
        case .named(let name): return .helper(name: name, server: mark ?? keys.docker, isNamed: mark != nil)
        case .malformed: return .malformed(key: "credsStore", reason: "it is not the name of a program")
        }
    }

    /// The paths at a host that have an entry of their own.
    func namespaces(of registry: String) -> [String] {
        let host = CredentialKeys(registry: registry, repository: "").host
        return entries.filter { $0.key.host == host && !$0.key.path.isEmpty }.map { $0.key.path.joined(separator: "/") }
    }

    /// The name of the program that is to keep the host's login; nil where the file itself does.
    func helper(for keys: CredentialKeys) -> String? {
        if case .helper(let name, _, _)? = ownHelper(for: keys) { return name }
        if case .named(let name) = store { return name }
        return nil
    }

    private func ownHelper(for keys: CredentialKeys) -> Answer? {
        let found = helpers.compactMap { helper -> (fit: CredentialKeys.Fit, key: CredentialKey, name: String?)? in
            guard let fit = keys.fit(of: helper.key), fit.depth == 0, !fit.isGuess, helper.name != "" else {
                return nil
            }
            return (fit, helper.key, helper.name)
        }
        guard let best = found.min(by: { $0.fit < $1.fit }) else { return nil }
        guard let name = best.name else {
            return .malformed(key: best.key.text, reason: "it is not the name of a program")
        }
        let server = keys.hosts.contains(best.key.text) ? best.key.text : keys.docker
        return .helper(name: name, server: server, isNamed: true)
    }

    /// The entries that can mean what is looked for, the best first. Of several guesses none counts.
    private func fitting(_ keys: CredentialKeys) -> [(CredentialKeys.Fit, CredentialKey, CredentialEntry)] {
        let found = entries.compactMap { key, entry in keys.fit(of: key).map { ($0, key, entry) } }
        let isClear = found.count(where: { $0.0.isGuess }) == 1
        return found.filter { isClear || !$0.0.isGuess }.sorted {
            $0.0 == $1.0 ? $0.1.text < $1.1.text : $0.0 < $1.0
        }
    }
}

/// What is wrong with a credential file, in words that hold nothing of it.
struct CredentialFileProblem: Error, Sendable, Equatable {
    let reason: String

    init(reason: String) { self.reason = reason }

    static let wrongForm = CredentialFileProblem(
        reason: "it does not have the form of a Docker or containers login file")
}
