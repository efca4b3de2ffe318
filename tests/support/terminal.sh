# Sourced by shell tests after sandbox.sh: a console in a real terminal emulator (tmux, a server of its
# own), driven by keys and read back as text.
#     console_open 80x24 ARGS...; keys 2 c Enter; sees "NAME" 20 'vm1 +starting'; screen
# terminal_open 80x24 'make run' does the same for a command that a shell reads.
console_open() {
    size=$1; shift
    terminal_open "$size" "$(printf '%q ' env MESHDECK_GUEST="$MESHDECK_GUEST" "$B/meshdeck" --state "$S" "$@") 2>>'$S/console.log'"
}
# The socket lies in the test's own folder: in a pid namespace every test is process 1.
terminal_open() {
    TM="tmux -S $S/tmux -f /dev/null"
    $TM kill-server 2>/dev/null
    $TM new-session -d -x "${1%x*}" -y "${1#*x}" "LC_ALL=C.UTF-8; export LC_ALL; $2; rc=\$?; echo; echo \"left with status \$rc\"; sleep 600"
    $TM set -g status off
    $TM set -s escape-time 0
}
keys() { for k in "$@"; do $TM send-keys "$k"; sleep 0.15; done; }
typed() { $TM send-keys -l "$1"; sleep 0.15; }
screen() { $TM capture-pane -p; }
shows() { screen | grep -qE -- "$1"; }
sees() { # sees NAME SECONDS PATTERN
    T=$((T + 1))
    if until_true "$2" shows "$3"; then echo "ok $T - $1"; else
        echo "not ok $T - $1"; echo "# wanted: $3"; screen | sed 's/^/# /'; FAILED=1; fi
}
sees_not() {
    T=$((T + 1))
    for _ in $(seq $(($2 * 10))); do
        shows "$3" || { echo "ok $T - $1"; return; }
        sleep 0.1
    done
    echo "not ok $T - $1"; echo "# still there: $3"; screen | sed 's/^/# /'; FAILED=1
}
console_close() { $TM kill-server 2>/dev/null; }
