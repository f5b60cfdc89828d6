/// One thing that may stand at the cursor.
struct Candidate: Sendable, Equatable {
    /// The whole word. One that ends with `/`, `:` or `=` goes on: shells put no space behind it.
    var value: String
    /// What it is, for shells that show it.
    var note: String = ""
}

/// What could stand at the cursor of an unfinished command line, and where to look for it: decided without looking.
struct CompletionPlan: Sendable, Equatable {
    enum Source: Sendable, Equatable {
        case fixed([Candidate])
        /// Ids of jobs in one of these states; nil: of all.
        case jobs(Set<String>?)
        case images
        /// References that were pushed to.
        case references
        /// The same without their tags.
        case repositories
        /// Hosts, with `ending` behind each.
        case registries(ending: String)
        /// Below a path that has been begun.
        case files(onlyDirectories: Bool)
    }

    var sources: [Source] = []
    /// What stands in the word before that which is looked for: `--state=`, `oci:`.
    var prefix = ""
    /// What the candidates begin with, after ``prefix``.
    var begun = ""
    /// Words that stand on the line already, and would be doubled.
    var taken: Set<String> = []
    /// What `--socket` says.
    var socket: String?

    /// The states of jobs that are of use; nil: all.
    var jobStates: Set<String>? {
        for case .jobs(let states?) in sources { return states }
        return nil
    }

    /// - Parameters:
    ///   - words: those before the cursor's, without the program's name.
    ///   - current: the cursor's, as far as it has been typed.
    init(_ words: [String], current: String, commands: [CommandSpec]) {
        var command: CommandSpec?
        var operands: [String] = []
        var awaiting: OptionSpec?
        var optionsEnded = false
        var used: Set<String> = []
        begun = current
        for word in words {
            if let option = awaiting {
                if option.name == "socket" { socket = word }
                awaiting = nil
            } else if optionsEnded || !word.hasPrefix("-") || word == "-" {
                if command == nil { command = commands.first { $0.name == word } } else { operands.append(word) }
            } else if word == "--" {
                optionsEnded = true
            } else {
                let known = CommandSpec.globalOptions + (command?.options ?? [])
                guard let (option, value) = Self.option(word, among: known) else { continue }
                if !option.repeats { used.insert(option.name) }
                if option.name == "socket", let value { socket = value }
                if option.value != nil, value == nil { awaiting = option }
            }
        }
        let known = CommandSpec.globalOptions + (command?.options ?? [])
        if let option = awaiting {
            complete(valueOf: option)
        } else if !optionsEnded, current.hasPrefix("--"), let equals = current.firstIndex(of: "=") {
            guard let (option, _) = Self.option(current, among: known), option.value != nil else { return }
            prefix = String(current[...equals])
            begun = String(current[current.index(after: equals)...])
            complete(valueOf: option)
        } else if !optionsEnded, current.hasPrefix("-") {
            let options = known.filter { !used.contains($0.name) }
            sources = [.fixed(options.map { Candidate(value: "--" + $0.name, note: $0.help) })]
        } else if let command {
            taken = Set(operands)
            complete(operand: operands.count, of: command, operands, commands)
        } else {
            sources = [.fixed(commands.map { Candidate(value: $0.name, note: $0.summary) })]
        }
    }

    /// The option that `word` is, with the value that is attached to it.
    private static func option(_ word: String, among known: [OptionSpec]) -> (OptionSpec, String?)? {
        if word.hasPrefix("--") {
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let option = known.first(where: { $0.name == parts[0] }) else { return nil }
            return (option, parts.count == 2 ? String(parts[1]) : nil)
        }
        // Of `-dq` each letter is one; the first that takes a value has the rest.
        var letters = word.dropFirst()
        var last: OptionSpec?
        while let letter = letters.popFirst() {
            guard let option = known.first(where: { $0.short == letter }) else { return nil }
            last = option
            if option.value != nil { return (option, letters.isEmpty ? nil : String(letters)) }
        }
        return last.map { ($0, nil) }
    }

    private mutating func complete(valueOf option: OptionSpec) {
        guard option.choices.isEmpty else {
            sources = [.fixed(option.choices.map { Candidate(value: $0) })]
            return
        }
        switch option.value {
        case "PATH", "FILE": sources = [.files(onlyDirectories: false)]
        case "HOST": sources = [.registries(ending: "")]
        case "IMAGE": completeImage()
        case "OS/ARCH[/VARIANT]":
            sources = [
                .fixed(
                    [
                        "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le",
                        "linux/riscv64", "linux/s390x", "windows/amd64",
                    ].map { Candidate(value: $0) })
            ]
        case "DURATION", "ID|TIME":
            sources = [.fixed(["30s", "10m", "1h", "1d"].map { Candidate(value: $0) })]
        default: break
        }
    }

    private mutating func complete(
        operand place: Int, of command: CommandSpec, _ operands: [String], _ commands: [CommandSpec]
    ) {
        // No more than the command takes.
        switch command.operands {
        case .exactly(let count) where place >= count: return
        case .range(let range) where place >= range.upperBound: return
        default: break
        }
        switch (command.name, command.operandKind) {
        case ("push", _) where place == 0: completeImage()
        case ("push", _): sources = [.references, .registries(ending: "/")]
        case ("verify", _), ("inspect", _): sources = [.references, .registries(ending: "/")]
        case ("tags", _): sources = [.repositories, .registries(ending: "/")]
        case ("doctor", _): sources = [.registries(ending: ""), .repositories]
        case ("limit", _):
            let rates = ["none", "default", "1M", "10M", "100M"].map { Candidate(value: $0) }
            sources = (place == 0 ? [.registries(ending: "")] : []) + [.fixed(rates)]
        case ("repos", _), ("login", _), ("logout", _), ("registries", _), ("pause", _), ("resume", _):
            sources = [.registries(ending: "")]
        case ("wait", _), ("cancel", _): sources = [.jobs(Set(JobStates.open))]
        case ("retry", _): sources = [.jobs(Set(JobStates.retriable))]
        case (_, .job): sources = [.jobs(nil)]
        case (_, .image): completeImage()
        case (_, .shell): sources = [.fixed(Shell.allCases.map { Candidate(value: $0.rawValue) })]
        case (_, .command): sources = [.fixed(commands.map { Candidate(value: $0.name, note: $0.summary) })]
        case (_, .nothing): break
        }
    }

    private mutating func completeImage() {
        for (scheme, onlyDirectories) in [("oci:", true), ("oci-archive:", false), ("docker-archive:", false)]
        where begun.hasPrefix(scheme) {
            prefix += scheme
            begun.removeFirst(scheme.count)
            sources = [.files(onlyDirectories: onlyDirectories)]
            return
        }
        sources = [.images, .fixed([Candidate(value: "oci:", note: "an OCI image layout")])]
    }
}
