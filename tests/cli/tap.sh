# Helpers for the shell tests of the command line; sourced. Prints TAP.
M=${MESHDECK_BUILD:-$PWD/build}/meshdeck
tap_n=0 tap_bad=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

ok() { # ok STATUS NAME
    tap_n=$((tap_n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_n - $2"
    else
        tap_bad=$((tap_bad + 1))
        echo "not ok $tap_n - $2"
        sed 's/^/# /' "$work/out" "$work/err" 2>/dev/null
    fi
}

skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }

# run WANTED-STATUS COMMAND...: standard output in $work/out, standard error in $work/err.
run() {
    tap_want=$1; shift
    timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
    tap_got=$?
    [ "$tap_got" -eq "$tap_want" ] || { echo "# status $tap_got, wanted $tap_want: $*"; return 1; }
}

has() { grep -qF -- "$2" "$work/$1"; }      # has out|err TEXT
empty() { [ ! -s "$work/$1" ]; }

done_testing() { echo "1..$tap_n"; [ "$tap_bad" -eq 0 ]; }
