#!/bin/bash
# The man page says what the table of commands says.
cd "$(dirname "$0")/../.." || exit 1
. tests/cli/tap.sh

"$M" help --man > "$work/want"
sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' tui/meshdeck.8 | sed '$d' > "$work/got"
diff "$work/want" "$work/got" > "$work/out"
ok $? "synopsis, options and commands are those of the program"
if command -v groff >/dev/null; then
    groff -man -Tutf8 -ww -z tui/meshdeck.8 > "$work/out" 2>&1 && [ ! -s "$work/out" ]
    ok $? "groff has nothing to say about it"
else
    skip "groff has nothing to say about it" "no groff here"
fi
for word in KillMode=process Delegate=yes Restart=on-failure '@PREFIX@/bin/meshdeck engine'; do
    grep -qF "$word" backend/engine/meshdeck.service.in; ok $? "the unit has $word"
done
done_testing
