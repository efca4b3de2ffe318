#ifndef MESHDECK_OBSERVE_RTNL_H
#define MESHDECK_OBSERVE_RTNL_H
/*
 * What the kernel's links, addresses, routes and neighbours are now: one dump of each table, then
 * multicast events, and a dump anew whenever events were lost or a dump was interrupted. It keeps
 * no table of its own: it calls back with each row, and the consumer stores it.
 *
 * The order that a consumer can rely on: begin_dump, then a row callback with RTNL_SEEN for each
 * row, then end_dump. No event falls between the two; events that came meanwhile follow end_dump,
 * in the kernel's order. When end_dump says `whole`, the rows of the scope that were not seen in
 * this dump are gone; otherwise nothing may be removed. A scope is a table, or with oif != 0 only
 * its routes out of that link (the kernel drops IPv4 routes of a lost link without an event).
 *
 * Engine thread. Callbacks come from the loop, never from within a call here; they must not free
 * the monitor. Nothing waits.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct uv_loop_s;

enum rtnl_table {
    RTNL_LINKS,
    RTNL_ADDRESSES,
    RTNL_ROUTES4,
    RTNL_ROUTES6,
    RTNL_NEIGHBOURS,
    RTNL_TABLE_COUNT
};

enum rtnl_what {
    RTNL_SEEN, /* a row of a dump: new, changed or as before */
    RTNL_SET,  /* an event: the row is there now, new or changed */
    RTNL_GONE  /* an event: the row was removed */
};

enum { RTNL_TEXT = 64, RTNL_ALIAS = 128 };

/* All texts have been cleaned, but for name: the kernel's bytes, for use as a key. */
struct rtnl_link {
    uint32_t ifindex, mtu, master, group;
    uint32_t flags;    /* IFF_* */
    uint8_t operstate; /* IF_OPER_* */
    uint8_t mac[6];    /* zero when it has none of six bytes */
    bool has_stats;    /* rx and tx come with events only; see rtnl_read_counters */
    char name[IFNAMSIZ];
    char kind[16];     /* "tun", "bridge", "wireguard"; "" for a device of hardware and for lo */
    char alias[RTNL_ALIAS];
    uint64_t rx_bytes, tx_bytes;
};

struct rtnl_addr {
    struct addr local;    /* with its prefix length */
    struct addr peer;     /* of a point-to-point address; family 0 when none */
    uint32_t ifindex, flags; /* IFA_F_* */
    uint8_t scope;
};

/* Its key: dst, table, metric, tos, oif, gateway. */
struct rtnl_route {
    struct addr dst, gateway, prefsrc; /* family 0: none */
    uint32_t table, metric, oif;       /* of the first hop when multipath */
    uint8_t protocol, type, scope, tos; /* RTPROT_*, RTN_*, RT_SCOPE_* */
    uint8_t hops;                      /* 1, or the number of next hops */
    bool multipath;                    /* several next hops, or a next hop object */
    bool dead;                         /* its link is down or has no carrier */
    bool replaces; /* with RTNL_SET: rows of equal dst, table, metric, tos and other hops are gone */
};

struct rtnl_neigh {
    struct addr addr;
    uint32_t ifindex;
    uint16_t state; /* NUD_* */
    uint8_t flags;  /* NTF_* */
    bool has_mac;
    uint8_t mac[6];
};

/* How much a table can be believed; what the operator sees of it. */
struct rtnl_health {
    int64_t checked_ms; /* since the epoch: the last dump that was whole; 0 never */
    bool whole;         /* nothing known to be missing or stale */
    bool reading;       /* a dump is under way */
    bool filtered;      /* too many routes: only some protocols are read; not whole then */
    uint32_t tries;     /* dumps of the present attempt, at most RTNL_TRIES */
    uint64_t rows;      /* of the latest dump, so far */
    uint64_t lost;      /* times that the kernel dropped events */
    char error[RTNL_TEXT * 2]; /* the last error; "" when the last dump was whole */
};

enum { RTNL_TRIES = 5 };

struct rtnl_counters {
    uint32_t ifindex;
    bool ok; /* false: the link is gone */
    uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets; /* seen from the host */
};

struct rtnl_consumer {
    void (*begin_dump)(enum rtnl_table t, uint32_t oif, void *arg);
    void (*end_dump)(enum rtnl_table t, uint32_t oif, bool whole, void *arg);
    void (*link)(const struct rtnl_link *l, enum rtnl_what what, void *arg);
    void (*addr)(const struct rtnl_addr *a, enum rtnl_what what, void *arg);
    void (*route)(const struct rtnl_route *r, enum rtnl_what what, void *arg);
    void (*neigh)(const struct rtnl_neigh *n, enum rtnl_what what, void *arg);
    void (*health)(enum rtnl_table t, const struct rtnl_health *h, void *arg);
}; /* any may be NULL */

struct rtnl_options {
    int receive_buffer;      /* of the event socket; 0: 16 MiB */
    uint32_t route_limit;    /* per family; more: only ours and local ones are read; 0: 262,144 */
    uint32_t compare_seconds; /* a dump of all from time to time; 0: 300; UINT32_MAX: never */
};

struct rtnl;

/* Opens both sockets in this thread's network namespace and begins to read. `c` is copied. */
int rtnl_new(struct uv_loop_s *loop, const struct rtnl_consumer *c, void *arg,
             const struct rtnl_options *o, struct rtnl **ret, struct err *e);
void rtnl_free(struct rtnl *r); /* NULL is fine; memory goes once the loop has closed the handles */

const struct rtnl_health *rtnl_health_of(const struct rtnl *r, enum rtnl_table t);

/* A new dump now (the operator's `r`); RTNL_TABLE_COUNT for all tables. */
void rtnl_resync(struct rtnl *r, enum rtnl_table t);
/* A new dump soon, many calls joined into one: for a consumer that met something it cannot place. */
void rtnl_recheck(struct rtnl *r, enum rtnl_table t);

/* Counters of n links, read off the loop; `done` is called once from the loop (not after rtnl_free),
 * rows in the order asked. -EBUSY while an earlier read is under way. */
typedef void rtnl_counters_fn(const struct rtnl_counters *rows, size_t n, void *arg);
int rtnl_read_counters(struct rtnl *r, const uint32_t *ifindexes, size_t n, rtnl_counters_fn *done,
                       void *arg, struct err *e);

#endif
