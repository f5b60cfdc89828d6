internal import Glibc
internal import OCI

/// The logins in the files where Docker and the containers tools (podman, buildah, skopeo) keep them.
///
/// The first file that has a login for the repository counts. A file that is missing is passed over, one that can't be
/// read or understood is an error: continuing with the next, or anonymously, would hide it. Files are read again for each
/// question, so that a new login counts at once, and a removed one no longer. Where a file leaves the login to a helper,
/// the helper is asked.
///
/// Source: containers/image, containers-auth.json(5); docker/cli, cli/config/config.go.
public actor CredentialFiles: CredentialProvider {
    private struct File {
        let path: String
        var format = CredentialFile.Format.current
        /// Below a directory that other users' tools make: what can't even be looked at is none of this user's logins.
        var isPassedOverIfHidden = false
    }

    /// A file's bytes and what they mean, so that only what has changed is read anew.
    private struct Reading {
        let bytes: [UInt8]
        let content: Result<CredentialFile, CredentialFileProblem>
        /// Whether the bytes make sense, or one caller has found them unchanged after a pause.
        var isSettled: Bool
    }

    private let executor = BlockingExecutor(label: "pushd.credentials")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let files: [File]
    private var readings: [String: Reading] = [:]
    private let helpers: CredentialHelperDesk
    private let pause: @Sendable () async throws -> Void

    public nonisolated let places: [String]

    /// - Parameters:
    ///   - paths: files named in the configuration, of `config.json`'s form, looked at before all others.
    ///   - environment: `REGISTRY_AUTH_FILE`, after which no standard place is looked at; `XDG_RUNTIME_DIR`,
    ///     `XDG_CONFIG_HOME` and `DOCKER_CONFIG`, which move them; `CREDENTIALS_DIRECTORY`, where systemd puts the
    ///     credential `registry-auth`.
    ///     Credential helpers are looked up in `PATH`, and get it all.
    ///   - home: the home directory, if there is one.
    ///   - systemHome: the home directory of root, whose logins count after those of the daemon's own user; nil: they don't.
    ///   - user: the number in `/run/containers/N/auth.json`, which stands in for `XDG_RUNTIME_DIR`; nil: this process's.
    public init(
        paths: [String], environment: [String: String], home: String?, systemHome: String? = nil, user: UInt32? = nil
    ) {
        self.init(
            paths: paths, environment: environment, home: home, systemHome: systemHome, user: user,
            pause: { try await Task.sleep(for: .milliseconds(20)) })
    }

    /// - Parameter pause: waits between two looks at a file that may be being written.
    init(
        paths: [String], environment: [String: String], home: String?, systemHome: String? = nil, user: UInt32? = nil,
        pause: @escaping @Sendable () async throws -> Void
    ) {
        self.pause = pause
        files =
            Self.files(paths: paths, environment: environment, home: home, user: user ?? geteuid())
            + (systemHome.map { Self.files(ofRoot: $0, environment: environment) } ?? [])
        places = files.map(\.path)
        helpers = CredentialHelperDesk(environment: environment)
    }

    public func credential(registry: String, repository: String) async throws -> FoundCredential? {
        let keys = CredentialKeys(registry: registry, repository: repository)
        for file in files {
            func failure(_ reason: String) -> AuthenticationError {
                AuthenticationError(.credentialFileUnreadable(path: file.path, reason: reason), registry: registry)
            }
            let content: CredentialFile?
            do { content = try await read(file) } catch let problem as CredentialFileProblem {
                throw failure(problem.reason)
            }
            switch content?.answer(for: keys) {
            case nil:
                continue
            case .login(let login, let key):
                return FoundCredential(
                    credential: login.credential, fallback: login.fallback, origin: "\(file.path) (entry \"\(key)\")")
            case .helper(let name, let server, let isNamed):
                let shown = String(name.prefix(100))
                do {
                    guard let login = try await helpers.login(from: name, for: server) else { continue }
                    return FoundCredential(credential: login, origin: "\(file.path) (docker-credential-\(shown))")
                } catch let failure as CredentialHelper.Failure {
                    switch failure {
                    // A file that was copied from a desktop: nothing says that there is a login for this host.
                    case .notInstalled where !isNamed: continue
                    case .notInstalled:
                        throw AuthenticationError(.helperMissing(name: shown, path: file.path), registry: registry)
                    case .failed(let reason):
                        throw AuthenticationError(.helperFailed(name: shown, reason: reason), registry: registry)
                    }
                }
            case .malformed(let key, let reason):
                throw failure("entry \"\(key)\": \(reason)")
            }
        }
        return nil
    }

    public func forgetAnswers(olderThan age: Duration) async { await helpers.forget(olderThan: age) }

    /// Of the files that can be read.
    public func namespaces(registry: String) async -> [String] {
        var found: Set<String> = []
        for file in files {
            if let content = try? await read(file) { found.formUnion(content.namespaces(of: registry)) }
        }
        return found.sorted()
    }

    /// Nil for a file that is not there.
    ///
    /// One that is being written in place is empty at first, then a piece: what makes no sense is looked at again until
    /// it no longer changes.
    private func read(_ file: File) async throws -> CredentialFile? {
        var seen: [UInt8]?
        for _ in 0..<Self.maximumReads {
            guard let bytes = try readSmallFile(file.path, passingOverHidden: file.isPassedOverIfHidden) else {
                await forget(file)
                return nil
            }
            if let reading = readings[file.path], reading.bytes == bytes {
                if reading.isSettled || bytes == seen {
                    readings[file.path]?.isSettled = true
                    return try reading.content.get()
                }
            } else {
                let content = Result { () throws(CredentialFileProblem) in
                    try CredentialFile(json: bytes, format: file.format)
                }
                let isSettled = if !bytes.isEmpty, case .success = content { true } else { false }
                await forget(file)
                readings[file.path] = Reading(bytes: bytes, content: content, isSettled: isSettled)
                if isSettled { return try content.get() }
            }
            seen = bytes
            try await pause()
        }
        return try readings[file.path]?.content.get()
    }

    private static let maximumReads = 20

    /// The answers of helpers are forgotten when the file that names them changes: tools that log in and out change an
    /// entry in it.
    private func forget(_ file: File) async {
        if readings.removeValue(forKey: file.path) != nil { await helpers.forget() }
    }

    private static func files(
        paths: [String], environment: [String: String], home: String?, user: UInt32
    ) -> [File] {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var found = paths.map { File(path: $0) }
        if let directory = variable("CREDENTIALS_DIRECTORY") { found.append(File(path: directory + "/registry-auth")) }
        if let only = variable("REGISTRY_AUTH_FILE") { return found + [File(path: only)] }
        if let directory = variable("XDG_RUNTIME_DIR") {
            found.append(File(path: directory + "/containers/auth.json"))
        } else {
            found.append(File(path: "/run/containers/\(user)/auth.json", isPassedOverIfHidden: true))
        }
        if let directory = variable("XDG_CONFIG_HOME") ?? home.map({ $0 + "/.config" }) {
            found.append(File(path: directory + "/containers/auth.json"))
        }
        if let directory = variable("DOCKER_CONFIG") ?? home.map({ $0 + "/.docker" }) {
            found.append(File(path: directory + "/config.json"))
        }
        if let home { found.append(File(path: home + "/.dockercfg", format: .legacy)) }
        return found
    }

    /// Where root's tools keep logins. The environment's places are the daemon's own.
    private static func files(ofRoot home: String, environment: [String: String]) -> [File] {
        if environment["REGISTRY_AUTH_FILE"]?.isEmpty == false { return [] }
        return ["/run/containers/0", home + "/.config/containers"].map {
            File(path: $0 + "/auth.json", isPassedOverIfHidden: true)
        } + [File(path: home + "/.docker/config.json", isPassedOverIfHidden: true)]
    }
}
