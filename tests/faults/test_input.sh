#!/bin/bash
# Names, addresses, sizes, ports and labels that are malformed, taken or outside; hostile strings; no
# root; no terminal; an unknown TERM: refused with the reason, and no control byte reaches the terminal.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"

no() { # no WHAT COMMAND...: refused, nothing raw in what it says, nothing made
    what=$1; shift
    out=$(timeout 20 "$B/meshdeck" --state "$S" "$@" 2>&1 </dev/null); rc=$?
    [ $rc = 1 ] || [ $rc = 2 ]; ok "$what: refused"
    [ -n "$out" ] && ! printf '%s' "$out" | LC_ALL=C grep -q "$(printf '[\033\233\007]')"; ok "$what: said in clean text"
}
ESC=$(printf '\033]0;pwned\007'); LONG=$(printf 'a%.0s' $(seq 300))
engine
M vm create web1 --no-start --ip 10.210.0.9 >/dev/null; ok "one VM with an address of its own"
for n in '' A -x a- a.b 'a b' "$LONG" '%s%n' "x'; drop table vm; --" '$(reboot)' "a$ESC" $'a\nb' é; do
    no "the name $(printf %q "$n" | cut -c1-24)" vm create --no-start -- "$n"
done
no "a name that is taken" vm create web1 --no-start
for a in 10.210.0.9 10.210.0.1 10.210.1.5 192.0.2.2 10.210.0.255 10.210.0.256 "::1" "$ESC"; do
    no "the address $(printf %q "$a")" vm create b1 --no-start --ip "$a"
done
for v in 0 -1 10000 x 1e9 99999999999999999999; do
    no "$v processors" vm create b1 --no-start --cpus "$v"
    [ "$v" = 10000 ] || no "$v GiB of disk" vm create b1 --no-start --disk "$v" # it is thin
done
no "1 MiB of memory" vm create b1 --no-start --memory 1
no "a PiB of memory" vm create b1 --no-start --memory 1073741824
no "a label without a value's sign" vm create b1 --no-start --label nothing
no "a hostile label" vm create b1 --no-start --label "k=$ESC"
no "a network that is not there" vm create b1 --no-start --network "n$ESC"
no "an image that is not there" vm create b1 --no-start --image "../../etc/shadow"
no "a peer with a bad key" peer add p1 "AAAA"
KEY=$(head -c 32 /dev/urandom | base64)
no "a peer with a hostile name" peer add "p$ESC" "$KEY"
no "a prefix with a zone" peer add p1 "$KEY" --allowed-ip 'fe80::1%eth0/64'
no "an endpoint without a port" peer add p1 "$KEY" --endpoint 192.0.2.7
is "nothing of all that was made" "$(M vm list | tail -n +2 | wc -l)" 1
is "and nothing leaks" "$(leaks)" ""
M vm list --json | grep -q '10.210.0.9'; ok "the VM kept its address"
engine_stop

chmod 755 "$S"
out=$(setpriv --reuid 65534 --clear-groups "$B/meshdeck" --state "$S" route list 2>&1); ok "route list works without root"
has "and shows what it may" "$out" '192\.0\.2\.0/24'
out=$(setpriv --reuid 65534 --clear-groups "$B/meshdeck" --state "$S" vm create b1 2>&1); is "a create without root fails" $? 1
has "and says what it needs" "$out" 'root|sudo'
out=$("$B/meshdeck" --state "$S" </dev/null 2>&1 | cat); has "no terminal is said" "$out" 'terminal'
out=$(TERM=nonesuch timeout 5 script -qec "$B/meshdeck --state $S" /dev/null </dev/null 2>&1)
has "an unknown TERM still gets a screen" "$out" 'meshdeck.*live'
