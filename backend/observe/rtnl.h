#ifndef MESHDECK_OBSERVE_RTNL_H
#define MESHDECK_OBSERVE_RTNL_H
/*
 * What the kernel's links, addresses, routes and neighbours are now: one dump of each table, then
 * multicast events, and a dump anew whenever events were lost or a dump was interrupted. It keeps
 * no table of its own: it calls back with each row, and the consumer stores it.
 *
 * The order that a consumer can rely on: begin_dump, then a row callback with RTNL_SEEN for each
 * row, then end_dump. No event falls between the two; events that came meanwhile follow end_dump,
 * in the kernel's order. When end_dump says `whole`, the rows of the table that were not seen in
 * this dump are gone; otherwise nothing may be removed.
 *
 * The kernel drops IPv4 routes without an event when their link or source address goes: that is
 * known here and leads to a new dump within a moment.
 *
 * Engine thread. Callbacks come from the loop, never from within a call here; they must not free
 * the monitor. Nothing waits.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/observe/rtnl_rows.h"

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

/* How much a table can be believed; what the operator sees of it. */
struct rtnl_health {
    int64_t checked_ms; /* since the epoch: the last dump that was whole; 0 never */
    bool whole;         /* nothing known to be missing or stale */
    bool reading;       /* a dump is under way */
    bool filtered;      /* too many routes: only some protocols are read; not whole then */
    uint32_t tries;     /* dumps of the present attempt, at most RTNL_TRIES */
    uint64_t rows;      /* of the latest dump, so far */
    uint64_t lost;      /* times that the kernel dropped events */
    char error[128];    /* the last error; "" when the last dump was whole */
};

enum { RTNL_TRIES = 5 };

struct rtnl_consumer {
    void (*begin_dump)(enum rtnl_table t, void *arg);
    void (*end_dump)(enum rtnl_table t, bool whole, void *arg);
    void (*link)(const struct rtnl_link *l, enum rtnl_what what, void *arg);
    void (*addr)(const struct rtnl_addr *a, enum rtnl_what what, void *arg);
    void (*route)(const struct rtnl_route *r, enum rtnl_what what, void *arg);
    void (*neigh)(const struct rtnl_neigh *n, enum rtnl_what what, void *arg);
    void (*health)(enum rtnl_table t, const struct rtnl_health *h, void *arg);
}; /* any may be NULL */

struct rtnl_options {
    int receive_buffer;       /* of the event socket; 0: 16 MiB */
    uint32_t route_limit;     /* per family; more: only ours and local ones are read; 0: 262,144 */
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
/* A new dump soon, many calls joined into one: for a consumer that met something it cannot place.
 */
void rtnl_recheck(struct rtnl *r, enum rtnl_table t);

#endif
