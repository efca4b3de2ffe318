#!/bin/bash
# Two owners, one-shot commands beside an engine, a database that is damaged or too new, a state folder
# that is not ours, a full disk: a clear error each, files kept, and work goes on afterwards.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"

refused() { # refused NAME PATTERN DIR: an engine on DIR ends with the reason
    out=$(timeout 10 "$B/meshdeck" --state "$3" engine 2>&1); rc=$?
    [ $rc != 0 ] && [ $rc != 124 ]; ok "$1: refused"
    has "$1: the reason" "$out" "$2"
}
there() { M vm list | grep -q '^quiet '; }

engine
M vm create quiet --no-start >/dev/null; ok "one-shot commands work beside an engine"
refused "a second engine on the same state" "in use by process $ENGINE|process $ENGINE" "$S"
refused "another state folder in the same network" "process $ENGINE already runs meshdeck" "$S/other"
rm -rf "$S/other"; there; ok "the first goes on"
engine_stop

db=$(find "$S" -maxdepth 1 -name '*.db'); [ -f "$db" ]; ok "the database is one file"
cp "$db" "$S/good"
damaged() { # damaged NAME PATTERN
    sum=$(cksum <"$db"); engine
    out=$(M vm create more --no-start 2>&1); is "$1: nothing is changed" $? 1
    has "$1: the reason" "$out" "$2"
    engine_stop
    is "$1: the file is kept" "$(cksum <"$db")" "$sum"
    rm -f "$db"-wal "$db"-shm; cp "$S/good" "$db"; chmod 600 "$db"
}
printf 'this is no database at all.....' | dd of="$db" conv=notrunc bs=1 2>/dev/null
damaged "the database's head is damaged" 'damaged|not a database|database'
cp "$S/good" "$db"; sqlite3 "$db" 'PRAGMA user_version=9999'
damaged "a database of a newer version" 'newer'
engine; until_true 10 there; ok "put back, all is there"; engine_stop

mkdir "$S/theirs"; chown 12345 "$S/theirs"
refused "a folder of somebody else" 'owner|owned|belongs|user' "$S/theirs"
ln -s "$S/theirs" "$S/link"
refused "a symbolic link" 'symbolic link' "$S/link"

KEEP=$S; S=$KEEP/small; mkdir "$S"; mount -t tmpfs -o size=200m,mode=711 tmpfs "$S"
engine
if M vm create quiet --no-start >/dev/null 2>"$KEEP/why"; then
    dd if=/dev/zero of="$S/fill" bs=64k 2>/dev/null
    out=$(M vm create more --no-start 2>&1); is "a full disk: the create fails" $? 1
    has "a full disk: the reason" "$out" '[Ss]pace|full'
    there; ok "a full disk: the other VM is there"
    rm -f "$S/fill"
    until_true 20 M vm create later --no-start; ok "with room again it works"
    is "nothing leaks" "$(leaks)" ""
else
    has "a full disk: not even the image fits, and that is said" "$(cat "$KEEP/why")" '[Ss]pace|full'
fi
engine_stop; umount -l "$S"; S=$KEEP
