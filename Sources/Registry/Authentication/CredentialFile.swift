internal import FoundationEssentials

/// The logins in one file of Docker's or the containers tools' making.
///
/// Source: docker/cli, cli/config/configfile/file.go; containers/image, containers-auth.json(5).
struct CredentialFile: Sendable {
    enum Format: Sendable {
        /// `config.json` and `auth.json`: the entries under `auths`, and who else may be asked.
        case current
        /// `~/.dockercfg`: the entries are the whole file, and no key names a repository.
        case legacy
    }

    let format: Format
    private let entries: [String: CredentialEntry]
    private let helpers: [String: String]
    private let store: String?

    /// - Throws: ``CredentialFileProblem``, which holds nothing of the content.
    init(json: [UInt8], format: Format) throws(CredentialFileProblem) {
        self.format = format
        guard !json.isEmpty else {  // as Docker has it: a file just made holds no logins yet
            (entries, helpers, store) = ([:], [:], nil)
            return
        }
        do {
            switch format {
            case .current:
                let content = try JSONDecoder().decode(Content.self, from: Data(json))
                (entries, helpers, store) = (content.auths ?? [:], content.credHelpers ?? [:], content.credsStore)
            case .legacy:
                entries = try JSONDecoder().decode([String: CredentialEntry].self, from: Data(json))
                (helpers, store) = ([:], nil)
            }
        } catch {
            throw CredentialFileProblem(readingFailed: error)
        }
    }

    /// What the file says about one repository.
    enum Answer: Sendable {
        case login(CredentialEntry.Login, key: String)
        /// A program is to be asked for the login that it keeps under `server`; nothing else in the file counts.
        ///
        /// - Parameter isNamed: whether the file says that it has one for this host, and not only for all hosts.
        case helper(name: String, server: String, isNamed: Bool)
        /// The entry under `key` is there and can't be read.
        case malformed(key: String, reason: String)
    }

    /// The helper named for the host itself; else the entry with the longest matching path; else one whose key means
    /// the same host in another spelling; else the helper for all hosts, `credsStore`. An empty entry is a mark that a
    /// login has left whose secret is there.
    func answer(for keys: CredentialKeys) -> Answer? {
        for host in keys.hosts {
            if let name = helpers[host], !name.isEmpty { return .helper(name: name, server: host, isNamed: true) }
        }
        var mark: String?
        let exact = format == .legacy ? keys.hosts : keys.namespaced
        let other = entries.keys.filter {
            CredentialKeys.normalised($0, isLegacy: format == .legacy) == keys.normalised
        }
        for key in exact + other.sorted() {
            guard let entry = entries[key] else { continue }
            switch entry {
            case .login(let login): return .login(login, key: key)
            case .malformed(let reason): return .malformed(key: key, reason: reason)
            case .empty: mark = mark ?? key
            }
        }
        guard let store, !store.isEmpty else { return nil }
        return .helper(name: store, server: mark ?? keys.docker, isNamed: mark != nil)
    }

    private struct Content: Decodable {
        let auths: [String: CredentialEntry]?
        let credHelpers: [String: String]?
        let credsStore: String?
    }
}

/// What is wrong with a credential file, in words that hold nothing of it.
struct CredentialFileProblem: Error, Sendable, Equatable {
    let reason: String

    init(reason: String) { self.reason = reason }

    /// The decoder's own words are not used: they may quote the file, and so a password.
    init(readingFailed error: any Error) {
        if case .dataCorrupted? = error as? DecodingError {
            reason = "it is not valid JSON"
        } else {
            reason = "it does not have the form of a Docker or containers login file"
        }
    }
}
