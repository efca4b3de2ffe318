#!/bin/bash
# What `make install` puts where, that the program works from there without the source tree, and that
# both compilers build it without a word.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"
. tests/support/terminal.sh
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MESHDECK_GUEST

root=$S/root build=${B#"$PWD"/}
make -s install BUILD="$build" PREFIX=/usr DESTDIR="$root" >"$S/out" 2>&1; ok "make install PREFIX=/usr DESTDIR=..."
sed 's/^/# /' "$S/out"
is "the program, for everybody" "$(stat -c '%a' "$root/usr/bin/meshdeck")" 755
cmp -s "$B/meshdeck" "$root/usr/bin/meshdeck"; ok "it is the one that was built"
for f in kernel initrd base.qcow2 version; do
    cmp -s "$B/guest/$f" "$root/usr/share/meshdeck/guest/$f"; ok "the guest's $f"
done
is "all themes" "$(cd "$root/usr/share/meshdeck/themes" && ls)" "$(cd themes && ls)"
is "no file that others may write" "$(find "$root" -type f -perm /022)" ""
is "nothing else" "$(cd "$root" && find . -type f | grep -vE '^\./usr/(bin/meshdeck|share/man/man8/meshdeck\.8|lib/systemd/system/meshdeck\.service|share/meshdeck/(guest|themes)/[a-z0-9.-]+)$')" ""

page=$root/usr/share/man/man8/meshdeck.8
if command -v groff >/dev/null; then
    is "groff renders the page without a word" "$(groff -man -Tutf8 -ww -z "$page" 2>&1)" ""
    has "and it has the commands" "$(groff -man -Tascii -P-c "$page" | sed 's/.\x08//g')" 'meshdeck vm create \['
else
    T=$((T + 1)); echo "ok $T - groff renders the page # SKIP no groff here"
fi

unit=$root/usr/lib/systemd/system/meshdeck.service
is "the unit runs the installed program" "$(sed -n 's/^ExecStart=//p' "$unit")" "/usr/bin/meshdeck engine"
is "and has nothing left to fill in" "$(grep '@' "$unit")" ""
verify() { # verify UNIT: it looks for the program where the unit says: a copy is laid there for this alone
    unshare --mount sh -c "
        mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work &&
        mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/mnt/up,workdir=/mnt/work /usr/bin &&
        cp '$root/usr/bin/meshdeck' /usr/bin/ || { echo 'no overlay'; exit; }
        systemd-analyze verify --man=no '$1'" 2>&1 | grep -E 'meshdeck|no overlay'
}
if ! command -v systemd-analyze >/dev/null; then
    T=$((T + 1)); echo "ok $T - systemd-analyze finds nothing wrong with it # SKIP no systemd-analyze here"
elif [ "$(verify "$unit")" = "no overlay" ]; then
    T=$((T + 1)); echo "ok $T - systemd-analyze finds nothing wrong with it # SKIP no overlay file system here"
else
    is "systemd-analyze finds nothing wrong with it" "$(verify "$unit")" ""
    mkdir "$S/wrong"; sed 's/^KillMode=.*/KillMode=bogus/' "$unit" >"$S/wrong/meshdeck.service"
    has "and would have" "$(verify "$S/wrong/meshdeck.service")" 'bogus'
fi

# From there alone: another folder, no source tree in sight.
M() { (cd / && "$root/usr/bin/meshdeck" --state "$S/state" "$@"); }
mkdir -m 711 "$S/state"
has "it says its version" "$(M --version)" '^meshdeck 0\.'
M vm create web1 --wait ssh >/dev/null 2>"$S/err"; ok "a VM is made from the installed guest image"
is "and answers" "$(M vm exec web1 -- uname -n)" web1
M vm delete web1 --yes >/dev/null 2>&1; ok "and is deleted"
mv "$root/usr/share/meshdeck/guest" "$S/away"
has "without that image it says what to do" "$(MESHDECK_GUEST= "$root/usr/bin/meshdeck" --state "$S/other" vm create x1 2>&1)" 'is not built yet: `make guest`'
mv "$S/away" "$root/usr/share/meshdeck/guest"
cp themes/light.json "$root/usr/share/meshdeck/themes/house.json" # the program has none of that name in it
terminal_open 80x24 "cd / && '$root/usr/bin/meshdeck' --demo --nodes 3 --vms 9 --theme house"
sees "its console opens" 30 '\[1 Deck\]'
refused='no such theme' # the last of these checks shows that these words come when they should
theme() { typed ":set theme $1"; keys Enter; sees_not "the command line takes $1" 5 ':set theme'; }
for f in "$root"/usr/share/meshdeck/themes/*.json; do
    f=${f##*/} f=${f%.json}
    theme "$f"; shows "$refused"; is "the theme $f is found" $? 1
done
theme nosuch; sees "one that is none is refused with a reason" 5 "nosuch: $refused"
console_close

help=$(make help)
for t in all run test bench guest fuzz asan tsan clang lint format install clean help; do
    has "make help lists $t" "$help" "^  make $t +[a-z]"
done
