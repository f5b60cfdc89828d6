extension Shell {
    /// The completion script. It knows nothing of commands: pushctl itself answers what could stand at the cursor, see
    /// ``Completer``.
    var completions: String {
        switch self {
        case .bash: Self.bashScript
        case .zsh: Self.zshScript
        case .fish: Self.fishScript
        }
    }

    private static let bashScript = ##"""
        # bash completion for pushctl; made by: pushctl completion bash
        _pushctl() {
            # bash takes words apart at : and = too; pushctl wants them whole.
            local line=${COMP_LINE:0:COMP_POINT} words=() word cut="" mark head candidate
            IFS=$' \t\n' read -ra words <<<"$line"
            [[ $line == *[[:space:]] ]] && words+=("")
            ((${#words[@]} > 1)) || return 0
            word=${words[${#words[@]} - 1]}
            # bash replaces only what stands behind the last of these.
            for mark in : = @; do
                [[ $COMP_WORDBREAKS == *"$mark"* && $word == *"$mark"* ]] || continue
                head=${word%"${word##*"$mark"}"}
                ((${#head} > ${#cut})) && cut=$head
            done
            COMPREPLY=()
            while IFS=$'\t' read -r candidate _; do
                candidate=${candidate#"$cut"}
                [[ $candidate == *[][:space:]\'\"\\\$\`\;\&\|\(\)\<\>\*\?\!\[\{\}\#]* ]] && printf -v candidate %q "$candidate"
                COMPREPLY+=("$candidate")
            done < <("${words[0]/#\~\//$HOME/}" __complete -- "${words[@]:1}" 2>/dev/null)
            # No space behind what goes on.
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:=] ]] && compopt -o nospace
            return 0
        }
        complete -F _pushctl pushctl

        """##

    private static let zshScript = #"""
        #compdef pushctl
        # zsh completion for pushctl; made by: pushctl completion zsh
        _pushctl() {
            local -a before lines plain open
            local line value note
            ((CURRENT > 2)) && before=("${(@Q)words[2,CURRENT-1]}")
            lines=("${(@f)$(${~words[1]} __complete -- "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)}")
            for line in "${lines[@]}"; do
                [[ -n $line ]] || continue
                value=${line%%$'\t'*}
                note=${line#$value}
                note=${note#$'\t'}
                # _describe ends a word at a colon.
                value=${${value//\\/\\\\}//:/\\:}
                # No space behind what goes on.
                if [[ $value == *[/:=] ]]; then
                    open+=("$value${note:+:$note}")
                else
                    plain+=("$value${note:+:$note}")
                fi
            done
            (($#plain)) && _describe -t words pushctl plain
            (($#open)) && _describe -t words pushctl open -S ''
            (($#plain + $#open))
        }
        if [[ $funcstack[1] == _pushctl ]]; then
            _pushctl "$@"
        else
            compdef _pushctl pushctl
        fi

        """#

    private static let fishScript = #"""
        # fish completion for pushctl; made by: pushctl completion fish
        function __pushctl_complete
            set -l words (commandline -opc)
            set -l current (commandline -ct)
            set -l program $words[1]
            set -e words[1]
            $program __complete -- $words "$current" 2>/dev/null
        end
        complete -c pushctl -f -a '(__pushctl_complete)'

        """#
}
