# Sourced by shell tests: puts the test into network and mount namespaces of its own with an uplink
# that leads nowhere, a state folder, and a clean-up that ends what the test started, by pid. Prints TAP.
#     . tests/support/sandbox.sh; sandbox "$0" "$@"
# Needs root; without it the whole test is one skip.

sandbox() {
    if [ "$(id -u)" != 0 ]; then
        echo "ok 1 - $(basename "$1") # SKIP needs root for namespaces"
        exit 0
    fi
    if [ -z "${SANDBOX:-}" ]; then
        SANDBOX=1 exec unshare --kill-child --net --mount --pid --fork --mount-proc "$@"
    fi
    cd "$(dirname "$1")/../.." || exit 2
    B=${MESHDECK_BUILD:-$PWD/build}
    export MESHDECK_GUEST=${MESHDECK_GUEST:-$B/guest} LC_ALL=C.UTF-8
    S=$(mktemp -d /tmp/meshdeck-test.XXXXXX) T=0 FAILED=0 ENGINE=
    chmod 711 "$S"
    # A console that a test opens keeps its options here, not with whoever runs the tests.
    unset SUDO_UID SUDO_GID SUDO_USER
    export XDG_CONFIG_HOME=$S/config
    mkdir "$XDG_CONFIG_HOME"
    mkdir -p /var/run/wireguard && mount -t tmpfs tmpfs /var/run/wireguard
    mount -t tmpfs tmpfs /run/systemd 2>/dev/null || :
    ip link set lo up
    ip link add up0 type veth peer name up1
    ip addr add 192.0.2.2/24 dev up0
    ip link set up0 up; ip link set up1 up
    ip route add default via 192.0.2.1
    trap sandbox_end EXIT
}

# Everything in the pid namespace ends with its first process; files are ours to remove.
sandbox_end() {
    rc=$?
    [ "$FAILED" = 0 ] || [ ! -f "$S/engine.log" ] || sed 's/^/# engine: /' "$S/engine.log" | tail -20
    rm -rf "$S"
    echo "1..$T"
    [ "$FAILED" = 0 ] && [ "$rc" = 0 ]
    exit $?
}

ok() { # ok NAME: by the status of the command before
    rc=$?
    T=$((T + 1))
    if [ $rc = 0 ]; then echo "ok $T - $1"; else echo "not ok $T - $1"; FAILED=1; fi
}
is() { # is NAME GOT WANTED
    T=$((T + 1))
    if [ "$2" = "$3" ]; then echo "ok $T - $1"; else
        echo "not ok $T - $1"; echo "#      got: $2"; echo "#   wanted: $3"; FAILED=1; fi
}
has() { # has NAME TEXT PATTERN
    T=$((T + 1))
    if printf '%s' "$2" | grep -qE -- "$3"; then echo "ok $T - $1"; else
        echo "not ok $T - $1"; printf '%s\n' "$2" | head -12 | sed 's/^/# got: /'; echo "# wanted: $3"; FAILED=1; fi
}
M() { "$B/meshdeck" --state "$S" "$@"; }
# The engine alone, in the background, until it takes commands; with "VAR=value" before it if wanted.
engine() {
    env "$@" "$B/meshdeck" --state "$S" engine >>"$S/engine.log" 2>&1 &
    ENGINE=$!
    for _ in $(seq 200); do [ -S "$S/engine.sock" ] && break; kill -0 $ENGINE 2>/dev/null || break; sleep 0.05; done
}
engine_stop() { kill "$ENGINE" 2>/dev/null; wait "$ENGINE" 2>/dev/null; ENGINE=; }
until_true() { # until_true SECONDS COMMAND...
    for _ in $(seq $(($1 * 10))); do "${@:2}" >/dev/null 2>&1 && return 0; sleep 0.1; done
    return 1
}
# What is on the host and should not be: ours by their marks, and accounted for by no VM.
leaks() {
    vms=$(M vm list --json | tr -d ' \n')
    for l in $(ip -o link | sed -n 's/^[0-9]*: \(tap[0-9]*\).*/\1/p'); do
        echo "$vms" | grep -q "\"tap\":\"$l\"" || echo "tap $l"
    done
    for f in "$S"/vms/*; do
        [ -e "$f" ] || continue
        echo "$vms" | grep -q "\"name\":\"${f##*/}\"" || echo "folder ${f##*/}"
    done
    for a in $(ip route show proto 77 | sed -n 's/^\(10\.210\.[0-9.]*\) dev tap.*/\1/p'); do
        echo "$vms" | grep -q "\"ipv4\":\"$a\"" || echo "route $a"
    done
    for f in "$S"/dns/hosts/*; do
        [ -e "$f" ] || continue
        echo "$vms" | grep -q "\"name\":\"${f##*/}\"" || echo "dns name ${f##*/}"
    done
    nft -j list set inet meshdeck from4 2>/dev/null | grep -o '"tap[0-9]*"' | sort -u | tr -d '"' |
        while read -r t; do echo "$vms" | grep -q "\"tap\":\"$t\"" || echo "firewall element $t"; done
}
