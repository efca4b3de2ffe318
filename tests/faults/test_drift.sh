#!/bin/bash
# Interface, address, route, firewall, helper and peer changed behind the engine's back: each is healed
# within seconds and told, no address changes, and what is not ours stays as it was.
. "$(dirname "$0")/../support/sandbox.sh"; sandbox "$0" "$@"

KEY=$(head -c 32 /dev/urandom | base64)
figures() { M vm list --json | tr -d ' \n' | grep -o '"\(id\|ipv4\|ipv6\|mac\)":[^,]*'; wg show mesh0 public-key; }
foreign() { ip route show proto static; ip -4 addr show dev up0 | grep inet; nft list table inet foreign; ip link show alien0; }
peer_there() { wg show mesh0 allowed-ips | grep -q "10.210.9.0/24"; }
events() { M events | tail -n "+$((SEEN + 1))"; }
mark() { sleep 0.5; SEEN=$(M events | wc -l); }
happened() { events | grep -qE -- "$1"; }
told() { until_true 3 happened "$2"; has "$1: told" "$(events)" "$2"; }
healed() { # healed WHAT COMMAND...: within seconds, nothing else changed
    what=$1; shift
    until_true 15 "$@"; ok "$what: healed"
    until_true 10 peer_there; ok "$what: the peer is there"
    is "$what: no address has changed" "$(figures)" "$FIGURES"
    is "$what: what is foreign is untouched" "$(foreign)" "$FOREIGN"
}
address_of() { M vm list --json | sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p"; }
link_up() { ip link show mesh0 | grep -q '[<,]UP[,>]'; }
pool_routed() { ip route show proto 77 | grep -q 'dev mesh0'; }
dns_answers() { nslookup -timeout=1 quiet.internal 10.210.255.53; }
dns_pid() { ps -eo pid,args | awk '$2 ~ /dnsmasq$/ { print $1 }'; }
wg_pid() { ps -eo pid,args | awk '$2 ~ /wireguard-go$/ { print $1 }'; }
rules_there() { nft list set inet meshdeck from4 && nft list chain inet meshdeck leave; }

ip link add alien0 type veth peer name alien1; ip link set alien0 alias "somebody's"
ip route add 198.51.100.0/24 via 192.0.2.9 proto static
nft add table inet foreign; nft add chain inet foreign keep
engine
M vm create quiet --no-start >/dev/null; ok "a VM that sleeps"
M peer add laptop "$KEY" --expected sometimes --allowed-ip 10.210.9.0/24 >/dev/null; ok "a peer"
FIGURES=$(figures) FOREIGN=$(foreign)

mark; ip link del mesh0
healed "mesh0 deleted" link_up
until_true 10 pool_routed; ok "mesh0 deleted: its routes are back"
told "mesh0 deleted" 'mesh0 .*(gone|ended)'

mark; ip link set mesh0 down
healed "mesh0 set down" link_up
told "mesh0 set down" 'repairs link-set mesh0'

mark; kill -9 "$(wg_pid)"
healed "wireguard-go killed" link_up
told "wireguard-go killed" 'mesh0 .*ended'

mark; wg set mesh0 peer "$KEY" remove
healed "a peer removed" peer_there
told "a peer removed" 'repairs peer-add laptop'

mark; B4=$(ip route show proto 77 type blackhole); ip route del $B4 proto 77
healed "a route deleted" sh -c "ip route show proto 77 | grep -q 'blackhole 10.210.0.0/24'"
is "a route deleted: it is the same again" "$(ip route show proto 77 type blackhole)" "$B4"
told "a route deleted" 'repairs route-add 10\.210\.0\.0/24'

A6=$(ip -6 addr show dev lo | sed -n 's/.*inet6 \(.*::53\/128\).*/\1/p')
mark; ip addr del 10.210.255.53/32 dev lo; ip addr del "$A6" dev lo
healed "addresses on lo deleted" sh -c "ip addr show dev lo | grep -q 10.210.255.53/32 && ip addr show dev lo | grep -q $A6"
told "addresses on lo deleted" 'repairs addr-add 10\.210\.255\.53'

mark; nft flush ruleset; nft add table inet foreign; nft add chain inet foreign keep
healed "nft flush ruleset" rules_there
told "nft flush ruleset" 'firewall .*nft .*pid'
told "nft flush ruleset" 'rebuilt'

mark; nft delete table inet meshdeck
healed "nft delete table" rules_there
told "nft delete table" 'firewall .*nft .*pid'

mark; OLD=$(dns_pid); kill -9 "$OLD"
healed "dnsmasq killed" dns_answers
told "dnsmasq killed" 'dns .*(ended|died|killed)'
until_true 10 sh -c "! '$B/meshdeck' --state '$S' alert list | grep -v ' over ' | grep -q '^ *[0-9]'"; ok "no alert is left"
is "nothing leaks" "$(leaks)" ""
[ -z "${SHOW:-}" ] || { M events; M alert list; M ticket list; }
engine_stop
