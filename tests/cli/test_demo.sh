#!/bin/bash
# One-shot commands on the simulated fleet.
cd "$(dirname "$0")/../.." || exit 1
. tests/cli/tap.sh
D=("$M" --demo --nodes 4 --vms 120 --churn 0 --seed 1)

# A JSON document with what is wanted in it, by the parser that the tests have at hand.
json() { # json EXPRESSION-OF-d
    python3 -c "import json,sys; d=json.load(open('$work/out')); sys.exit(0 if ($1) else 1)"
}
if ! command -v python3 >/dev/null; then
    json() { [ "$(head -c1 "$work/out")" = "[" ] || [ "$(head -c1 "$work/out")" = "{" ]; }
fi

run 0 "${D[@]}" vm list && has out "NAME" && [ "$(wc -l < "$work/out")" -eq 121 ] && empty err
ok $? "vm list"
run 0 "${D[@]}" vm list --json &&
    json 'len(d)==120 and all(k in d[0] for k in "name id state node network ipv4 ipv6 mac tap vcpus memory_mib image pid ports labels".split())'
ok $? "vm list --json"
run 0 "${D[@]}" peer list --json &&
    json 'all(k in d[0] for k in "name public_key endpoint allowed_ips latest_handshake rx_bytes tx_bytes verdict".split())'
ok $? "peer list --json"
run 0 "${D[@]}" route list --json &&
    json 'len(d)==120 and all(k in d[0] for k in "dst gateway dev table protocol metric owner".split())'
ok $? "route list --json"
run 0 "${D[@]}" node list --json && json 'all(k in d[0] for k in "name id state address endpoints vms".split())'
ok $? "node list --json"
run 0 "${D[@]}" ticket list --json &&
    json 'all(k in d[0] for k in "id command state step steps step_name error by started ended".split())'
ok $? "ticket list --json"
for what in "network list" "image list" "alert list" "events"; do
    # shellcheck disable=SC2086
    run 0 "${D[@]}" $what --json && json 'isinstance(d, list) and len(d) > 0'; ok $? "$what --json"
    # shellcheck disable=SC2086
    run 0 "${D[@]}" $what && [ -s "$work/out" ]; ok $? "$what"
done
run 0 "$M" --demo --nodes 1 --vms 0 --churn 0 vm list && empty out && has err "No VMs yet"
ok $? "an empty list says how to begin"
run 0 "$M" --demo --nodes 1 --vms 0 --churn 0 vm list --json && json 'd == []'; ok $? "and is [] for programs"
"${D[@]}" vm list > "$work/a"; "${D[@]}" vm list > "$work/b"; cmp -s "$work/a" "$work/b"
ok $? "one seed, one list"

run 0 "${D[@]}" vm create vm1 --port 8080:80 --label a=b && has out "vm1 running 10.210." && empty err
ok $? "vm create waits for its end, and is quiet where there is no terminal"
run 0 "${D[@]}" vm create vm1 --json --wait ssh && json 'd["name"]=="vm1" and d["state"]=="running"'
ok $? "vm create --wait ssh --json"
run 0 "${D[@]}" vm create vm1 --no-start && has out "vm1 stopped"; ok $? "vm create --no-start"
run 0 "${D[@]}" vm create vm1 --dry-run && has out "ip route add" && has out "QEMU"; ok $? "vm create --dry-run"
run 1 "${D[@]}" vm create vm1 --dry-run --image none --ip 10.0.0.1 && has err "no such image" && has err "Not in"
ok $? "a plan that cannot be says all that is wrong"
run 1 "${D[@]}" vm create api-00018 && has err "api-00018 exists on" && has err "is free"
ok $? "a name that is taken"
run 1 "${D[@]}" vm create 'Web_1' && has err "small letters"; ok $? "a name that is none"
run 1 "${D[@]}" vm create "$(printf 'a\033[2Jb')" && ! grep -q "$(printf '\033')" "$work/err"
ok $? "no escape sequence comes back"
run 1 "${D[@]}" vm start no-such-vm && has err "no such VM"; ok $? "a VM that is not there"
run 1 "${D[@]}" --read-only vm create vm1 && has err "read-only"; ok $? "--read-only is refused by the engine"
run 0 "${D[@]}" vm stop api-00018 cache-00019 --json; json 'd["state"]=="done" and d["steps"]==2'
ok $? "one ticket for several VMs"
run 0 "${D[@]}" vm delete api-00018 --yes; ok $? "vm delete --yes"
run 0 "${D[@]}" vm set api-00018 --cpus 2; ok $? "vm set"
run 0 "${D[@]}" vm show api-00018 && has out "gateway   fe80::1"; ok $? "vm show"
run 0 "${D[@]}" peer add lap AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk= --allowed-ip fd00::7/128
ok $? "peer add"
run 1 "${D[@]}" peer add lap nokey && has err "44 characters"; ok $? "peer add with no key"
run 0 "${D[@]}" ticket show 90100 && has out "ticket 90100"; ok $? "ticket show"
run 1 "${D[@]}" ticket show 7 && has err "no ticket 7"; ok $? "ticket show of none"
run 0 "${D[@]}" ticket wait 90100; ok $? "ticket wait of one that is done"
run 0 "${D[@]}" fleet mark production; ok $? "fleet mark"
run 0 "${D[@]}" plan && has out "Nothing to do"; ok $? "plan"

run 0 "${D[@]}" vm exec api-00018 -- uname -n && [ "$(cat "$work/out")" = api-00018 ]; ok $? "vm exec"
run 1 "${D[@]}" vm exec api-00018 -- false && empty err; ok $? "vm exec gives the command's status"
run 127 "${D[@]}" vm exec api-00018 -- frobnicate --json && has err "frobnicate" && empty out
ok $? "vm exec keeps standard error apart, and its words to itself"
run 255 "${D[@]}" vm exec no-such-vm -- true && has err "no such VM"; ok $? "vm exec: 255 is ours"
run 255 "$M" --demo --nodes 1 --vms 9999 vm exec a -- true; ok $? "vm exec: 255 when there is no engine"
printf 'hostname\nexit\n' | timeout 60 "${D[@]}" vm shell api-00018 > "$work/out" 2> "$work/err"
[ $? -eq 0 ] && has out "api-00018" && has out "simulated"; ok $? "vm shell from a pipe"

timeout 60 "${D[@]}" events --follow | head -n 3 > "$work/out"
[ "$(wc -l < "$work/out")" -eq 3 ]; ok $? "events --follow ends when its reader has gone"
"${D[@]}" vm list > /dev/full 2> "$work/err"; [ $? -eq 1 ] && has err "standard output"
ok $? "a full disk is an error"
run 1 "$M" --demo --nodes 2 --vms 20 && [ -s "$work/err" ]; ok $? "no console without a terminal"
timeout 60 "$M" engine --demo --nodes 1 --vms 9 2> "$work/err" & pid=$!
for _ in $(seq 200); do has err "the engine runs" && break; sleep 0.05; done
kill -TERM $pid; wait $pid; [ $? -eq 0 ] && has err "VMs go on"; ok $? "engine ends in order by SIGTERM"
done_testing
