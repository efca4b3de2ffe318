/*
 * The sets of our tables, and the elements of a guest in them. Pure: used by the text and by the
 * netlink batch alike, so that the two cannot differ. A guest may speak from its own addresses,
 * from its link-local one, and from the unspecified ones where the rules allow those (duplicate
 * address detection, DHCP, ARP probes).
 */
#include "backend/host/nft_set.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/model/text.h"

#define FROM4 "typeof iifname . ether saddr . ip saddr"
#define FROM6 "typeof iifname . ether saddr . ip6 saddr"
#define NA6 "typeof iifname . @th,64,128"
#define ARP4 "typeof iifname . ether saddr . arp saddr ether . arp saddr ip"
#define PARTS_FROM4 { NFT_PART_TAP, NFT_PART_MAC, NFT_PART_IP4, NFT_PART_END }
#define PARTS_FROM6 { NFT_PART_TAP, NFT_PART_MAC, NFT_PART_IP6, NFT_PART_END }
#define PARTS_NA6 { NFT_PART_TAP, NFT_PART_RAW6, NFT_PART_END, NFT_PART_END }
#define PARTS_ARP4 { NFT_PART_TAP, NFT_PART_MAC, NFT_PART_MAC, NFT_PART_IP4 }
#define PARTS_TAP { NFT_PART_TAP, NFT_PART_END, NFT_PART_END, NFT_PART_END }
#define PARTS_TO4 { NFT_PART_TAP, NFT_PART_IP4, NFT_PART_END, NFT_PART_END }
#define PARTS_TO6 { NFT_PART_TAP, NFT_PART_IP6, NFT_PART_END, NFT_PART_END }

static const struct nft_set_info sets[] = {
    [NFT_SET_TAPS] = { NFT_FAMILY_INET, "taps", "type ifname", PARTS_TAP, false },
    [NFT_SET_FROM4] = { NFT_FAMILY_INET, "from4", FROM4, PARTS_FROM4, true },
    [NFT_SET_FROM6] = { NFT_FAMILY_INET, "from6", FROM6, PARTS_FROM6, true },
    [NFT_SET_NA6] = { NFT_FAMILY_INET, "na6", NA6, PARTS_NA6, false },
    [NFT_SET_TO4] = { NFT_FAMILY_INET, "to4", "typeof oifname . ip daddr", PARTS_TO4, true },
    [NFT_SET_TO6] = { NFT_FAMILY_INET, "to6", "typeof oifname . ip6 daddr", PARTS_TO6, true },
    [NFT_SET_ARP_TAPS] = { NFT_FAMILY_ARP, "taps", "type ifname", PARTS_TAP, false },
    [NFT_SET_ARP4] = { NFT_FAMILY_ARP, "arp4", ARP4, PARTS_ARP4, false },
    [NFT_SET_PORTS] = { NFT_FAMILY_BRIDGE, "taps", "type ifname", PARTS_TAP, false },
    [NFT_SET_PORT_FROM4] = { NFT_FAMILY_BRIDGE, "from4", FROM4, PARTS_FROM4, true },
    [NFT_SET_PORT_FROM6] = { NFT_FAMILY_BRIDGE, "from6", FROM6, PARTS_FROM6, true },
    [NFT_SET_PORT_NA6] = { NFT_FAMILY_BRIDGE, "na6", NA6, PARTS_NA6, false },
    [NFT_SET_PORT_ARP4] = { NFT_FAMILY_BRIDGE, "arp4", ARP4, PARTS_ARP4, false },
};
_Static_assert(ARRAY_LEN(sets) == NFT_SET_COUNT, "one record per set");

static const struct {
    const char *name;
    uint8_t number;
} families[] = {
    [NFT_FAMILY_INET] = { "inet", NFPROTO_INET },
    [NFT_FAMILY_ARP] = { "arp", NFPROTO_ARP },
    [NFT_FAMILY_BRIDGE] = { "bridge", NFPROTO_BRIDGE },
};
_Static_assert(ARRAY_LEN(families) == NFT_FAMILY_COUNT, "one record per family");

enum { IN_INET = 1 << NFT_FAMILY_INET, IN_ARP = 1 << NFT_FAMILY_ARP,
       IN_BRIDGE = 1 << NFT_FAMILY_BRIDGE };

