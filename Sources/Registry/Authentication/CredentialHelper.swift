internal import FoundationEssentials

/// A program `docker-credential-NAME` that keeps logins for Docker and the containers tools.
///
/// Source: docker/docker-credential-helpers, credentials/credentials.go and client/client.go.
struct CredentialHelper: Sendable {
    let name: String
    /// Its `PATH` tells where the program is; it gets the whole of it but the service manager's part.
    let environment: [String: String]
    var limit: Duration = .seconds(30)

    /// What went wrong, in words that hold no secret.
    enum Failure: Error, Sendable {
        /// No directory of `PATH` has it.
        case notInstalled
        case failed(reason: String)
    }

    private struct Answer: Codable {
        var server: String?
        let username: String
        let secret: String

        enum CodingKeys: String, CodingKey {
            case server = "ServerURL"
            case username = "Username"
            case secret = "Secret"
        }
    }

    /// The login for `server`; nil where the program has none.
    ///
    /// - Parameter server: host and port, or another key under which a login was stored.
    /// - Throws: ``Failure``, `CancellationError`.
    func login(for server: String) async throws -> Credential? {
        let outcome = try await run("get", input: Array(server.utf8))
        guard outcome.status == 0 else { return try Self.refusal(outcome) }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(outcome.output)) else {
            throw Failure.failed(reason: "its answer has not the form of a login")
        }
        return try Self.credential(of: answer)
    }

    /// - Throws: ``Failure``, `CancellationError`.
    func store(user: String, password: Secret, for server: String) async throws {
        let entry = Answer(server: server, username: user, secret: password.revealed())
        let outcome = try await run("store", input: Array(try JSONEncoder().encode(entry)))
        if outcome.status != 0 { _ = try Self.refusal(outcome) }
    }

    /// - Throws: ``Failure``, `CancellationError`.
    func erase(_ server: String) async throws {
        let outcome = try await run("erase", input: Array(server.utf8))
        if outcome.status != 0 { _ = try Self.refusal(outcome) }
    }

    private func run(_ command: String, input: [UInt8]) async throws -> Program.Outcome {
        guard Self.isSafe(name), let path = Program.find("docker-credential-\(name)", in: environment) else {
            throw Failure.notInstalled
        }
        var program = Program(path: path, arguments: [command], environment: Program.passedOn(environment))
        program.limit = limit
        do { return try await program.run(input: input) } catch let failure as ProgramFailure {
            throw Failure.failed(reason: failure.description)
        }
    }

    private static func credential(of answer: Answer) throws(Failure) -> Credential? {
        if answer.username.isEmpty, answer.secret.isEmpty { return nil }
        guard !answer.secret.isEmpty else { throw .failed(reason: "its answer has no secret") }
        if answer.username == "<token>" { return .identityToken(Secret(answer.secret)) }
        guard !answer.username.isEmpty, !answer.username.utf8.contains(UInt8(ascii: ":")) else {
            throw .failed(reason: "its answer's user name is empty or holds a colon")
        }
        return .basic(user: answer.username, password: Secret(answer.secret))
    }

    /// The error's text stands on standard output.
    private static func refusal(_ outcome: Program.Outcome) throws(Failure) -> Credential? {
        let text = String(decoding: outcome.output, as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\n" || $0 == "\r" || $0 == "\t" }.joined(separator: " ")
        if words == "credentials not found in native keychain" { return nil }
        guard let status = outcome.status else { throw .failed(reason: "a signal ended it") }
        // What begins like an answer may hold a secret.
        let says = words.isEmpty || words.contains("{") ? nil : String(words.prefix(200))
        throw .failed(reason: "its exit status is \(status)\(says.map { ", and it says: \($0)" } ?? "")")
    }

    /// A name stands in a file that others may write: it must not lead out of `PATH`.
    private static func isSafe(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 100 && !name.contains("/") && !name.utf8.contains(0)
    }
}

/// Asks helpers, each once for all callers that want the same login, and remembers the answers for a short time: some take
/// seconds, and a push asks for several tokens at once.
actor CredentialHelperDesk {
    private struct Question: Hashable {
        let helper: String
        let server: String
    }

    private struct Known {
        let result: Result<Credential?, CredentialHelper.Failure>
        let since: ContinuousClock.Instant
        let until: ContinuousClock.Instant
    }

    private let environment: [String: String]
    private let now: @Sendable () -> ContinuousClock.Instant
    private var known: [Question: Known] = [:]
    /// Counts how often all was forgotten: what was asked before is not remembered after.
    private var age = 0
    private let work = SharedWork<Question, Credential?>()

    /// Secrets of clouds end after an hour or more; what a registry refuses is asked for anew before that is believed.
    /// That there is none may change at any time.
    private static let (lifeOfAnswer, lifeOfNone, lifeOfFailure): (Duration, Duration, Duration) =
        (.seconds(120), .seconds(30), .seconds(5))

    init(environment: [String: String], now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.environment = environment
        self.now = now
    }

    /// - Throws: ``CredentialHelper/Failure``, `CancellationError`.
    func login(from helper: String, for server: String) async throws -> Credential? {
        let question = Question(helper: helper, server: server)
        if let known = known[question], known.until > now() { return try known.result.get() }
        return try await work.value(for: question) { try await self.ask(question) }
    }

    /// - Parameter limit: younger answers are kept.
    func forget(olderThan limit: Duration = .zero) {
        if limit == .zero { age += 1 }
        let now = now()
        known = known.filter { now - $0.value.since < limit }
    }

    private func ask(_ question: Question) async throws -> Credential? {
        if let known = known[question], known.until > now() { return try known.result.get() }
        let age = age
        do {
            let login = try await CredentialHelper(name: question.helper, environment: environment)
                .login(for: question.server)
            if age == self.age {
                keep(.success(login), for: login == nil ? Self.lifeOfNone : Self.lifeOfAnswer, question)
            }
            return login
        } catch let failure as CredentialHelper.Failure {
            if age == self.age { keep(.failure(failure), for: Self.lifeOfFailure, question) }
            throw failure
        }
    }

    private func keep(
        _ result: Result<Credential?, CredentialHelper.Failure>, for life: Duration, _ question: Question
    ) {
        let now = now()
        known = known.filter { $0.value.until > now }
        known[question] = Known(result: result, since: now, until: now + life)
    }
}
