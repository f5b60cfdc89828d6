/// One option of a command, as parser, help and completions need it.
struct OptionSpec: Sendable, Equatable {
    /// Without the dashes: `detach`.
    let name: String
    let short: Character?
    /// What stands for the value in the help, such as `PATH`; nil for a switch.
    let value: String?
    /// The only values allowed; empty where any text is.
    let choices: [String]
    let repeats: Bool
    let help: String

    static func flag(_ name: String, _ short: Character? = nil, _ help: String) -> OptionSpec {
        OptionSpec(name: name, short: short, value: nil, choices: [], repeats: false, help: help)
    }

    static func value(
        _ name: String, _ value: String, choices: [String] = [], repeats: Bool = false, _ help: String,
        short: Character? = nil
    ) -> OptionSpec {
        OptionSpec(name: name, short: short, value: value, choices: choices, repeats: repeats, help: help)
    }

    /// `--verify none|manifest|blobs|deep`, `-d, --detach`.
    var usage: String {
        let listed = choices.joined(separator: "|")
        let text = listed.isEmpty || listed.count > 40 ? value : listed
        let long = "--" + name + (text.map { " " + $0 } ?? "")
        return short.map { "-\($0), " + long } ?? long
    }
}

/// One command, as parser, help and completions need it.
struct CommandSpec: Sendable {
    enum Operands: Sendable, Equatable {
        case exactly(Int)
        case range(ClosedRange<Int>)
        case atLeast(Int)

        func accepts(_ count: Int) -> Bool {
            switch self {
            case .exactly(let wanted): count == wanted
            case .range(let range): range.contains(count)
            case .atLeast(let least): count >= least
            }
        }
    }

    /// What completions offer for an operand.
    enum OperandKind: Sendable { case nothing, job, image, shell, command }

    let name: String
    /// As in the usage line: `IMAGE [DEST…]`.
    let operandText: String
    let operands: Operands
    let operandKind: OperandKind
    /// One line for the list of commands, lower case, without a full stop.
    let summary: String
    /// Paragraphs that the help of the command adds to the summary.
    let details: [String]
    let options: [OptionSpec]
    /// A command line and what it does.
    let examples: [(line: String, does: String)]

    init(
        _ name: String, _ operandText: String = "", _ operands: Operands, _ kind: OperandKind = .nothing,
        summary: String, details: [String] = [], options: [OptionSpec] = [],
        examples: [(line: String, does: String)] = []
    ) {
        self.name = name
        self.operandText = operandText
        self.operands = operands
        operandKind = kind
        self.summary = summary
        self.details = details
        self.options = options
        self.examples = examples
    }

    /// `push IMAGE [DEST…]`.
    var usage: String { name + (operandText.isEmpty ? "" : " " + operandText) }

    /// What every command understands, before or after its name.
    static let globalOptions: [OptionSpec] = [
        .value("socket", "PATH", "the daemon's socket (also: PUSHD_SOCKET)"),
        .flag("json", nil, "print JSON, for scripts"),
        .flag("help", "h", "show help"),
    ]
}
