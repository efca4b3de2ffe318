#!/bin/bash
# At rest: what the headless engine and the console (VMs view) cost when nothing happens, with 64,000
# routes in the kernel: processor, bytes written to the terminal, resident memory.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"
. tests/support/terminal.sh
. tests/support/bench.sh
trap 'console_close; bench_end' EXIT

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
rss_mib() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
cpu_percent() { # PID SECONDS
    a=$(ticks "$1"); sleep "$2"; b=$(ticks "$1")
    awk -v t=$((b - a)) -v hz="$(getconf CLK_TCK)" -v s="$2" 'BEGIN { print t * 100 / hz / s }'
}

engine
sleep 4
bench_limit "headless engine at rest, of a core" "$(cpu_percent "$ENGINE" 10)" 0.5 %
ip link add v0 type veth peer name v1; ip link set v0 up
for i in $(seq 0 63999); do printf 'route add fd00:%x:%x::/64 dev v0\n' $((i >> 8)) $((i & 255)); done |
    ip -6 -batch -
sleep 4
[ "$(M route list | grep -c '^fd00:.* v0 ')" -ge 64000 ] || exit 1
bench_limit "engine with 64,000 routes, resident" "$(rss_mib "$ENGINE")" 64 MiB
engine_stop
console_open 120x40
until_true 20 shows '1 Deck' || exit 1
keys 2; sleep 5
[ "$(M route list | grep -c '^fd00:.* v0 ')" -ge 64000 ] || exit 1
pid=$(pgrep -P "$($TM list-panes -F '#{pane_pid}')" -x meshdeck)
bench_limit "console with 64,000 routes, resident" "$(rss_mib "$pid")" 64 MiB
$TM pipe-pane "cat > '$S/written'"
bench_limit "console at rest on VMs, of a core" "$(cpu_percent "$pid" 10)" 0.5 %
bench_limit "bytes written at rest on VMs in 10 s" "$(wc -c <"$S/written")" 0.5 bytes
