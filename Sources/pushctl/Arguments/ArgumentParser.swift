internal import Control

/// A command line, taken apart by a ``CommandSpec`` but not yet typed.
struct ParsedArguments: Sendable {
    let command: CommandSpec
    let operands: [String]
    private var values: [String: [String]]

    func has(_ option: String) -> Bool { values[option] != nil }
    /// The last value given: later ones override earlier ones.
    func value(_ option: String) -> String? { values[option]?.last }
    func values(_ option: String) -> [String] { values[option] ?? [] }

    /// Takes `arguments` (without the program's name) apart.
    ///
    /// Options may stand anywhere; `--` ends them. `--opt value`, `--opt=value`, `-dh` and `-d -h` are understood.
    ///
    /// - Throws: ``UsageError``.
    init(_ arguments: [String], commands: [CommandSpec]) throws(UsageError) {
        var command: CommandSpec?
        var operands: [String] = []
        var values: [String: [String]] = [:]
        var rest = arguments[...]
        var optionsEnded = false

        func known() -> [OptionSpec] { CommandSpec.globalOptions + (command?.options ?? []) }

        while let argument = rest.popFirst() {
            if optionsEnded || argument == "-" || !argument.hasPrefix("-") {
                if command == nil {
                    command = try Self.command(named: argument, Array(rest), among: commands)
                } else {
                    operands.append(argument)
                }
            } else if argument == "--" {
                optionsEnded = true
            } else if argument.hasPrefix("--") {
                let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let option = known().first(where: { $0.name == parts[0] }) else {
                    throw Self.unknown(option: String(parts[0]), command: command, commands: commands)
                }
                let attached = parts.count == 2 ? String(parts[1]) : nil
                values[option.name, default: []].append(try Self.take(option, attached: attached, from: &rest))
            } else {
                var letters = argument.dropFirst()
                while let letter = letters.popFirst() {
                    guard let option = known().first(where: { $0.short == letter }) else {
                        throw Self.unknown(letter: letter, in: argument, command: command)
                    }
                    let attached = option.value != nil && !letters.isEmpty ? String(letters) : nil
                    if attached != nil { letters = "" }
                    values[option.name, default: []].append(try Self.take(option, attached: attached, from: &rest))
                }
            }
        }
        guard let command else {
            throw UsageError("a command is missing", advice: "see what there is: pushctl --help")
        }
        guard command.operands.accepts(operands.count) else {
            throw Self.wrongOperands(operands, of: command)
        }
        self.command = command
        self.operands = operands
        self.values = values
    }

    /// The value of `option`, which is empty for a switch.
    private static func take(
        _ option: OptionSpec, attached: String?, from rest: inout ArraySlice<String>
    ) throws(UsageError) -> String {
        guard let placeholder = option.value else {
            guard attached == nil else { throw UsageError("--\(option.name) takes no value") }
            return ""
        }
        let value: String
        if let attached {
            value = attached
        } else if let next = rest.first, !looksLikeOption(next) {
            value = next
            rest.removeFirst()
        } else {
            throw UsageError(
                "--\(option.name) needs a value",
                advice: "write: --\(option.name) "
                    + (option.choices.isEmpty ? placeholder : option.choices.joined(separator: "|")))
        }
        guard !value.isEmpty else { throw UsageError("the value of --\(option.name) is empty") }
        guard option.choices.isEmpty || option.choices.contains(value) else {
            let meant = nearest(to: value, among: option.choices).map { "did you mean \($0)? " } ?? ""
            throw UsageError(
                "--\(option.name) can't be \"\(value)\"",
                advice: meant + (meant.isEmpty ? "it" : "It") + " is one of: " + option.choices.joined(separator: ", "))
        }
        return value
    }

    /// A negative number is a value, and so is a lone `-`.
    private static func looksLikeOption(_ text: String) -> Bool {
        text.hasPrefix("-") && text != "-" && !text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// - Parameter arguments: what follows the name.
    static func command(
        named name: String, _ arguments: [String], among commands: [CommandSpec]
    ) throws(UsageError) -> CommandSpec {
        if let found = commands.first(where: { $0.name == name }) { return found }
        if let advice = ForeignWord.advice(for: name, arguments) {
            throw UsageError("unknown command \"\(name)\"", advice: advice)
        }
        let meant = nearest(to: name, among: commands.map(\.name))
        throw UsageError(
            "unknown command \"\(name)\"",
            advice: meant.map { "did you mean: pushctl \($0)" } ?? "see what there is: pushctl --help")
    }

    private static func unknown(option: String, command: CommandSpec?, commands: [CommandSpec]) -> UsageError {
        guard let command else {
            let owners = commands.filter { $0.options.contains { $0.name == option } }
            if let owner = owners.first {
                return UsageError(
                    "--\(option) belongs to a command", advice: "write it after the command: pushctl \(owner.name) …")
            }
            let meant = nearest(to: option, among: CommandSpec.globalOptions.map(\.name))
            return UsageError(
                "unknown option --\(option)",
                advice: meant.map { "did you mean --\($0)?" } ?? "see what there is: pushctl --help")
        }
        let names = (command.options + CommandSpec.globalOptions).map(\.name)
        return UsageError(
            "\(command.name) has no option --\(option)",
            advice: nearest(to: option, among: names).map { "did you mean --\($0)?" }
                ?? "see what there is: pushctl \(command.name) --help")
    }

    private static func unknown(letter: Character, in argument: String, command: CommandSpec?) -> UsageError {
        let name = argument.count > 2 ? "-\(letter) (in \(argument))" : "-\(letter)"
        let names = ((command?.options ?? []) + CommandSpec.globalOptions).map(\.name)
        let word = String(argument.dropFirst())
        let advice: String
        if word.count > 2, let long = nearest(to: word, among: names) {
            advice = "did you mean --\(long)?"
        } else {
            advice = "see what there is: pushctl \(command.map { $0.name + " " } ?? "")--help"
        }
        return UsageError((command.map { $0.name + " has no option " } ?? "unknown option ") + name, advice: advice)
    }

    private static func wrongOperands(_ operands: [String], of command: CommandSpec) -> UsageError {
        let usage = "pushctl " + command.name + (command.operandText.isEmpty ? "" : " " + command.operandText)
        let most: Int
        switch command.operands {
        case .exactly(let count): most = count
        case .range(let range): most = range.upperBound
        case .atLeast: most = .max
        }
        if operands.count > most {
            return UsageError("\(command.name): unexpected argument \"\(operands[most])\"", advice: "write: \(usage)")
        }
        // The operand that is missing is a word of the usage line.
        let words = command.operandText.split(separator: " ")
        let missing = words.indices.contains(operands.count) ? String(words[operands.count]) : command.operandText
        let name = missing.filter { !"[]…".contains($0) }
        return UsageError("\(command.name): \(name) is missing", advice: "write: \(usage)")
    }
}
