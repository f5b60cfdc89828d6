/// Running the command, and reading how it ended.
extension RepositoryCommand {
    /// - Parameter environment: the daemon's own; the program is looked up in its `PATH`.
    /// - Throws: ``RepositoryTrouble``; `CancellationError`, after it was killed.
    func make(_ repository: String, at registry: String, environment: [String: String]) async throws {
        let path = program.hasPrefix("/") ? program : Program.find(program, in: environment)
        guard let path else {
            throw RepositoryTrouble.refused(
                "the command \(program) is not in the PATH of pushd",
                advice:
                    "install \(program), or give its absolute path in createRepository; then: pushctl retry --failed")
        }
        var run = Program(
            path: path, arguments: arguments(registry: registry, repository: repository),
            environment: Program.passedOn(environment))
        run.limit = limit
        run.keepsEndOfOutput = true
        let outcome: Program.Outcome
        do { outcome = try await run.run(input: []) } catch let failure as ProgramFailure {
            switch failure {
            case .notStarted:
                throw RepositoryTrouble.refused("the command \(program): \(failure)", advice: Self.advice)
            case .tookTooLong, .saidTooMuch: throw RepositoryTrouble.failed("the command \(program): \(failure)")
            }
        }
        guard outcome.status != 0 else { return }
        let says = Self.lastWords(of: outcome)
        let text = says.isEmpty ? "" : ", and it says: \(says)"
        guard let status = outcome.status else {
            throw RepositoryTrouble.failed("a signal ended the command \(program)\(text)")
        }
        throw RepositoryTrouble.refused(
            "the command \(program) ended with exit status \(status)\(text)", advice: Self.advice)
    }

    private static let advice =
        "try it as the user that pushd runs as, mend it or registries.HOST.createRepository, then: pushctl retry --failed"

    /// The last lines of the error output, or else of the output, on one line and short.
    private static func lastWords(of outcome: Program.Outcome) -> String {
        for stream in [outcome.errors, outcome.output] {
            let lines = String(decoding: stream, as: UTF8.self).split(whereSeparator: \.isNewline)
                .filter { $0.contains { !$0.isWhitespace } }
            if !lines.isEmpty { return ServerAnswer.shown(lines.suffix(5).joined(separator: " "), limit: 500) }
        }
        return ""
    }
}
