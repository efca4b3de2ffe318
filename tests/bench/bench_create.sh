#!/bin/bash
# From `vm create --wait ssh`, with an engine running, to the guest's SSH, against bare QEMU booting
# the same kernel, initrd, disk and seed with the same command line to the same SSH, asked by
# OpenSSH as soon as its port takes connections: medians of runs taken in turn.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"
. tests/support/bench.sh
trap bench_end EXIT
[ -f "$MESHDECK_GUEST/kernel" ] || { echo "create to SSH prompt  SKIP no guest image in $MESHDECK_GUEST"; exit 0; }
RUNS=${BENCH_RUNS:-3}

field() { sed -n 's/.*"'"$1"'": *"\{0,1\}\([^",]*\).*/\1/p' <<<"$json"; }
# What the engine started, as it stands in /proc, on files and a tap of our own.
bare() { # NAME: prints milliseconds to a login
    folder=$S/bare; mkdir -p "$folder"
    local tap=bare0 took= began args=() arg
    mapfile -d '' -t arg <"$S/args"
    cp "$S/seed" "$folder/seed"
    ip tuntap add $tap mode tap vnet_hdr
    ip addr add 169.254.1.1/32 dev $tap scope link; ip -6 addr add fe80::1/64 dev $tap nodad
    ip link set $tap up
    began=$(bench_now_ms)
    qemu-img create -q -f qcow2 -F qcow2 -b "$MESHDECK_GUEST/base.qcow2" "$folder/disk" "$SIZE"
    for a in "${arg[@]}"; do
        case $a in
            -S) continue ;;
            kernel|initrd) a=$MESHDECK_GUEST/$a ;;
            if=none,*disk0,*) a="if=none,id=disk0,file=$folder/disk,format=qcow2" ;;
            if=none,*disk1,*) a="if=none,id=disk1,file=$folder/seed,format=raw,readonly=on" ;;
            socket,*) a=${a#socket,}; a="null,${a%%,*}" ;;
            tap,*) a="tap,id=net0,ifname=$tap,script=no,downscript=no" ;;
        esac
        args+=("$a")
    done
    "${args[@]}" >"$folder/log" 2>&1 &
    local qemu=$!
    ip route add "$V4" dev $tap src 10.210.0.1; ip -6 route add "$V6" dev $tap
    for _ in $(seq 300); do
        timeout 0.2 bash -c "exec 3<>/dev/tcp/$V4/22" 2>/dev/null &&
            ssh -F none -i "$S/secrets/ssh_key" -o StrictHostKeyChecking=no -o BatchMode=yes \
                -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "root@$V4" true </dev/null &&
            took=$(($(bench_now_ms) - began)) && break
        kill -0 $qemu || break
        sleep 0.02
    done
    echo "$took"
    kill $qemu; wait $qemu 2>/dev/null
    ip link del $tap
}

ours=() other=()
for i in $(seq "$RUNS"); do
    engine; sleep 2
    began=$(bench_now_ms)
    M vm create vm1 --wait ssh >/dev/null || exit 1
    ours+=($(($(bench_now_ms) - began)))
    json=$(M vm list --json)
    pid=$(field pid); V4=$(field ipv4); V6=$(field ipv6); SIZE=$(field disk_gib)G
    cat "/proc/$pid/cmdline" >"$S/args"
    cp "$S/vms/vm1/seed.img" "$S/seed"
    M vm delete vm1 --yes >/dev/null
    engine_stop
    nft flush ruleset # it lets no guest through that it does not know
    took=$(bare)
    [ -n "$took" ] || { echo "bare QEMU never came to its prompt" >&2; exit 1; }
    other+=("$took")
done
bench_ratio "create to SSH prompt vs bare QEMU" "$(bench_median "${ours[@]}")" "$(bench_median "${other[@]}")" 1.1 ms
