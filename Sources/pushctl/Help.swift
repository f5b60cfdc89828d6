/// The help is made for terminals of 80 columns.
private let helpWidth = 80

/// The first screen: what there is, by groups, and how it begins.
func helpText(of groups: [(title: String, commands: [CommandSpec])]) -> [Line] {
    var lines: [Line] = [
        "pushctl publishes container images to registries, through the daemon pushd:",
        "it retries, resumes what broke off, and sends each layer once.",
        Line(),
        heading("Usage", "pushctl [--socket PATH] [--json] COMMAND …"),
    ]
    let usages = groups.flatMap(\.commands).map { $0.usage.displayWidth }
    // A gap after every usage; the few that are longer have a line of their own.
    let column = 2 + (usages.filter { $0 <= 24 }.max() ?? 0) + 2
    for group in groups {
        lines += [Line(), heading(group.title, "")]
        for command in group.commands {
            let usage = "  " + command.usage
            if usage.displayWidth <= column - 2 {
                lines.append(Line(usage.padding(to: column), .accent).appending(command.summary))
            } else {
                lines += [Line(usage, .accent), Line("".padding(to: column) + command.summary)]
            }
        }
    }
    lines += [
        Line(),
        "Help on a command, with examples: pushctl help COMMAND.",
        "Exit status: 0 done, 1 failed, 2 usage, 3 no daemon, 4 not found, 5 timed out.",
    ]
    return lines
}

/// Help on one command.
func helpText(of command: CommandSpec) -> [Line] {
    let options = command.options.isEmpty ? "" : " [OPTION…]"
    let operands = command.operandText.isEmpty ? "" : " " + command.operandText
    var lines = [heading("Usage", "pushctl \(command.name)\(options)\(operands)"), Line()]
    lines.append(Line(command.summary.prefix(1).uppercased() + command.summary.dropFirst() + "."))
    for paragraph in command.details { lines += [Line()] + paragraph.wrapped(width: helpWidth).map { Line($0) } }
    for (title, options) in [("Options", command.options), ("Options of every command", CommandSpec.globalOptions)]
    where !options.isEmpty {
        lines += [Line(), heading(title, "")] + options.flatMap(helpLines)
    }
    if !command.examples.isEmpty {
        lines += [Line(), heading("Examples", "")]
        for example in command.examples {
            if !example.does.isEmpty { lines.append(Line("  # " + example.does, .dim)) }
            lines.append(Line("  " + example.line))
        }
    }
    return lines
}

private func helpLines(of option: OptionSpec) -> [Line] {
    let column = 28
    let usage = "  " + (option.short == nil ? "    " : "") + option.usage
    let help = option.help.wrapped(width: helpWidth - column)
    let rest = help.map { Line(String(repeating: " ", count: column) + $0) }
    guard usage.displayWidth <= column - 2 else { return [Line(usage, .accent)] + rest }
    return [Line(usage.padding(to: column), .accent).appending(help[0])] + rest.dropFirst()
}

private func heading(_ title: String, _ text: String) -> Line {
    Line(title + ":", .bold).appending(text.isEmpty ? "" : " " + text)
}
