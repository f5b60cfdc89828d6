internal import Control
internal import OCI

/// How a push is followed.
enum ProgressStyle: String, Sendable, Equatable { case live, plain, json, none }

enum Shell: String, Sendable, Equatable, CaseIterable { case bash, zsh, fish }

/// What the user wants done, checked and typed.
enum Command: Sendable, Equatable {
    struct Push: Sendable, Equatable {
        var image: String
        var destinations: [String] = []
        var detach = false
        var allTags = false
        var platforms: [String] = []
        var priority: Int?
        var verify: String?
        var force = false
        var dryRun = false
        var timeout: Duration?
        /// Nil: as it is, or as the daemon is configured.
        var format: String?
        /// Nil: as it suits the output.
        var progress: ProgressStyle?
        var login = PushLogin.daemons
        /// Only what was pushed is printed, a line each; with ``detach`` only the jobs' ids.
        var quiet = false
        /// Takes what was pushed, a line each, once all has succeeded.
        var digestFile: String?
        /// Where it is set, images and destinations stand there, and ``image`` is empty.
        var list: PushList.Source?
    }

    /// Whose login a push, or another command that asks a registry, uses.
    enum PushLogin: Sendable, Equatable {
        case daemons
        /// The caller's own, in those of these files that there are.
        case files([String])
        case user(String, passwordFromInput: Bool)

        /// Whether the password is asked for.
        var isTyped: Bool { if case .user(_, passwordFromInput: false) = self { true } else { false } }
    }

    /// What becomes of a limit.
    enum LimitChange: Sendable, Equatable {
        case set(Int)
        case lift, useConfigured
    }

    /// Where the events begin.
    enum EventStart: Sendable, Equatable {
        /// After the event of this number.
        case after(Int)
        case ago(Duration)
        /// Milliseconds since 1970.
        case time(Int64)
    }

    /// Which jobs a command is for.
    enum JobSelection: Sendable, Equatable {
        case ids([Int])
        /// Those in one of these states, at a registry or at all.
        case inStates([String], registry: String?)
    }

    struct Status: Sendable, Equatable {
        var jobs: [Int] = []
        var states: [String] = []
        /// By name or number.
        var user: String?
        var limit: Int?
        var watch = false
    }

    case push(Push)
    case status(Status)
    case show([Int])
    case wait([Int], timeout: Duration?)
    case cancel(JobSelection)
    case retry(JobSelection, login: PushLogin = .daemons)
    case pause(registry: String?)
    case resume(registry: String?)
    case verify(reference: String, against: String?, deep: Bool, login: PushLogin = .daemons)
    case inspect(reference: String, raw: Bool, login: PushLogin = .daemons)
    case login(registry: String?, user: String?, passwordFromInput: Bool)
    case logout(registry: String?)
    case tags(repository: String, limit: Int?, login: PushLogin = .daemons)
    case repos(registry: String, limit: Int?, login: PushLogin = .daemons)
    /// Nil: all registries together; nil as change: only shown.
    case limit(registry: String?, LimitChange?)
    case doctor(registry: String?, login: PushLogin = .daemons)
    case registries(registry: String?, forget: Bool)
    case images
    /// - Parameter since: where to begin; nil: with what is kept, or with now where following.
    case events(follow: Bool, since: EventStart?)
    case completion(Shell)
    /// - Parameter wait: how long a daemon may take to answer; nil: it is asked once.
    case ping(wait: Duration?)
    case version
    case help(String?)
}

/// What a command line looks up around itself.
struct Surroundings: Sendable {
    var environment: [String: String]
    var directory: String
    var userID: UInt32
}

/// One run of pushctl: a command and what holds for every command.
struct Invocation: Sendable, Equatable {
    var command: Command
    var json = false
    /// Nil: the default place, see ``socketCandidates(_:)``.
    var socket: String?

