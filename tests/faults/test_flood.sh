#!/bin/bash
# A guest that floods its serial line: commands are still answered, the log stays bounded. An owner that
# is killed while a second console is attached: that one takes over, says what was lost, the VM lives.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"
. tests/support/terminal.sh

pid_of() { M vm list --json | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }
pid_is() { [ "$(pid_of)" = "$1" ]; }
engine
M vm create loud --wait ssh >/dev/null; ok "a VM runs"
PID=$(pid_of)
M vm exec loud -- sh -c 'yes flooding-the-line >/dev/ttyS0 2>/dev/null & echo $! >/tmp/pid' >/dev/null; ok "its guest floods the serial line"
sleep 8
timeout 10 "$B/meshdeck" --state "$S" vm list >/dev/null; ok "the engine answers meanwhile"
timeout 20 "$B/meshdeck" --state "$S" vm exec loud -- true; ok "and enters the guest"
has "the flood is in the log" "$(tail -20 "$S/vms/loud/serial.log")" 'flooding-the-line'
[ "$(cat "$S"/vms/loud/serial.log* | wc -c)" -le 540672 ]; ok "the log is bounded"

console_open 80x24; sees "a second console is attached" 15 'loud|VMs'
kill -9 "$ENGINE"; wait "$ENGINE" 2>/dev/null; ENGINE=
sees "the owner killed: it takes over and says what is lost" 15 'has ended|runs it now|are lost'
until_true 15 pid_is "$PID"; ok "the VM is the same process"
timeout 10 "$B/meshdeck" --state "$S" vm delete loud --yes >/dev/null; ok "commands work through it"
console_close