static const struct {
    const char *name;
    const char *meaning;
    unsigned families;
} counters[] = {
    [NFT_COUNTER_SPOOFED] = { "spoofed", "A guest used a MAC or a source address that is not its own",
                              IN_INET | IN_BRIDGE },
    [NFT_COUNTER_GUEST_RA] = { "guest_ra", "A guest sent router advertisements or redirects",
                               IN_INET | IN_BRIDGE },
    [NFT_COUNTER_GUEST_NA] = { "guest_na", "A guest answered for an address that is not its own",
                               IN_INET | IN_BRIDGE },
    [NFT_COUNTER_GUEST_DHCP] = { "guest_dhcp", "A guest answered as a DHCP server",
                                 IN_INET | IN_BRIDGE },
    [NFT_COUNTER_OUTSIDER] = { "outsider", "A mesh address came in as source from outside the mesh",
                               IN_INET },
    [NFT_COUNTER_TO_HOST] = { "to_host", "A guest tried a service of the host", IN_INET },
    [NFT_COUNTER_LINK_LOCAL] = { "link_local", "A guest tried a link-local or metadata address upstream",
                                 IN_INET },
    [NFT_COUNTER_NO_SUCH_GUEST] = { "no_such_guest", "A guest tried a mesh address that leads nowhere",
                                    IN_INET },
    [NFT_COUNTER_UNKNOWN_GUEST] = { "unknown_guest",
                                    "A packet was routed to a tap whose guest does not have that address",
                                    IN_INET },
    [NFT_COUNTER_FROM_OUTSIDE] = { "from_outside",
                                   "A new connection from outside tried a guest or the mesh", IN_INET },
    [NFT_COUNTER_MESH_OUTWARD] = { "mesh_outward",
                                   "A new connection from a peer tried to leave through this host", IN_INET },
    [NFT_COUNTER_NOT_OURS] = { "not_ours", "Forwarding that has nothing to do with guests", IN_INET },
    [NFT_COUNTER_MASQUERADED] = { "masqueraded",
                                  "Connections of guests let out under this host's address", IN_INET },
    [NFT_COUNTER_ARP_SPOOFED] = { "arp_spoofed", "A guest used another's address in ARP",
                                  IN_ARP | IN_BRIDGE },
};
_Static_assert(ARRAY_LEN(counters) == NFT_COUNTER_COUNT, "one record per counter");

const struct nft_set_info *nft_set_info(enum nft_set set)
{
    return &sets[set];
}

const char *nft_family_name(enum nft_family family)
{
    return families[family].name;
}

uint8_t nft_family_number(enum nft_family family)
{
    return families[family].number;
}

int nft_family_from_number(uint8_t nfproto)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (families[i].number == nfproto) {
            return (int)i;
        }
    }
    return -1;
}

const char *nft_counter_name(enum nft_counter c)
{
    return counters[c].name;
}

const char *nft_counter_meaning(enum nft_counter c)
{
    return counters[c].meaning;
}

bool nft_counter_is_in(enum nft_counter c, enum nft_family family)
{
    return (counters[c].families & 1U << family) != 0;
}

struct addr nft_guest_link_local(const struct nft_guest *guest)
{
    const uint8_t *m = guest->mac;
    struct addr a = { .family = AF_INET6, .prefix_len = 128, .bytes = { 0xfe, 0x80 } };
    const uint8_t id[8] = { m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

    memcpy(a.bytes + 8, id, sizeof(id));
    return a;
}

static void add(struct nft_element *ret, size_t *n, enum nft_set set, const struct nft_guest *guest,
                const struct addr *addr)
{
    ret[*n] = (struct nft_element){ .set = set, .guest_b = guest };
    if (addr) {
        ret[*n].addr = *addr;
    }
    (*n)++;
}

size_t nft_guest_elements(const struct nft_guest *guest,
                          struct nft_element ret[static NFT_ELEMENTS_PER_GUEST])
{
    const bool port = guest->bridged;
    const struct addr any4 = { .family = AF_INET, .prefix_len = 32 };
    const struct addr any6 = { .family = AF_INET6, .prefix_len = 128 };
    const struct addr local = nft_guest_link_local(guest);
    const enum nft_set from4 = port ? NFT_SET_PORT_FROM4 : NFT_SET_FROM4;
    const enum nft_set from6 = port ? NFT_SET_PORT_FROM6 : NFT_SET_FROM6;
    const enum nft_set na6 = port ? NFT_SET_PORT_NA6 : NFT_SET_NA6;
    const enum nft_set arp4 = port ? NFT_SET_PORT_ARP4 : NFT_SET_ARP4;
    size_t n = 0;

