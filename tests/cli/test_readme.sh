#!/bin/bash
# The README's word is kept: every command of its sh blocks is run as it stands there, and what can be
# checked of its tables, its screens and its protocol is. The state folder that the commands mean,
# /var/lib/meshdeck, is a folder of this test's in a mount namespace of its own, and so is /usr/local.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"
. tests/support/terminal.sh

if [ "$B" != "$PWD/build" ]; then
    T=1; echo "ok 1 - the README's commands # SKIP they name build/, and the program under test is in $B"
    exit 0
fi
# Neither the outer make's flags nor the sandbox's guest image are there when a reader types this.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MESHDECK_GUEST MESHDECK_BUILD BUILD
made_state=
[ -d /var/lib/meshdeck ] || { mkdir -m 711 /var/lib/meshdeck && made_state=yes; }
mount --bind "$S" /var/lib/meshdeck; ok "the default state folder is this test's own"
M() { build/meshdeck "$@"; }
undo() { umount -l /var/lib/meshdeck; [ -z "$made_state" ] || rmdir /var/lib/meshdeck; }
trap 'undo 2>/dev/null; sandbox_end' EXIT

seconds_since() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }'; }
leave() { # leave NAME: q, and once more where it asks; the program's status is on the screen then
    keys q; until_true 2 shows 'left with' || keys q
    sees "$1" 20 'left with status 0'
    console_close
}

run_make_run() { # twice: the second time all is made already, and its time is what a reader waits
    terminal_open 80x24 "$1"
    sees "\`$1\` opens the Deck" 300 '\[1 Deck\]'
    sees "and finds nothing wrong" 30 'all well'
    leave "and ends in order"
    began=$(date +%s.%N)
    terminal_open 80x24 "$1"
    until_true 60 shows '\[1 Deck\]'; ok "\`$1\` the second time"
    echo "# \`$1\` the second time shows the Deck after $(seconds_since "$began") s"
    leave "and ends in order too"
}
run_read_only() { # as somebody who may change nothing and has no sudo
    if ! setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$PWD/Makefile" -a -x "$B/meshdeck"; then
        T=$((T + 1)); echo "ok $T - \`$1\` without root # SKIP nobody may not read $PWD"
        return
    fi
    sudo=$(command -v sudo) && mount --bind /bin/false "$sudo"
    terminal_open 80x24 "env HOME=/nonexistent setpriv --reuid=65534 --regid=65534 --clear-groups $1"
    sees "\`$1\` without root opens the Deck" 60 '\[1 Deck\]'
    sees "read-only" 10 'READ-ONLY|read-only'
    keys 2 c; sees "and says what it cannot do" 10 'READ-ONLY: .*(root|CAP_NET_ADMIN)'
    keys Escape; leave "and ends in order"
    [ -z "$sudo" ] || umount "$sudo"
}
run_demo() {
    terminal_open 100x30 "$1"
    sees "\`$1\` opens the Deck" 30 '\[1 Deck\]'
    sees "with the fleet that the README names" 10 'DEMO 255 nodes'
    while IFS='|' read -r _ key view _; do
        key=$(echo "$key" | tr -d ' `') view=${view// /}
        keys "$key"; sees "key $key shows $view" 5 "\\[$key $view\\]|^ $view  "
    done < <(grep -E '^\| `[0-9]` \|' README.md)
    keys 2; sees "with 64,000 VMs" 5 'VMs +64,000 of 64,000'
    leave "and ends in order"
}
run_here() { # run_here PATTERN COMMAND: as root, with the words as they stand
    out=$(timeout 300 bash -c "$2" 2>"$S/err" </dev/null)
    rc=$?; is "\`$2\`" $rc 0
    [ $rc = 0 ] || sed 's/^/# /' "$S/err"
    [ -z "$1" ] || has "and its answer" "$out" "$1"
}
run_install() { # /usr/local is empty for as long as this takes
    out=$(unshare --mount bash -c "mount -t tmpfs tmpfs /usr/local && $1 >/dev/null &&
        cd / && /usr/local/bin/meshdeck --version && ls /usr/local/share/man/man8 &&
        grep ExecStart= /usr/local/lib/systemd/system/meshdeck.service" 2>&1)
    has "\`$1\` installs the program" "$out" '^meshdeck 0\.'
    has "its man page" "$out" '^meshdeck\.8'
    has "and its unit" "$out" '^ExecStart=/usr/local/bin/meshdeck engine$'
}

# Every command has a place here: one that nobody runs is a failure.
while IFS= read -r cmd <&7; do
    case $cmd in
    "make run") run_make_run "$cmd"; run_read_only "$cmd" ;;
    "make test") # this runs in it
        is "\`$cmd\` is what CI calls" "$(tail -n 1 .ci/run)" "exec $cmd"
        has "and runs all tests" "$(make -n test 2>&1)" '^tests/run build$' ;;
    "make") run_here '' "$cmd" ;;
    "make install "*) run_install "$cmd" ;;
    "build/meshdeck --demo") run_demo "$cmd" ;;
    *" vm create web1"*) run_here '^web1 running 10\.210\.0\.' "$cmd" ;;
    *" vm list") run_here '^web1 +running' "$cmd" ;;
    *" vm exec web1 -- uname -n") run_here '^web1$' "$cmd" ;;
    *" route list") run_here '^10\.210\.0\.[0-9]+/32 .* vm web1' "$cmd" ;;
    *" vm stop web1")
        run_here '' "$cmd"
        has "it is stopped" "$(build/meshdeck vm list)" '^web1 +stopped' ;;
    *" vm delete web1 --yes") run_here '' "$cmd"; is "it is gone" "$(build/meshdeck vm list --json)" "[]" ;;
    *) T=$((T + 1)) FAILED=1; echo "not ok $T - no test runs \`$cmd\`" ;;
    esac
