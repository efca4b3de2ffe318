#!/bin/bash
# What an operator does: opens the console, makes a VM with the form, waits, opens the shell pane, runs
# commands in the guest, watches its route and tap appear, stops it from the keyboard, sees them go.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"
. tests/support/terminal.sh

console_open 80x24
sees "the Deck opens and all is well" 30 'all well'
sees "it says how to begin" 10 'c then Enter makes one'
keys 2; sees "the VMs view is empty and says so" 5 'No VMs yet'
keys c; sees "the form has every field and a name" 10 'ready: Enter creates vm1'
sees "the plan is under it, as commands" 10 'ip tuntap add tap0'
keys Enter; sees "the row is there at once" 10 'vm1 +starting'
sees "the ticket counts its steps" 10 'ticket [0-9]+ +create vm1 +step [0-9] of [0-9]'
sees "it runs" 90 'vm1 +running .* 10\.210\.0\.2'
keys 4; sees "its IPv4 route is there, with its owner" 10 '10\.210\.0\.2/32 .* tap0 .* vm vm1'
sees "its IPv6 route too" 10 ':1:0:2:0:10/128 .* tap0 .* vm vm1'
ip link show tap0 | grep -q 'meshdeck:vm:10'; ok "the tap is really there"
keys 3; sees "the mesh shows this node's key" 10 'mesh0 .*51820'
keys 2 e; sees "a shell opens in a pane" 30 'root@vm1'
typed 'uname -n; echo done-$((20+3))'; keys Enter; sees "commands run in the guest" 10 'done-23'
typed 'vi /tmp/x'; keys Enter; sees "vi takes the pane" 10 '^~'
typed 'ihello from vi'; keys Escape; typed ':wq'; keys Enter; sleep 0.5
typed 'cat /tmp/x'; keys Enter; sees "and has written" 10 '^hello from vi'
typed 'top'; keys Enter; sees "top runs" 10 'Load average|CPU:'
keys q; typed 'seq 1 200 | less'; keys Enter; sees "less runs" 10 '^20$|^19$'
keys q; typed 'seq 300 400'; keys Enter; sees "long output scrolls" 10 '^400'
keys C-]; keys b; sees "the scroll-back is there" 5 'search|live|[Ss]croll'
keys q; keys C-]; keys d; sees "the shell goes on behind the list" 5 'VMs +1 of 1'
keys 9; sees "and is listed" 5 'vm1 +ssh'
keys Enter; sees "and comes back with what it showed" 5 '^400'
$TM resize-window -x 120 -y 40; sleep 1
typed 'stty size'; keys Enter; sees "a resize reaches the guest" 10 '^3[0-9] 120'
$TM resize-window -x 40 -y 12; sees "too small a window says so" 5 'meshdeck needs 80'
$TM resize-window -x 80 -y 24; sees "and comes back" 5 'C-\] then'
keys C-]; keys d; keys 2 o; sees "the serial log opens" 10 'seed: hostname vm1|dropbear'
keys q; keys t; sleep 1; keys Enter; sees "the serial line takes typing" 10 'root@vm1|#'
keys C-]; keys d; keys 2 X; sees "a stop asks first" 5 'y/N|y yes|\[ Cancel|Stop'
keys y; sees "and stops it" 60 'vm1 +stopped'
keys 4; sees_not "its routes are gone" 10 'vm vm1 *$'
ip link show tap0 >/dev/null 2>&1; is "its tap is gone" $? 1
keys 2 B; sees "B boots it again" 90 'vm1 +running'
keys D; sees "a delete shows what is lost" 5 'Type its name'
keys Enter; sees "Enter alone does nothing" 2 'Type its name'
typed vm1; keys Enter; sees_not "with its name it is gone" 60 'vm1 +(running|stopping|stopped)'
is "nothing leaks" "$(leaks)" ""
keys '?'; sees "help is there" 5 'Help: VMs'
keys Escape; typed ':'; typed 'theme'; sees "the palette finds things" 5 'theme'
keys Escape Escape q; sleep 0.5; shows 'left with' || keys q
sees "leaving ends it" 10 'left with status 0'
console_close
