# Guardian of the claude-client library: when process $1, which uses it, dies, this ends the children that it left.
# A line on stdin sends it away; the end of stdin is the death of $1. Descriptor 2 is at first the list of the children, a
# line "PID START MARK" each. PID and START are 0 for one that is about to be started: it can be told by its mark then.
trap '' HUP INT QUIT TERM PIPE TSTP TTIN TTOU
PATH=/usr/bin:/bin:/run/current-system/sw/bin
watched=

# Sets pid, state, parent, group, session, start. A name may hold brackets and line ends: the last bracket counts.
look() {
    pid=$1 text=
    while IFS= read -r line || [ -n "$line" ]; do text="$text $line"; done <"/proc/$1/stat" || return 1
    set -- ${text##*) }
    [ $# -ge 20 ] || return 1
    state=$1 parent=$2 group=$3 session=$4
    shift 19
    start=$1
}

# Whether process $1 runs and is the one that started at $2.
runs() {
    [ "$1" = 0 ] && return 1
    if [ -z "$proc" ]; then kill -0 "$1"; return; fi
    look "$1" && [ "$start" = "$2" ] && [ "$state" != Z ] && [ "$state" != X ]
}

# Whether process $1 was started with a mark of a watched tree.
marked() {
    case $carriers in
    *"/proc/$1/environ"*) return 0 ;;
    none) ;;
    *) return 1 ;;
    esac
    text=
    while IFS= read -r line || [ -n "$line" ]; do text="$text $line"; done <"/proc/$1/environ"
    for root in $watched; do
        case $text in *"CLAUDE_CLIENT_TREE="*"${root##*:}"*) return 0 ;; esac
    done
    return 1
}

# Sets carriers to the environments that hold a mark; to none where grep does not look behind a zero byte.
find_carriers() {
    carriers=none
    [ "$(printf 'a\0b\n' | grep -cF b)" = 1 ] || return
    set --
    for root in $watched; do set -- "$@" -e "${root##*:}"; done
    carriers=$(grep -lF "$@" /proc/[0-9]*/environ)
}

# Every running process that is not older than the oldest child, as pid:parent:group:session:start:marked.
list() {
    table=
    if [ -z "$proc" ]; then
        lines=$(ps -A -E -ww -o pid= -o ppid= -o pgid= -o stat= -o command=)
        while read -r pid parent group state text; do
            case $state in Z*) continue ;; esac
            mark=
            for root in $watched; do case $text in *"CLAUDE_CLIENT_TREE="*"${root##*:}"*) mark=1 ;; esac; done
            table="$table $pid:$parent:$group:$group:0:$mark"
        done <<LINES
$lines
LINES
        return
    fi
    find_carriers
    for directory in /proc/[0-9]*; do
        look "${directory#/proc/}" && [ "$state" != Z ] && [ "$start" -ge "$oldest" ] || continue
        row="$pid:$parent:$group:$session:$start"
        mark=
        marked "$pid" && mark=1
        table="$table $row:$mark"
    done
}

# Sets found to the members of the watched trees, as pid:start.
scan() {
    list
    found=' ' members=' ' grown=1
    while [ $grown = 1 ]; do
        grown=0
        for row in $table; do
            IFS=:
            set -- $row
            IFS=$blank
            case $members in *" $1 "*) continue ;; esac
            case "$roots:$members:${6:+ yes }" in
            *" $1 "*:*:* | *" $3 "*:*:* | *" $4 "*:*:* | *:*" $2 "*:* | *:*:" yes ") ;;
            *) continue ;;
            esac
            members="$members$1 " found="$found$1:$5 " grown=1
        done
    done
}

# Sets roots to the watched numbers that have not been given to somebody else.
check_roots() {
    roots=' '
    for root in $watched; do
        number=${root%%:*} rest=${root#*:}
        [ "$number" = 0 ] && continue
        if [ -n "$proc" ] && look "$number" && [ "$start" != "${rest%%:*}" ]; then continue; fi
        roots="$roots$number "
    done
}

any_root_runs() {
    [ "$1" = 0 ] && return 1
    for root in $watched; do
        rest=${root#*:}
        runs "${root%%:*}" "${rest%%:*}" && return 0
    done
    return 1
}

end_everything() {
    oldest=
    for root in $watched; do
        rest=${root#*:}
        rest=${rest%%:*}
        if [ -z "$oldest" ] || [ "$rest" -lt "$oldest" ]; then oldest=$rest; fi
    done
    check_roots
    # Before the children are asked to end, too: those who outlive their parents can be found by them now only.
    scan
    before=$found
    for root in $watched; do
        rest=${root#*:}
        runs "${root%%:*}" "${rest%%:*}" && kill -TERM "${root%%:*}"
    done
    tries=0
    while [ $tries -lt 10 ] && any_root_runs; do
        sleep 0.1 || break
        tries=$((tries + 1))
    done
    tries=0
    while [ $tries -lt 20 ]; do
        check_roots
        scan
        for one in $before $found; do
            runs "${one%%:*}" "${one#*:}" && kill -KILL "${one%%:*}"
        done
        [ "$found" = ' ' ] && break
        before=
        sleep 0.05
        tries=$((tries + 1))
    done
}

guard() {
    blank=$IFS proc=
    [ -r /proc/self/stat ] && proc=1
    read -r verb && exit 0
    while read -r pid start mark; do
        [ -n "$mark" ] && watched="$watched $pid:$start:$mark"
    done <&4
    [ -n "$watched" ] && end_everything
    exit 0
}

# In the background its parent is the system, so the host never has it for a child, and never a zombie of it.
exec 3<&0 4<&2 2>/dev/null
guard <&3 3<&- &
echo $!
