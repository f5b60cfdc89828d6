/// A command of the user's that makes a repository, such as `aws ecr create-repository --repository-name {repository}`.
///
/// It is run without a shell: each word stays one argument, also with values that hold spaces or quotes.
public struct RepositoryCommand: Sendable, Hashable {
    /// An absolute path, or a name that is looked for in `PATH`.
    public let program: String
    /// With what is filled in still in braces.
    public let arguments: [String]
    public let limit: Duration

    /// - Throws: ``RepositoryCommandError`` for what could never run.
    public init(_ words: [String], limit: Duration = .seconds(60)) throws(RepositoryCommandError) {
        guard let program = words.first, !program.isEmpty else {
            throw RepositoryCommandError(reason: "it has no program")
        }
        guard words.count <= 100, words.allSatisfy({ $0.utf8.count <= 4096 && !$0.utf8.contains(0) }) else {
            throw RepositoryCommandError(reason: "it is too long")
        }
        guard program.hasPrefix("/") || !program.contains("/") else {
            throw RepositoryCommandError(
                reason: "the program is a name or an absolute path, not \"\(program.prefix(60))\"")
        }
        guard !program.contains("{") else {
            throw RepositoryCommandError(reason: "the program itself can't be filled in")
        }
        self.program = program
        arguments = Array(words.dropFirst())
        self.limit = limit
        for word in arguments { try Self.check(word) }
    }

    /// What may stand in braces. Other braces are left alone: some programs take JSON.
    private static let variables = ["repository", "registry", "namespace", "name"]

    /// `{repo}` is most likely a mistake; `{"a": 1}` and `{}` are none.
    private static func check(_ word: String) throws(RepositoryCommandError) {
        for part in word.split(separator: "{", omittingEmptySubsequences: false).dropFirst() {
            guard let end = part.firstIndex(of: "}") else { continue }
            let variable = part[..<end]
            let isName = !variable.isEmpty && variable.utf8.allSatisfy { (0x61...0x7A).contains($0) }
            guard !isName || variables.contains(String(variable)) else {
                throw RepositoryCommandError(
                    reason: "{\(variable.prefix(40))} is not known: "
                        + "\(variables.map { "{\($0)}" }.joined(separator: ", ")) are")
            }
        }
    }

    /// The arguments for one repository.
    ///
    /// - Parameters:
    ///   - registry: host and port.
    ///   - repository: `team/backend/app`: its name is `app`, its namespace `team/backend`, which may be empty.
    func arguments(registry: String, repository: String) -> [String] {
        let parts = repository.split(separator: "/")
        let values = [
            "repository": repository, "registry": registry, "namespace": parts.dropLast().joined(separator: "/"),
            "name": parts.last.map(String.init) ?? repository,
        ]
        return arguments.map { Self.fill($0, with: values) }
    }

    /// From left to right and once: what was filled in is not looked at again.
    private static func fill(_ word: String, with values: [String: String]) -> String {
        var filled = ""
        var rest = Substring(word)
        while let open = rest.firstIndex(of: "{") {
            filled += rest[..<open]
            rest = rest[open...]
            if let close = rest.firstIndex(of: "}"), let value = values[String(rest[..<close].dropFirst())] {
                filled += value
                rest = rest[rest.index(after: close)...]
            } else {
                filled += "{"
                rest = rest.dropFirst()
            }
        }
        return filled + rest
    }
}

/// A command that can't be one.
public struct RepositoryCommandError: Error, Sendable, CustomStringConvertible {
    public let reason: String
    public var description: String { reason }
}
