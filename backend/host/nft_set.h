#ifndef MESHDECK_HOST_NFT_SET_H
#define MESHDECK_HOST_NFT_SET_H
/*
 * The sets of our tables and what a guest puts into them: one description that both the text and
 * the netlink elements are made from. Pure; any thread. For the nft_*.c files and their tests.
 */
#include "backend/host/nft.h"

#define NFT_TABLE "meshdeck"

enum nft_family { NFT_FAMILY_INET, NFT_FAMILY_ARP, NFT_FAMILY_BRIDGE, NFT_FAMILY_COUNT };

enum nft_part {
    NFT_PART_END,
    NFT_PART_TAP,
    NFT_PART_MAC,
    NFT_PART_IP4,
    NFT_PART_IP6,
    NFT_PART_RAW6, /* an IPv6 address that nft knows only as 128 bits: written as 0x... */
};

enum nft_set {
    NFT_SET_TAPS,
    NFT_SET_FROM4,
    NFT_SET_FROM6,
    NFT_SET_NA6,
    NFT_SET_TO4,
    NFT_SET_TO6,
    NFT_SET_ARP_TAPS,
    NFT_SET_ARP4,
    NFT_SET_PORTS,
    NFT_SET_PORT_FROM4,
    NFT_SET_PORT_FROM6,
    NFT_SET_PORT_NA6,
    NFT_SET_PORT_ARP4,
    NFT_SET_COUNT
};

struct nft_set_info {
    enum nft_family family;
    const char *name;
    const char *type; /* its declaration: "type ifname", "typeof iifname . ip saddr" */
    enum nft_part parts[4];
    bool counted; /* elements carry counters */
};

/* One element: the guest's tap and MAC, and addr where the set has an address. */
struct nft_element {
    enum nft_set set;
    const struct nft_guest *guest_b; /* as long as the guest lives */
    struct addr addr;
};

enum { NFT_ELEMENTS_PER_GUEST = 14, NFT_KEY_MAX = 64, NFT_ELEMENT_TEXT = 160 };

const struct nft_set_info *nft_set_info(enum nft_set set);
const char *nft_family_name(enum nft_family family); /* "inet" */
uint8_t nft_family_number(enum nft_family family);   /* NFPROTO_INET */
int nft_family_from_number(uint8_t nfproto);         /* -1 when it is none of ours */
/* True when the table of this family has the counter. */
bool nft_counter_is_in(enum nft_counter c, enum nft_family family);

/* Everything that one guest puts into sets; returns how many. */
size_t nft_guest_elements(const struct nft_guest *guest,
                          struct nft_element ret[static NFT_ELEMENTS_PER_GUEST]);
/* "\"tap0\" . 02:5e:ed:00:00:01 . 10.210.0.2" */
const char *nft_element_format(const struct nft_element *el, char buf[static NFT_ELEMENT_TEXT]);
/* The key as the kernel keeps it: each part padded to whole 32-bit registers. Returns its size. */
size_t nft_element_key(const struct nft_element *el, uint8_t ret[static NFT_KEY_MAX]);

/* The link-local address that a guest makes from its MAC. */
struct addr nft_guest_link_local(const struct nft_guest *guest);

#endif
