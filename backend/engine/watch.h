#ifndef MESHDECK_ENGINE_WATCH_H
#define MESHDECK_ENGINE_WATCH_H
/*
 * What the kernel says, as rows: links and routes go into the snapshot's tables, addresses and
 * neighbours are kept for whoever asks. Every table carries when it was last checked. Engine thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/rows.h"
#include "backend/observe/rtnl.h"

struct core;
struct watch;

int watch_start(struct core *c, struct err *e);
void watch_stop(struct core *c); /* the monitor's handles close with the loop */

/* Called whenever a link of ours appears, changes or goes (drift), and once all tables are read. */
struct watch_hooks {
    void (*ready)(struct core *c);
    void (*link_gone)(struct core *c, const struct link_row *l);
    void (*link_set)(struct core *c, const struct link_row *l);
    void (*route_gone)(struct core *c, const struct route_row *r); /* protocol 77 only */
    void (*addr_gone)(struct core *c, const struct rtnl_addr *a);
};
void watch_set_hooks(struct core *c, const struct watch_hooks *h);

const struct link_row *watch_link(const struct core *c, uint32_t ifindex);
const struct link_row *watch_link_named(const struct core *c, const char *name);
/* The host's addresses, for overlap checks; borrowed until the loop turns. */
const struct rtnl_addr *watch_addrs(const struct core *c, size_t *ret_n);
const struct rtnl_neigh *watch_neigh(const struct core *c, const struct addr *a);
/* Tells the owner again for routes out of this link, once its VM is known by another name. */
void watch_relabel(struct core *c, uint32_t ifindex);
void watch_relabel_all(struct core *c); /* once the VMs are read */
struct rtnl *watch_rtnl(const struct core *c);

#endif
