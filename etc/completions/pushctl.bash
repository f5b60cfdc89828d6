# bash completion for pushctl; made by: pushctl completion bash
_pushctl_jobs() {
    pushctl status 2>/dev/null | awk '$1 ~ /^[0-9]+$/ && $2 != "jobs" { print $1 }'
}
_pushctl_images() {
    pushctl images 2>/dev/null | awk 'NR > 1 && NF > 3 { print $1 }'
}
_pushctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="push status show wait cancel retry pause resume limit verify inspect tags repos login logout doctor registries images events completion ping version help"
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
        push:--verify) COMPREPLY=($(compgen -W "none manifest blobs deep" -- "$word")); return ;;
        push:--format) COMPREPLY=($(compgen -W "docker oci" -- "$word")); return ;;
        push:--progress) COMPREPLY=($(compgen -W "auto live plain json none" -- "$word")); return ;;
        status:--state) COMPREPLY=($(compgen -W "queued running waiting blocked succeeded failed canceled superseded" -- "$word")); return ;;
    esac
    case $command in
        "") options="--socket --json --help"; operands=$commands ;;
        push) options="--detach --all-tags --platform --priority --verify --format --force --dry-run --timeout --my-login --user --password-stdin --progress --quiet --digest-file --file --socket --json --help"; [[ $word == -* ]] || operands="$(_pushctl_images)" ;;
        status) options="--state --limit --watch --socket --json --help"; [[ $word == -* ]] || operands="$(_pushctl_jobs)" ;;
        show) options="--socket --json --help"; [[ $word == -* ]] || operands="$(_pushctl_jobs)" ;;
        wait) options="--timeout --socket --json --help"; [[ $word == -* ]] || operands="$(_pushctl_jobs)" ;;
        cancel) options="--socket --json --help"; [[ $word == -* ]] || operands="$(_pushctl_jobs)" ;;
        retry) options="--failed --socket --json --help"; [[ $word == -* ]] || operands="$(_pushctl_jobs)" ;;
        pause) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        resume) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        limit) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        verify) options="--against --deep --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        inspect) options="--raw --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        tags) options="--limit --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        repos) options="--limit --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        login) options="--user --password-stdin --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        logout) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        doctor) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        registries) options="--forget --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        images) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        events) options="--follow --since --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        completion) options="--socket --json --help"; [[ $word == -* ]] || operands="bash zsh fish" ;;
        ping) options="--wait --socket --json --help"; [[ $word == -* ]] || operands="" ;;
        version) options="--socket --json --help"; [[ $word == -* ]] || operands="" ;;
        help) options="--socket --json --help"; [[ $word == -* ]] || operands="$commands" ;;
    esac
    if [[ $word == -* ]]; then operands=$options; fi
    COMPREPLY=($(compgen -W "$operands" -- "$word"))
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -o default -F _pushctl pushctl
