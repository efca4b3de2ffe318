#ifndef MESHDECK_OBSERVE_RTNL_ROWS_H
#define MESHDECK_OBSERVE_RTNL_ROWS_H
/*
 * The rows of the kernel's tables as plain values, and the parsers that make them from rtnetlink
 * messages. A message is believed in nothing: each length is checked. Pure, no allocation; any
 * thread.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/addr.h"

struct nlmsghdr;

enum { RTNL_ALIAS = 128 };

/* All texts have been cleaned, but for name: the kernel's bytes, for use as a key. */
struct rtnl_link {
    uint32_t ifindex, mtu, master, group;
    uint32_t flags;    /* IFF_* */
    uint8_t operstate; /* IF_OPER_* */
    uint8_t mac[6];    /* zero when it has none of six bytes */
    bool has_stats;    /* rx and tx come with events only; counters.h reads them at any time */
    char name[IFNAMSIZ];
    char kind[16]; /* "tun", "bridge", "wireguard"; "" for a device of hardware and for lo */
    char alias[RTNL_ALIAS];
    uint64_t rx_bytes, tx_bytes;
};

struct rtnl_addr {
    struct addr local;       /* with its prefix length */
    struct addr peer;        /* of a point-to-point address; family 0 when none */
    uint32_t ifindex, flags; /* IFA_F_* */
    uint8_t scope;
};

/* Its key: dst, table, metric, tos, oif, gateway. */
struct rtnl_route {
    struct addr dst, gateway, prefsrc;  /* family 0: none */
    uint32_t table, metric, oif;        /* of the first hop when multipath */
    uint8_t protocol, type, scope, tos; /* RTPROT_*, RTN_*, RT_SCOPE_* */
    uint8_t hops;                       /* 1, or the number of next hops */
    bool multipath;                     /* several next hops, or a next hop object */
    bool
        replaces; /* with RTNL_SET: rows of equal dst, table, metric, tos and other hops are gone */
};

struct rtnl_neigh {
    struct addr addr;
    uint32_t ifindex;
    uint16_t state; /* NUD_* */
    uint8_t flags;  /* NTF_* */
    bool has_mac;
    uint8_t mac[6];
};

/* 0; 1 when the message is none of ours (another family, a cached route, a bridge port); -EBADMSG
 * when it is malformed. The caller has checked that nlmsg_len bytes are there. */
int rtnl_parse_link(const struct nlmsghdr *m, struct rtnl_link *ret);
int rtnl_parse_addr(const struct nlmsghdr *m, struct rtnl_addr *ret);
int rtnl_parse_route(const struct nlmsghdr *m, struct rtnl_route *ret);
int rtnl_parse_neigh(const struct nlmsghdr *m, struct rtnl_neigh *ret);

#endif
