#!/bin/bash
# The kernel's own WireGuard, which the machine of the test may lack: our code runs in a guest of the
# built-in kernel. Prints the guest's TAP.
cd "$(dirname "$0")/../.." || exit 2
out=$(tests/kernel/run-in-guest "$MESHDECK_BUILD/tests/kernel/inguest_wireguard" wireguard); rc=$?
if [ $rc -eq 77 ]; then printf '1..1\nok 1 - kernel wireguard # SKIP %s\n' "$out"; exit 0; fi
echo "$out"
exit $rc
