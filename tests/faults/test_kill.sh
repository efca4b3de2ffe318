#!/bin/bash
# kill -9 of the engine at every point of a create and of a delete, each followed by a start that
# finishes or cleans up: every VM is there and runs or is gone, and nothing leaks.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"

settled() { # the engine is ready and no ticket runs
    M ticket list | awk 'NR > 1 && ($0 ~ / running | accepted /) { exit 1 }'
}
walk() { # walk WHAT COMMAND...: kills at 1, 2, 3... until the command comes through
    what=$1; shift
    for n in $(seq 1 80); do
        before=$(M vm list --json 2>/dev/null | tr -d ' \n'); engine_stop
        engine MESHDECK_DIE_AT=$n
        if M "$@" >/dev/null 2>&1 && kill -0 "$ENGINE" 2>/dev/null; then
            engine_stop; engine
            echo "# $what came through with $((n - 1)) points before its end"
            [ "$n" -gt 5 ]; ok "$what was killed at each of its points"
            return
        fi
        wait "$ENGINE" 2>/dev/null; ENGINE=
        engine
        until_true 60 settled; ok "$what killed at point $n: the next engine settles"
        is "$what killed at point $n: nothing leaks" "$(leaks)" ""
        state=$(M vm list | awk '$1 == "victim" { print $2 }')
        case $what in
        create) case $state in running | stopped | "") true ;; *) echo "# victim is $state"; false ;; esac ;;
        delete) [ -z "$state" ] || [ "$state" = stopped ] ;;
        esac
        ok "$what killed at point $n: whole or gone"
        case $what in
        create) [ -z "$state" ] || M vm delete victim --yes ;;
        delete) [ -n "$state" ] || M vm create victim --no-start ;;
        esac >/dev/null 2>&1
    done
    false; ok "$what never came through"
}
engine
walk create vm create victim --no-start
M vm delete victim --yes >/dev/null 2>&1
M vm create victim --no-start >/dev/null 2>&1; ok "a VM to delete"
walk delete vm delete victim --yes
engine_stop