    /// - Parameter arguments: without the program's name.
    /// - Throws: ``UsageError``.
    init(_ arguments: [String], in surroundings: Surroundings) throws(UsageError) {
        // Help wins over every mistake on the line; the first word that is a command is its topic.
        let words = arguments.prefix { $0 != "--" }
        if words.contains("--help") || words.contains("-h") {
            let names = CommandSpec.all.map(\.name)
            command = .help(words.first { names.contains($0) })
            return
        }
        let arguments = arguments.first == "--version" ? ["version"] + arguments.dropFirst() : arguments
        let parsed = try ParsedArguments(arguments, commands: CommandSpec.all)
        json = parsed.has("json")
        socket = parsed.value("socket")
        command = parsed.has("help") ? .help(parsed.command.name) : try Self.command(parsed, in: surroundings)
    }

    private static func command(_ parsed: ParsedArguments, in around: Surroundings) throws(UsageError) -> Command {
        let operands = parsed.operands
        switch parsed.command.name {
        case "push": return .push(try push(parsed, in: around))
        case "status":
            var status = Command.Status(states: parsed.values("state"), watch: parsed.has("watch"))
            status.jobs = try jobs(operands)
            status.user = parsed.value("user")
            status.limit = try integer(parsed, "limit", in: 1...100_000)
            return .status(status)
        case "show": return .show(try jobs(operands))
        case "wait": return .wait(try jobs(operands), timeout: try duration(parsed, "timeout"))
        case "cancel": return .cancel(try selection(parsed, all: JobStates.open))
        case "retry":
            return .retry(
                try selection(parsed, all: JobStates.retriable.filter { $0 != "canceled" }),
                login: try login(parsed, in: around))
        case "pause": return .pause(registry: operands.first)
        case "resume": return .resume(registry: operands.first)
        case "verify":
            let against = try parsed.value("against").map { image throws(UsageError) in
                try absoluteImage(image, directory: around.directory, home: around.environment["HOME"])
            }
            return .verify(
                reference: try reference(operands[0]), against: against, deep: parsed.has("deep"),
                login: try login(parsed, in: around))
        case "inspect":
            if parsed.has("raw"), parsed.has("json") {
                throw UsageError("--raw prints the registry's bytes and --json a description: they exclude each other")
            }
            return .inspect(
                reference: try reference(operands[0]), raw: parsed.has("raw"), login: try login(parsed, in: around))
        case "login":
            return .login(
                registry: try operands.first.map { operand throws(UsageError) in try loginAddress(operand) },
                user: try loginUser(parsed), passwordFromInput: parsed.has("password-stdin"))
        case "logout":
            return .logout(registry: try operands.first.map { operand throws(UsageError) in try loginAddress(operand) })
        case "tags":
            return .tags(
                repository: try reference(operands[0]), limit: try integer(parsed, "limit", in: 1...Int(Int32.max)),
                login: try login(parsed, in: around))
        case "repos":
            return .repos(
                registry: try reference(operands[0]), limit: try integer(parsed, "limit", in: 1...Int(Int32.max)),
                login: try login(parsed, in: around))
        case "limit": return try limit(operands)
        case "doctor":
            let own = try login(parsed, in: around)
            if own != .daemons, operands.isEmpty {
                throw UsageError("a login is for one registry", advice: "name it: pushctl doctor REGISTRY …")
            }
            return .doctor(
                registry: try operands.first.map { operand throws(UsageError) in try reference(operand) }, login: own)
        case "registries":
            let registry = try operands.first.map { operand throws(UsageError) in try reference(operand) }
            if parsed.has("forget"), registry == nil {
                throw UsageError("--forget needs a registry", advice: "write: pushctl registries REGISTRY --forget")
            }
            return .registries(registry: registry, forget: parsed.has("forget"))
        case "images": return .images
        case "events": return .events(follow: parsed.has("follow"), since: try eventStart(parsed))
        case "completion":
            guard let shell = Shell(rawValue: operands[0]) else {
                throw UsageError(
                    "no completions for \"\(operands[0])\"", advice: "there are some for bash, zsh and fish")
            }
            return .completion(shell)
        case "ping": return .ping(wait: try duration(parsed, "wait"))
        case "version": return .version
        default:
            if let topic = operands.first {
                _ = try ParsedArguments.command(named: topic, [], among: CommandSpec.all)
            }
            return .help(operands.first)
        }
    }

