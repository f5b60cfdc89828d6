internal import FoundationEssentials
internal import OCI

/// Keeps logins where `docker login` does, so that Docker and the containers tools find them as pushd does.
///
/// Other entries, and members that pushd knows nothing of, stay as they are. Where the file names a helper for the
/// registry, that gets the secret.
///
/// Source: docker/cli, cli/config/credentials/{file_store,native_store}.go.
public actor CredentialStore {
    /// Why a login could not be kept, in words that hold no secret.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
        public let advice: String?
    }

    private let executor = BlockingExecutor(label: "pushd.logins")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let path: String?
    private let environment: [String: String]

    /// - Parameters:
    ///   - paths: files named in the configuration; the first is written.
    ///   - environment: `REGISTRY_AUTH_FILE`, or else `DOCKER_CONFIG`, say where without them; `PATH` of helpers.
    ///   - home: the home directory, if there is one.
    public init(paths: [String], environment: [String: String], home: String?) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let directory = variable("DOCKER_CONFIG") ?? home.map { $0 + "/.docker" }
        path = paths.first ?? variable("REGISTRY_AUTH_FILE") ?? directory.map { $0 + "/config.json" }
        self.environment = environment
    }

    /// - Returns: where the login is now, for people.
    /// - Throws: ``Failure``, `CancellationError`.
    public func store(user: String, password: Secret, for registry: String) async throws -> String {
        let path = try place()
        let key = CredentialKeys(registry: registry, repository: "").docker
        let document = try read(path)
        var entry = JSONValue.object([:])
        var kept = path
        if let name = try Self.helper(for: registry, in: document) {
            try await ask(name) { try await $0.store(user: user, password: password, for: key) }
            kept = "docker-credential-\(name), which \(path) names"
        } else {
            let pair = Data("\(user):\(password.revealed())".utf8).base64EncodedString()
            entry["auth"] = .string(pair)
        }
        // What the helper took its time for may have been changed meanwhile.
        try change(path, makingDirectory: true) { document in
            Self.remove(registry, from: &document)
            let auths = document.memberName("auths") ?? "auths"
            var entries = document[auths] ?? .object([:])
            entries[key] = entry
            document[auths] = entries
            return true
        }
        return kept
    }

    /// - Returns: where a login was, for people; nil where there was none.
    /// - Throws: ``Failure``, `CancellationError`.
    public func erase(_ registry: String) async throws -> String? {
        let path = try place()
        let document = try read(path)
        var place: String?
        if let name = try Self.helper(for: registry, in: document) {
            let key = CredentialKeys(registry: registry, repository: "").docker
            var had = false
            try await ask(name) {
                had = try await $0.login(for: key) != nil
                if had { try await $0.erase(key) }
            }
            if had { place = "docker-credential-\(name), which \(path) names" }
        }
        let isChanged = try change(path, makingDirectory: false) { Self.remove(registry, from: &$0) }
        return isChanged ? place ?? path : place
    }

    private func place() throws(Failure) -> String {
        guard let path else {
            throw Failure(
                description: "there is no place for logins: the daemon's user has no home directory",
                advice: "name a file in the configuration: credentials: { files: [\"/var/lib/pushd/auth.json\"] }")
        }
        return path
    }

    /// Removes the registry's entries, under all its names. Those of namespaces stay.
    @discardableResult
    private static func remove(_ registry: String, from document: inout JSONValue) -> Bool {
        guard let auths = document.memberName("auths"), case .object(let all)? = document[auths] else { return false }
        let wanted = CredentialKeys(registry: registry, repository: "")
        let rest = all.filter { key, _ in
            wanted.fit(of: CredentialKey(key, isLegacy: false)).map(\.isGuess) ?? true
        }
        document[auths] = .object(rest)
        return rest.count < all.count
    }

    private static func helper(for registry: String, in document: JSONValue) throws -> String? {
        try CredentialFile(document, format: .current).helper(
            for: CredentialKeys(registry: registry, repository: ""))
    }

    private func ask(_ name: String, _ body: (CredentialHelper) async throws -> Void) async throws {
        do {
            try await body(CredentialHelper(name: name, environment: environment))
        } catch let failure as CredentialHelper.Failure {
            let shown = "docker-credential-\(name.prefix(100))"
            switch failure {
            case .notInstalled:
                throw Failure(
                    description: "\(shown), which is to keep logins, is not in the PATH of pushd",
                    advice: "install it, or take it out of \(path ?? "the file")")
            case .failed(let reason): throw Failure(description: "\(shown) failed: \(reason)", advice: nil)
            }
        }
    }

    // MARK: The file

    private func read(_ path: String) throws(Failure) -> JSONValue {
        try withFile(path, makingDirectory: false) { file throws(Failure) in try Self.read(&file, path) }
            ?? .object([:])
    }

    /// Changes what the file has, as it is at this moment.
    ///
    /// - Parameter body: returns whether it has changed anything.
    @discardableResult
    private func change(
        _ path: String, makingDirectory makesDirectory: Bool, _ body: (inout JSONValue) -> Bool
    ) throws(Failure) -> Bool {
        try withFile(path, makingDirectory: makesDirectory) { file throws(Failure) in
            var document = try Self.read(&file, path)
            guard body(&document) else { return false }
            guard let text = try? document.bytes(forPeople: true) else {
                throw Failure(description: "the logins in \(path) can't be written as JSON", advice: nil)
            }
            do throws(LoginFile.Problem) { try file.write(text + [UInt8(ascii: "\n")]) } catch {
                throw Self.failure(error, "write", path)
            }
            return true
        } ?? false
    }

    /// - Returns: nil where the file's directory is not there, and is not to be made.
    private func withFile<Value>(
        _ path: String, makingDirectory makesDirectory: Bool, _ body: (inout LoginFile) throws(Failure) -> Value
    ) throws(Failure) -> Value? {
        let result: Result<Value, Failure>
        do throws(LoginFile.Problem) {
            var file = try LoginFile.open(path, makingDirectory: makesDirectory)
            do throws(Failure) { result = .success(try body(&file)) } catch { result = .failure(error) }
        } catch {
            if error.isAbsence, !makesDirectory { return nil }
            throw Self.failure(error, "use", path)
        }
        return try result.get()
    }

    private static func read(_ file: inout LoginFile, _ path: String) throws(Failure) -> JSONValue {
        do throws(CredentialFileProblem) {
            guard let bytes = try file.read() else { return .object([:]) }
            let document = try CredentialFile.document(bytes)
            _ = try CredentialFile(document, format: .current)  // for its form
            return document
        } catch {
            throw Failure(description: "the logins in \(path) can't be read: \(error.reason)", advice: "repair \(path)")
        }
    }

    private static func failure(_ problem: LoginFile.Problem, _ verb: String, _ path: String) -> Failure {
        Failure(
            description: "cannot \(verb) \(path): \(problem.reason)",
            advice: problem.advice
                ?? "let the user that pushd runs as write it, or name another file in the configuration: "
                + "credentials: { files: [\"FILE\"] }")
    }
}
