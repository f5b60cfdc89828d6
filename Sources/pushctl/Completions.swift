extension Shell {
    /// A completion script made from the table of commands, so that it never lags behind.
    func completions(for commands: [CommandSpec]) -> String {
        switch self {
        case .bash: bash(commands)
        case .zsh: zsh(commands)
        case .fish: fish(commands)
        }
    }

    private static let shells = allCases.map(\.rawValue).joined(separator: " ")
    private static let jobs = #"pushctl status 2>/dev/null | awk '$1 ~ /^[0-9]+$/ && $2 != "jobs" { print $1 }'"#
    private static let images = "pushctl images 2>/dev/null | awk 'NR > 1 && NF > 3 { print $1 }'"

    private func bash(_ commands: [CommandSpec]) -> String {
        var cases = ""
        var values = ""
        for command in commands {
            let options = (command.options + CommandSpec.globalOptions).map { "--" + $0.name }.joined(separator: " ")
            let operands: String
            switch command.operandKind {
            case .nothing: operands = ""
            case .job: operands = "$(_pushctl_jobs)"
            case .image: operands = "$(_pushctl_images)"
            case .shell: operands = Self.shells
            case .command: operands = "$commands"
            }
            cases +=
                "        \(command.name)) options=\"\(options)\"; [[ $word == -* ]] || operands=\"\(operands)\" ;;\n"
            for option in command.options where !option.choices.isEmpty {
                values += "        \(command.name):--\(option.name)) "
                values +=
                    "COMPREPLY=($(compgen -W \"\(option.choices.joined(separator: " "))\" -- \"$word\")); return ;;\n"
            }
        }
        return """
            # bash completion for pushctl; made by: pushctl completion bash
            _pushctl_jobs() {
                \(Self.jobs)
            }
            _pushctl_images() {
                \(Self.images)
            }
            _pushctl() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
                local commands="\(commands.map(\.name).joined(separator: " "))"
                local command="" options="" operands="" i
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in
                    --socket) ((i++)) ;;
                    -*) ;;
                    *) command=${COMP_WORDS[i]}; break ;;
                    esac
                done
                COMPREPLY=()
                if [[ $before == --socket ]]; then
                    COMPREPLY=($(compgen -f -- "$word"))
                    return
                fi
                case $command:$before in
            \(values)    esac
                case $command in
                    "") options="\(CommandSpec.globalOptions.map { "--" + $0.name }.joined(separator: " "))"; operands=$commands ;;
            \(cases)    esac
                if [[ $word == -* ]]; then operands=$options; fi
                COMPREPLY=($(compgen -W "$operands" -- "$word"))
                if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
            }
            complete -o default -F _pushctl pushctl

            """
    }

    private func zsh(_ commands: [CommandSpec]) -> String {
        func quoted(_ text: String) -> String {
            text.replacing("'", with: "'\\''").replacing("[", with: "\\[").replacing("]", with: "\\]").replacing(
                ":", with: "\\:")
        }
        func spec(_ option: OptionSpec) -> String {
            let repeats = option.repeats ? "*" : ""
            let value: String
            if option.name == "socket" {
                value = ":socket:_files"
            } else if !option.choices.isEmpty {
                value = ":\(option.name):(\(option.choices.joined(separator: " ")))"
            } else {
                value = option.value.map { ":\(quoted($0)):" } ?? ""
            }
            let long = "'\(repeats)--\(option.name)[\(quoted(option.help))]\(value)'"
            return option.short.map { "'\(repeats)-\($0)[\(quoted(option.help))]\(value)' " + long } ?? long
        }
        let globals = CommandSpec.globalOptions.map(spec).joined(separator: " ")
        let list = commands.map { "        '\($0.name):\(quoted($0.summary))'\n" }.joined()
        var cases = ""
        for command in commands {
            let operands: String
            switch command.operandKind {
            case .nothing: operands = "'*:: :'"
            case .job: operands = "'*:job:_pushctl_jobs'"
            case .image: operands = "'*:image:_files'"
            case .shell: operands = "'1:shell:(\(Self.shells))'"
            case .command: operands = "'1:command:(\(commands.map(\.name).joined(separator: " ")))'"
            }
            let options = (command.options.map(spec) + [globals]).joined(separator: " ")
            cases += "        \(command.name)) _arguments \(options) \(operands) ;;\n"
        }
        return """
            #compdef pushctl
            # zsh completion for pushctl; made by: pushctl completion zsh
            _pushctl_jobs() {
                local -a jobs
                jobs=(${(f)"$(\(Self.jobs))"})
                compadd -a jobs
            }
            _pushctl() {
                local curcontext="$curcontext" state line
                local -a commands
                commands=(
            \(list)    )
                _arguments -C \(globals) '1: :->command' '*:: :->rest'
                case $state in
                command) _describe command commands ;;
                rest)
                    case $words[1] in
            \(cases)        esac
                    ;;
                esac
            }
            _pushctl "$@"

            """
    }

    private func fish(_ commands: [CommandSpec]) -> String {
        func quoted(_ text: String) -> String {
            "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
        }
        func options(_ options: [OptionSpec], _ condition: String) -> String {
            options.map { option in
                var line = "complete -c pushctl \(condition)-l \(option.name)"
                if let short = option.short { line += " -s \(short)" }
                if option.name == "socket" {
                    line += " -r -F"
                } else if !option.choices.isEmpty {
                    line += " -x -a \(quoted(option.choices.joined(separator: " ")))"
                } else if option.value != nil {
                    line += " -x"
                }
                return line + " -d \(quoted(option.help))\n"
            }.joined()
        }
        var text = "# fish completion for pushctl; made by: pushctl completion fish\n"
        text += "complete -c pushctl -f\n" + options(CommandSpec.globalOptions, "")
        for command in commands {
            text += "complete -c pushctl -n __fish_use_subcommand -a \(command.name) -d \(quoted(command.summary))\n"
            let condition = "-n '__fish_seen_subcommand_from \(command.name)' "
            text += options(command.options, condition)
            let operands: String?
            switch command.operandKind {
            case .nothing: operands = nil
            case .job: operands = "(\(Self.jobs))"
            case .image: operands = "(\(Self.images))"
            case .shell: operands = Self.shells
            case .command: operands = commands.map(\.name).joined(separator: " ")
            }
            if let operands { text += "complete -c pushctl \(condition)-a \(quoted(operands))\n" }
        }
        return text
    }
}