    /// The registry as docker users name it: its address is taken too, and what it means is the daemon's matter.
    /// An address with a login in it is not repeated: it may hold a password.
    private static func loginAddress(_ text: String) throws(UsageError) -> String {
        guard !text.contains("@") else {
            throw UsageError(
                "the address of the registry has a user in it, or a digest",
                advice: "write: pushctl login -u USER HOST[:PORT]")
        }
        return ["https://", "http://"].contains(where: text.lowercased().hasPrefix) ? text : try reference(text)
    }

    private static func loginUser(_ parsed: ParsedArguments) throws(UsageError) -> String? {
        guard let name = parsed.value("username") else { return parsed.value("user") }
        if parsed.value("user") != nil { throw conflict("--user", "--username") }
        return name
    }

    private static func limit(_ operands: [String]) throws(UsageError) -> Command {
        guard let last = operands.last else { return .limit(registry: nil, nil) }
        guard let change = Command.LimitChange(last) else {
            throw UsageError(
                "\"\(last)\" is not a rate",
                advice: "write bytes a second, such as 500k, 20MB/s or 2MiB, at least 1k, or none, or default")
        }
        return .limit(registry: operands.count > 1 ? try reference(operands[0]) : nil, change)
    }

    static func conflict(_ one: String, _ other: String) -> UsageError {
        UsageError("\(one) and \(other) exclude each other", advice: "leave one of them out")
    }

    /// - Parameter all: the states of the jobs that are meant where none are named.
    private static func selection(
        _ parsed: ParsedArguments, all: [String]
    ) throws(UsageError) -> Command.JobSelection {
        let name = parsed.command.name
        var states = parsed.values("state")
        if parsed.has("failed") { states += ["failed", "blocked"] }
        let isSelected = parsed.has("all") || !states.isEmpty || parsed.has("registry")
        guard isSelected else {
            if parsed.operands.isEmpty {
                let group = name == "retry" ? "--failed" : "--all"
                throw UsageError(
                    "\(name): JOB is missing", advice: "write: pushctl \(name) JOB…, or: pushctl \(name) \(group)")
            }
            return .ids(try jobs(parsed.operands))
        }
        guard parsed.operands.isEmpty else {
            throw UsageError(
                "\(name) takes either jobs, or --all, --state or --registry\(name == "retry" ? " or --failed" : "")",
                advice: "leave one of them out")
        }
        let registry = try parsed.value("registry").map { text throws(UsageError) in try reference(text) }
        return .inStates(states.isEmpty ? all : states, registry: registry)
    }

    private static func jobs(_ texts: [String]) throws(UsageError) -> [Int] {
        var jobs: [Int] = []
        var seen: Set<Int> = []
        for text in texts {
            let id = try job(text)
            if seen.insert(id).inserted { jobs.append(id) }
        }
        return jobs
    }

    private static func job(_ text: String) throws(UsageError) -> Int {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let id = Int(text), id > 0 else {
            throw UsageError("\"\(text)\" is not a job's id", advice: "ids are the numbers that pushctl status shows")
        }
        return id
    }

    private static func reference(_ text: String) throws(UsageError) -> String {
        try checkReference(text)
        return text
    }

    static func integer(
        _ parsed: ParsedArguments, _ option: String, in range: ClosedRange<Int>
    ) throws(UsageError) -> Int? {
        guard let text = parsed.value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "--\(option) can't be \"\(text)\"",
                advice: numberAdvice(range))
        }
        return number
    }

    private static func eventStart(_ parsed: ParsedArguments) throws(UsageError) -> Command.EventStart? {
        guard let text = parsed.value("since") else { return nil }
        if let start = Command.EventStart(text) { return start }
        throw UsageError(
            "--since can't be \"\(text)\"",
            advice: "write an event's number, a time such as 2026-03-04T05:06:07Z, or how long ago: 10m, 2h")
    }

    static func duration(_ parsed: ParsedArguments, _ option: String) throws(UsageError) -> Duration? {
        guard let text = parsed.value(option) else { return nil }
        guard let duration = parseDuration(text) else {
            throw UsageError(
                "--\(option) can't be \"\(text)\"", advice: "write 30s, 5m, 2h, 1h30m or plain seconds, up to 366 days")
        }
        return duration
    }
}
