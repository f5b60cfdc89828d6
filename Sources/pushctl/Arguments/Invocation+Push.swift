internal import Control
internal import OCI

/// The options of `push`.
extension Invocation {
    static func push(_ parsed: ParsedArguments, in around: Surroundings) throws(UsageError) -> Command.Push {
        var push = try whatToPush(parsed, in: around)
        push.detach = parsed.has("detach")
        push.allTags = parsed.has("all-tags")
        push.force = parsed.has("force")
        push.dryRun = parsed.has("dry-run")
        push.verify = parsed.value("verify")
        push.format = parsed.value("format")
        push.priority = try integer(parsed, "priority", in: Push.Input.priorities)
        push.timeout = try duration(parsed, "timeout")
        for text in parsed.values("platform") {
            guard Platform(parsing: text) != nil else {
                throw UsageError(
                    "\"\(text)\" is not a platform", advice: "write OS/ARCH[/VARIANT], such as linux/arm64")
            }
            push.platforms.append(text)
        }
        push.login = try login(parsed, in: around)
        push.progress = parsed.value("progress").flatMap(ProgressStyle.init(rawValue:))  // nil for "auto"
        push.quiet = parsed.has("quiet")
        push.digestFile = parsed.value("digest-file")
        try refuseContradictions(parsed, push)
        return push
    }

    private static func whatToPush(
        _ parsed: ParsedArguments, in around: Surroundings
    ) throws(UsageError) -> Command.Push {
        let home = around.environment["HOME"]
        guard let file = parsed.value("file") else {
            guard let image = parsed.operands.first else {
                throw UsageError("push: IMAGE is missing", advice: "write: pushctl push IMAGE [DEST…]")
            }
            let destinations = Array(parsed.operands.dropFirst())
            for destination in destinations { try checkReference(destination) }
            let absolute = try absoluteImage(image, directory: around.directory, home: home)
            return Command.Push(image: absolute, destinations: destinations)
        }
        guard parsed.operands.isEmpty else {
            throw UsageError("push takes either IMAGE or --file, not both")
        }
        return Command.Push(
            image: "", list: PushList.Source(file: file, directory: around.directory, home: home))
    }

    private static func refuseContradictions(_ parsed: ParsedArguments, _ push: Command.Push) throws(UsageError) {
        func refuse(_ one: String, _ other: String, where both: Bool) throws(UsageError) {
            if both { throw conflict("--" + one, "--" + other) }
        }
        for other in ["progress", "dry-run"] {
            try refuse("detach", other, where: push.detach && parsed.has(other))
        }
        // Before the end there is nothing to put into it.
        for other in ["detach", "dry-run"] {
            try refuse("digest-file", other, where: push.digestFile != nil && parsed.has(other))
        }
        for other in ["json", "progress"] { try refuse("quiet", other, where: push.quiet && parsed.has(other)) }
        try refuse("json", "progress live", where: parsed.has("json") && push.progress == .live)
        try refuse("json", "progress plain", where: parsed.has("json") && push.progress == .plain)
        if push.list?.isStandardInput == true {
            try refuse("file -", "password-stdin", where: parsed.has("password-stdin"))
        }
        if push.digestFile == "-" {
            throw UsageError(
                "--digest-file can't be \"-\"", advice: "to have them on standard output, write: pushctl push --quiet …"
            )
        }
    }

    /// Whose login a command uses.
    static func login(
        _ parsed: ParsedArguments, in around: Surroundings
    ) throws(UsageError) -> Command.PushLogin {
        if let user = parsed.value("user") {
            if parsed.has("my-login") { throw conflict("--user", "--my-login") }
            return .user(user, passwordFromInput: parsed.has("password-stdin"))
        }
        if parsed.has("password-stdin") {
            throw UsageError(
                "--password-stdin needs the user too",
                advice: "write: pushctl \(parsed.command.name) -u USER --password-stdin …")
        }
        return parsed.has("my-login") ? .files(loginFiles(around.environment)) : .daemons
    }
}
