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