    add(ret, &n, port ? NFT_SET_PORTS : NFT_SET_TAPS, guest, NULL);
    if (!port) {
        add(ret, &n, NFT_SET_ARP_TAPS, guest, NULL);
    }
    add(ret, &n, from4, guest, &any4);
    add(ret, &n, arp4, guest, &any4);
    if (addr_is_set(&guest->ip4)) {
        add(ret, &n, from4, guest, &guest->ip4);
        add(ret, &n, arp4, guest, &guest->ip4);
        if (!port) {
            add(ret, &n, NFT_SET_TO4, guest, &guest->ip4);
        }
    }
    add(ret, &n, from6, guest, &any6);
    add(ret, &n, from6, guest, &local);
    add(ret, &n, na6, guest, &local);
    if (addr_is_set(&guest->ip6)) {
        add(ret, &n, from6, guest, &guest->ip6);
        add(ret, &n, na6, guest, &guest->ip6);
        if (!port) {
            add(ret, &n, NFT_SET_TO6, guest, &guest->ip6);
        }
    }
    return n;
}

static void format_part(const struct nft_element *el, enum nft_part part, char *buf, size_t *len)
{
    char text[INET6_ADDRSTRLEN > ADDR_MAC_TEXT ? INET6_ADDRSTRLEN : ADDR_MAC_TEXT];

    switch (part) {
    case NFT_PART_TAP:
        (void)str_add(buf, NFT_ELEMENT_TEXT, len, "\"%s\"", el->guest_b->tap);
        break;
    case NFT_PART_MAC:
        (void)str_add(buf, NFT_ELEMENT_TEXT, len, "%s", addr_mac_format(el->guest_b->mac, text));
        break;
    case NFT_PART_IP4:
        (void)str_add(buf, NFT_ELEMENT_TEXT, len, "%s",
                      inet_ntop(AF_INET, el->addr.bytes, text, sizeof(text)));
        break;
    case NFT_PART_IP6:
        (void)str_add(buf, NFT_ELEMENT_TEXT, len, "%s",
                      inet_ntop(AF_INET6, el->addr.bytes, text, sizeof(text)));
        break;
    case NFT_PART_RAW6:
        (void)str_add(buf, NFT_ELEMENT_TEXT, len, "0x");
        for (size_t i = 0; i < 16; i++) {
            (void)str_add(buf, NFT_ELEMENT_TEXT, len, "%02x", el->addr.bytes[i]);
        }
        break;
    case NFT_PART_END:
        break;
    }
}

const char *nft_element_format(const struct nft_element *el, char buf[static NFT_ELEMENT_TEXT])
{
    const enum nft_part *parts = sets[el->set].parts;
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(sets[0].parts) && parts[i] != NFT_PART_END; i++) {
        if (i > 0) {
            (void)str_add(buf, NFT_ELEMENT_TEXT, &len, " . ");
        }
        format_part(el, parts[i], buf, &len);
    }
    return buf;
}

size_t nft_element_key(const struct nft_element *el, uint8_t ret[static NFT_KEY_MAX])
{
    const enum nft_part *parts = sets[el->set].parts;
    size_t len = 0;

    memset(ret, 0, NFT_KEY_MAX);
    for (size_t i = 0; i < ARRAY_LEN(sets[0].parts) && parts[i] != NFT_PART_END; i++) {
        switch (parts[i]) {
        case NFT_PART_TAP:
            memcpy(ret + len, el->guest_b->tap, strnlen(el->guest_b->tap, IFNAMSIZ - 1));
            len += IFNAMSIZ;
            break;
        case NFT_PART_MAC:
            memcpy(ret + len, el->guest_b->mac, 6);
            len += 8;
            break;
        case NFT_PART_IP4:
            memcpy(ret + len, el->addr.bytes, 4);
            len += 4;
            break;
        case NFT_PART_IP6:
        case NFT_PART_RAW6:
            memcpy(ret + len, el->addr.bytes, 16);
            len += 16;
            break;
        case NFT_PART_END:
            break;
        }
    }
    return len;
}
