# fish completion for pushctl; made by: pushctl completion fish
function __pushctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    $program __complete -- $words "$current" 2>/dev/null
end
complete -c pushctl -f -a '(__pushctl_complete)'