done 7< <(awk '/^```sh$/ { sh = 1; next } /^```/ { sh = 0 } sh && NF' README.md)
is "nothing leaks" "$(leaks)" ""

# The protocol's lines, as the README has them, to a real engine.
protocol() { awk '/^```/ { on = !on } on' README.md | sed -n "s/^$1: *\\({.*}\\)\\( .*\\)\\{0,1\\}\$/\\1/p"; }
build/meshdeck engine >>"$S/engine.log" 2>&1 &
ENGINE=$!
until_true 20 test -S "$S/engine.sock"
M vm create web1 --no-start >/dev/null 2>&1; ok "an engine, and a VM to start"
name=$(M vm list | awk '$1 == "web1" { print $3 }')
got=$({ protocol console; echo '{"id":8,"verb":"vm.create","args":{"name":"web1"}}'; sleep 3; } |
    timeout 20 nc -U -q 1 "$S/engine.sock")
has "the engine's greeting" "$(echo "$got" | head -n 1)" '^\{"meshdeck":1,"version":"0\.1","pid":[0-9]+\}$'
has "a command's answer" "$got" '^\{"id":7,"ok":true,"body":\{"ticket":[0-9]+\}\}$'
has "a refusal" "$got" "^\\{\"id\":8,\"ok\":false,\"code\":-17,\"error\":\"web1 exists on $name"
has "a snapshot" "$(echo "$got" | cut -c1-20000)" '^\{"snapshot":\{"tables":\{"vms":\{"put":\[\{.*"remove":\[.*\},"meta":\{'
has "the heartbeat" "$got" '^\{"beat":[0-9]{13}\}$'
until_true 60 sh -c "build/meshdeck vm list | grep -q '^web1 *running'"; ok "the VM runs by it"
is "nothing is wrong by then" "$(M alert list --json)" "[]"
M vm delete web1 --yes >/dev/null 2>&1; ok "and is deleted"
engine_stop

# What stands in its tables and between its lines.
for f in $(grep -oE '^\| `[^|]*\|' README.md | grep -o '`[^`]*[/.][^`]*`' | tr -d '`' | tr ' ' '\n' | grep -v '^[a-z]*/$'); do
    [ -e "$f" ] || [ -e "tests/$f" ]; ok "$f is there"
done
for f in backend widgets tui themes tests; do grep -q "^| .*\`$f/" README.md; ok "the README places $f/"; done
for f in $(grep -oE '\]\([^)]*\)' README.md | tr -d '])('); do
    case $f in *://*) continue ;; esac
    [ -s "$f" ]; ok "$f is there"
done
for f in themes/*.json; do
    f=${f##*/}; grep -qE "\\b${f%.json}\\b" README.md; ok "the README names the theme ${f%.json}"
done
help=$(make help)
for t in run test asan tsan fuzz clang bench install; do has "make help lists $t" "$help" "^  make $t "; done
is "the licence stands at the end" "$(grep '^## ' README.md | tail -n 1)" "## Licence"
