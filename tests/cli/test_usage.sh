#!/bin/bash
# Usage errors: status 2, nothing on standard output, what is wrong and where help is.
cd "$(dirname "$0")/../.." || exit 1
. tests/cli/tap.sh

refused() { # refused TEXT ARGUMENT...
    text=$1; shift
    run 2 "$M" "$@" && has err "$text" && has err "--help" && empty out
    ok $? "refused: $*"
}

refused "bogus is no command" bogus
refused "vm bogus is no command" vm bogus
refused "vm wants one more word" vm
refused "--bogus is no option" --bogus
refused "--bogus is no option" vm list --bogus
refused "-x is no option" vm list -x
refused "NAME is missing" vm create
refused "NAME... is missing" vm stop
refused '"extra" is too much' vm create a extra
refused '"extra" is too much' vm list extra
refused "NAME -- COMMAND... is missing" vm exec a
refused "--cpus zwei" vm create a --cpus zwei
refused "--cpus 0" vm create a --cpus 0
refused "--cpus -1" vm create a --cpus -1
refused "--memory 99999999999999999999" vm create a --memory 99999999999999999999
refused "--memory wants MIB" vm create a --memory
refused "--cpus is given twice" vm create a --cpus 1 --cpus=2
refused "--no-start takes no value" vm create a --no-start=1
refused "--theme is no option" vm list --theme dark
refused "--nodes 256" --demo --nodes 256
refused "--follow is no option" vm list --follow

run 2 "$M" --nodes 3 && has err "give --demo"; ok $? "demo options want the demo"
run 2 "$M" --demo --nodes 1 --vms 4 vm create a --wait pigeon && has err "--wait ssh"
ok $? "only ssh can be waited for"
run 2 "$M" --demo --nodes 1 --vms 4 fleet mark holy && has err "production or normal"
ok $? "a mark is production or normal"
run 2 "$M" --demo --nodes 1 --vms 4 alert ack first && has err "has a number"
ok $? "an alert has a number"
run 2 "$M" --demo --nodes 1 --vms 4 vm set a && has err "what is to be set"
ok $? "set wants something to set"
run 2 "$M" --demo --nodes 1 --vms 4 vm delete a && has err "--yes"
ok $? "destroying wants --yes where there is no terminal"
run 2 "$M" --worker pigeon; ok $? "no such worker"

run 0 "$M" --help && has out "vm create" && empty err; ok $? "--help"
run 0 "$M" help && has out "vm create"; ok $? "help"
run 0 "$M" -h && has out "vm create"; ok $? "-h"
run 0 "$M" vm --help && has out "vm create" && ! has out "peer add"; ok $? "help of a group"
run 0 "$M" vm create --help && has out "--memory MIB"; ok $? "help of a command"
run 0 "$M" vm create a b c --help && has out "--memory MIB"; ok $? "help comes before complaints"
run 0 "$M" --version && has out "meshdeck 0."; ok $? "--version"

missing=
while read -r a b _; do
    run 0 "$M" "$a" ${b:+"$b"} --help && has out "usage: meshdeck $a" || missing="$missing $a-$b"
done < <("$M" --help | sed -n '/^commands:/,/^$/p' | sed '1d;/^$/d' | cut -c3-27 | grep -v '^(')
[ -z "$missing" ]; ok $? "every command has help$missing"
done_testing
