#!/bin/bash
# One VM's life from the command line, on real parts: create, look, enter, stop, start, an engine that
# goes and comes back, delete; and that nothing is left.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"

# field NAME: of the only VM in the list
field() { M vm list --json | tr -d '\n' | grep -o "\"$1\": *\"\{0,1\}[^\",}]*" | head -1 | sed "s/^\"$1\": *\"\{0,1\}//"; }

engine
M vm create web1 --wait ssh; ok "a VM is made and SSH answers"
has "it is listed as running" "$(M vm list)" '^web1 +running .* 10\.210\.0\.2 '
json=$(M vm list --json)
for f in name id state node network ipv4 ipv6 mac tap vcpus memory_mib image pid ports labels; do
    echo "$json" | grep -q "\"$f\":"; ok "vm list --json has $f"
done
is "a command in the guest" "$(M vm exec web1 -- uname -n)" web1
M vm exec web1 -- sh -c 'exit 7'; is "its exit status" $? 7
is "output and errors stay apart" "$(M vm exec web1 -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out
is "input goes in" "$(printf 'a b\n' | M vm exec web1 -- cat)" "a b"
has "the guest has both addresses" "$(M vm exec web1 -- ip addr)" '10\.210\.0\.2/32'
has "names resolve in the guest" "$(M vm exec web1 -- nslookup web1.internal)" 'Address.*10\.210\.0\.2'
has "the host reaches it by IPv6" "$(ping -c 1 -W 5 "$(field ipv6)" 2>&1)" ' 0% packet loss'
has "its routes carry protocol 77" "$(ip route show proto 77)" '10\.210\.0\.2 dev tap0 .*src 10\.210\.0\.1'
has "its routes are its own in the list" "$(M route list)" '^10\.210\.0\.2(/32)? .* vm web1'
has "its tap carries our mark" "$(ip link show tap0)" 'alias meshdeck:vm:10'
has "its serial line is in the detail" "$(M vm show web1)" 'dropbear: listening|root@web1|hostname web1'
has "a second VM of that name is refused" "$(M vm create web1 2>&1)" 'web1 exists'
M vm create web1 2>/dev/null; is "and that is a failure" $? 1
pid=$(field pid)
kill -9 "$ENGINE"; wait "$ENGINE" 2>/dev/null
kill -0 "$pid"; ok "the VM outlives an engine that is killed"
engine
until_true 20 sh -c "'$B/meshdeck' --state '$S' vm list | grep -q '^web1 *running'"; ok "the next engine adopts it"
is "with the same process" "$(field pid)" "$pid"
is "and enters it" "$(M vm exec web1 -- uname -n)" web1
has "knows whose its routes are" "$(M route list)" '^10\.210\.0\.2/32 .* vm web1'
is "and has nothing to warn of" "$(M alert list --json | tr -d ' \n')" "[]"
M vm pause web1; ok "it is paused"
has "and listed so" "$(M vm list)" '^web1 +paused'
M vm resume web1; ok "and goes on"
has "and listed so" "$(M vm list)" '^web1 +running'
M vm stop web1; ok "it stops"
has "and is listed so" "$(M vm list)" '^web1 +stopped'
ip link show tap0 2>/dev/null; is "its tap is gone" $? 1
is "its routes are gone" "$(ip route show proto 77 | grep -c tap)" 0
M vm start web1; ok "it boots again"
is "with what it had" "$(M vm exec web1 -- uname -n)" web1
M vm delete web1 </dev/null 2>/dev/null; is "a delete without --yes is a usage error" $? 2
M vm delete web1 --yes; ok "it is deleted"
is "no VM is left" "$(M vm list --json | tr -d ' \n')" "[]"
is "nothing leaks" "$(leaks)" ""
has "the journal has it all" "$(M events)" 'delete: done'
has "tickets are numbered and done" "$(M ticket list)" 'delete web1 +done'
engine_stop
