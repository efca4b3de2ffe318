#!/bin/bash
# A VM's process killed, stopped, panicking or powered off by its guest; QEMU missing or dying at once;
# an image missing or damaged: said at once with its reason, nothing started twice, nothing left behind.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"

state() { M vm list | awk -v n="$1" '$1 == n { print $2 }'; }
in_state() { [ "$(state "$1")" = "$2" ]; }
pid_of() { M vm list --json | tr -d ' \n' | grep -o "\"name\":\"$1\".*" | sed 's/.*"pid":\([0-9]*\).*/\1/'; }
address_of() { M vm list --json | tr -d ' \n' | grep -o '"ipv[46]":"[^"]*"'; }
tap_gone() { ! ip link show tap0 >/dev/null 2>&1 && [ -z "$(ip route show proto 77 | grep 10.210.0.2)" ]; }

engine
M vm create v1 --wait ssh >/dev/null; ok "a VM runs"
ADDRESS=$(address_of) PID=$(pid_of v1)

kill -STOP "$PID"
until_true 20 in_state v1 unknown; ok "QEMU stopped by a signal: unknown, not stopped"
out=$(M vm start v1 2>&1); is "it is not started again" $? 1
has "and the reason is told" "$out" 'unknown|monitor|answer'
is "one process is there" "$(pid_of v1)" "$PID"
kill -CONT "$PID"
until_true 20 in_state v1 running; ok "it goes on: running"
is "it is the same process" "$(pid_of v1)" "$PID"
is "and it answers" "$(M vm exec v1 -- uname -n)" v1

kill -9 "$PID"
until_true 5 in_state v1 failed; ok "QEMU killed: failed at once"
has "with its reason" "$(M events)" 'vm v1 .*failed: .*signal 9'
until_true 10 tap_gone; ok "its tap and routes are gone"
is "its addresses are kept" "$(address_of)" "$ADDRESS"
is "nothing leaks" "$(leaks)" ""
M vm start v1 >/dev/null; ok "it boots again"
is "with its disk and name" "$(M vm exec v1 -- uname -n)" v1
is "and its addresses" "$(address_of)" "$ADDRESS"

timeout 20 "$B/meshdeck" --state "$S" vm exec v1 -- sh -c 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger' >/dev/null 2>&1
until_true 15 in_state v1 failed; ok "a guest's panic: failed"
has "with the guest's words" "$(M events)" 'vm v1 .*panic.*sysrq'
until_true 10 tap_gone; ok "its tap and routes are gone"

M vm start v1 >/dev/null; ok "it boots after a panic"
SEEN=$(M events | wc -l)
timeout 20 "$B/meshdeck" --state "$S" vm exec v1 -- poweroff >/dev/null 2>&1
until_true 30 in_state v1 stopped; ok "a guest that powers itself off: stopped"
is "and calmly" "$(M events | tail -n "+$((SEEN + 1))" | grep -cE 'crit')" 0
engine_stop

mkdir "$S/none"; PATH_WAS=$PATH
for d in ${PATH//:/ }; do for f in "$d"/*; do
    [ "${f##*/}" = qemu-system-x86_64 ] || [ -e "$S/none/${f##*/}" ] || ln -s "$f" "$S/none/${f##*/}"
done; done
engine PATH="$S/none"
out=$(M vm start v1 2>&1); is "without QEMU a start fails" $? 1
has "and says what is missing" "$out" 'qemu-system-x86_64.*(not|No such)|install'
out=$(M vm create v2 2>&1); is "and so does a create" $? 1
has "with the same words" "$out" 'qemu-system-x86_64.*(not|No such)|install'
is "which is rolled back" "$(state v2)" ""
is "nothing leaks" "$(leaks)" ""
engine_stop

mkdir "$S/mock"; printf '#!/bin/sh\necho "mock: cannot go on" >&2\nexit 3\n' >"$S/mock/qemu-system-x86_64"
chmod 755 "$S/mock" "$S/mock/qemu-system-x86_64"
engine PATH="$S/mock:$PATH_WAS"
out=$(M vm create v2 2>&1); is "a QEMU that dies at once (a mock) fails the create" $? 1
has "with its words" "$out" 'mock: cannot go on|status 3'
is "which is rolled back" "$(state v2)" ""
is "nothing leaks" "$(leaks)" ""
has "the ticket says so" "$(M ticket list)" 'create v2 +failed'
engine_stop

engine
image=$(find "$S/images" -name '*.qcow2' | head -1)
cp "$image" "$S/whole"; truncate -s 100000 "$image"
out=$(M vm create v3 2>&1); is "a truncated image is refused" $? 1
has "with the reason" "$out" 'image builtin'
is "before anything is there" "$(state v3)$(leaks)" ""
mv "$image" "$S/away"
out=$(M vm create v3 2>&1); is "a missing image is refused" $? 1
has "with the reason" "$out" 'image builtin'
is "before anything is there" "$(state v3)$(leaks)" ""
out=$(M vm create v3 --image nothing 2>&1); is "an image that was never there is refused" $? 1
cp "$S/whole" "$image"
M vm create v3 --no-start >/dev/null; ok "whole again, it is used again"
[ -z "${SHOW:-}" ] || { M events; M ticket list; M image list; }
engine_stop
