#ifndef MESHDECK_HOST_NFT_RULES_H
#define MESHDECK_HOST_NFT_RULES_H
/*
 * The rules themselves, as an operator reads them with `nft list table inet meshdeck`. A constant
 * number of them, whatever the number of guests. `@{mesh4}`, `@{fleet}`, `@{dns4}`, `@{dns6}`,
 * `@{own4}` and `@{wg}` are filled in from the configuration. Order within a table is the order
 * of declaration: a chain is declared before it is jumped to. Only nft_text.c includes this.
 */
#include "backend/host/nft_set.h"

struct nft_chain_text {
    enum nft_family family;
    bool only_guests; /* present only with nft_config.only_guests */
    const char *text;
};

/* What both a routed tap (inet) and a bridge port (bridge) may not say. */
#define RULES_NO_ROUTER_NO_SERVER                                                                  \
    "\t\ticmpv6 type { nd-router-advert, nd-redirect } counter name guest_ra drop\n"               \
    "\t\ticmpv6 type nd-neighbor-advert iifname . @th,64,128 != @na6 counter name guest_na drop\n" \
    "\t\tmeta l4proto udp udp sport { 67, 547 } counter name guest_dhcp drop\n"                    \
    "\t\tip saddr 0.0.0.0 meta l4proto != udp counter name spoofed drop\n"                         \
    "\t\tip saddr 0.0.0.0 udp dport != 67 counter name spoofed drop\n"                             \
    "\t\tip6 saddr :: meta l4proto != ipv6-icmp counter name spoofed drop\n"                       \
    "\t\tip6 saddr :: icmpv6 type { echo-request, echo-reply } counter name spoofed drop\n"        \
    "\t\tiifname . ether saddr . ip saddr @from4 accept\n"                                         \
    "\t\tiifname . ether saddr . ip6 saddr @from6 accept\n"

static const struct nft_chain_text nft_chains[] = {
    { NFT_FAMILY_INET, false,
      "\t# What stands inside the mesh beside the guests: mesh addresses may come from there.\n"
      "\tset inside {\n"
      "\t\ttype ifname\n"
      "\t\telements = { \"lo\", \"@{wg}\" }\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\t# A guest speaks from its own MAC and addresses, and is no router and no DHCP server.\n"
      "\tchain guest_speaks {\n" RULES_NO_ROUTER_NO_SERVER
      "\t\tcounter name spoofed drop\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\tchain early {\n"
      "\t\ttype filter hook prerouting priority raw; policy accept;\n"
      "\t\tiifname @taps goto guest_speaks\n"
      "\t\tiifname @inside accept\n"
      "\t\tip saddr @{mesh4} counter name outsider drop\n"
      "\t\tip6 saddr @{fleet} counter name outsider drop\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\t# The services of this host that a guest, here or on another node, may use.\n"
      "\tchain guest_asks {\n"
      "\t\tct state established,related accept\n"
      "\t\tmeta l4proto { icmp, ipv6-icmp } accept\n"
      "\t\tip daddr @{dns4} meta l4proto { tcp, udp } th dport 53 accept\n"
      "\t\tip6 daddr @{dns6} meta l4proto { tcp, udp } th dport 53 accept\n"
      "\t\tmeta l4proto udp udp dport { 67, 547 } accept\n"
      "\t\tcounter name to_host drop\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\t# Nodes are .1 of a block and network 0; block 255 and node 0 are the fleet's own.\n"
      "\tchain to_host {\n"
      "\t\ttype filter hook input priority filter; policy accept;\n"
      "\t\tiifname @taps goto guest_asks\n"
      "\t\tiifname != \"@{wg}\" accept\n"
      "\t\tip saddr @{mesh4} ip saddr != @{own4} ip saddr & 0.0.0.255 != 0.0.0.1 goto guest_asks\n"
      "\t\tip6 saddr @{fleet} ip6 saddr & ::ffff:ffff:0:0 != :: goto guest_asks\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\tchain guest_leaves {\n"
      "\t\tip daddr 169.254.0.0/16 counter name link_local drop\n"
      "\t\tip6 daddr fd00:ec2::254 counter name link_local drop\n"
      "\t\toifname @taps return\n"
      "\t\toifname \"@{wg}\" return\n"
      "\t\tip daddr @{mesh4} counter name no_such_guest reject with icmpx no-route\n"
      "\t\tip6 daddr @{fleet} counter name no_such_guest reject with icmpx no-route\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\tchain guest_reached {\n"
      "\t\tiifname != @taps iifname != \"@{wg}\" ct state new counter name from_outside drop\n"
      "\t\toifname . ip daddr @to4 return\n"
      "\t\toifname . ip6 daddr @to6 return\n"
      "\t\tcounter name unknown_guest drop\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\tchain forward {\n"
      "\t\ttype filter hook forward priority filter; policy accept;\n"
      "\t\tiifname @taps jump guest_leaves\n"
      "\t\toifname @taps jump guest_reached\n"
      "\t\tiifname \"@{wg}\" oifname != @taps oifname != \"@{wg}\" ct state new "
      "counter name mesh_outward drop\n"
      "\t\toifname \"@{wg}\" iifname != @taps iifname != \"@{wg}\" ct state new "
      "counter name from_outside drop\n"
      "\t}\n" },
    { NFT_FAMILY_INET, true,
      "\t# This host forwards for its guests alone.\n"
      "\tchain forward_others {\n"
      "\t\ttype filter hook forward priority filter + 1; policy accept;\n"
      "\t\tiifname @taps accept\n"
      "\t\toifname @taps accept\n"
      "\t\tiifname @inside accept\n"
      "\t\toifname @inside accept\n"
      "\t\tcounter name not_ours drop\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\t# TCP learns the size that fits the way ahead, whatever happens to ICMP.\n"
      "\tchain clamp {\n"
      "\t\ttype filter hook forward priority mangle; policy accept;\n"
      "\t\tiifname @taps tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
      "\t\toifname @taps tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
      "\t\toifname \"@{wg}\" tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
      "\t}\n" },
    { NFT_FAMILY_INET, false,
      "\t# Guests leave the mesh under this host's address, and only then.\n"
      "\tchain leave {\n"
      "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
      "\t\toifname @taps accept\n"
      "\t\toifname @inside accept\n"
      "\t\tip saddr @{mesh4} ip daddr != @{mesh4} counter name masqueraded masquerade\n"
      "\t\tip6 saddr @{fleet} ip6 daddr != @{fleet} counter name masqueraded masquerade\n"
      "\t}\n" },
    { NFT_FAMILY_ARP, false,
      "\t# On a routed tap, ARP could only fill this host's neighbour table with inventions.\n"
      "\tchain early {\n"
      "\t\ttype filter hook input priority filter; policy accept;\n"
      "\t\tiifname != @taps accept\n"
      "\t\tiifname . ether saddr . arp saddr ether . arp saddr ip @arp4 accept\n"
      "\t\tcounter name arp_spoofed drop\n"
      "\t}\n" },
    { NFT_FAMILY_BRIDGE, false,
      "\t# The same for guests that are ports of a bridge.\n"
      "\tchain guest_speaks {\n"
      "\t\tether type arp iifname . ether saddr . arp saddr ether . arp saddr ip @arp4 accept\n"
      "\t\tether type arp counter name arp_spoofed drop\n" RULES_NO_ROUTER_NO_SERVER
      "\t\tcounter name spoofed drop\n"
      "\t}\n"
      "\tchain early {\n"
      "\t\ttype filter hook prerouting priority dstnat; policy accept;\n"
      "\t\tiifname @taps goto guest_speaks\n"
      "\t}\n" },
};

#endif
