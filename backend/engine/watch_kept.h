#ifndef MESHDECK_ENGINE_WATCH_KEPT_H
#define MESHDECK_ENGINE_WATCH_KEPT_H
/*
 * The host's addresses and neighbours, kept as sorted arrays for whoever asks; they are no rows of
 * a snapshot. Bounded: past the bound new neighbours are not kept. Engine thread.
 */
#include <stddef.h>

#include "backend/observe/rtnl.h"

struct core;
struct route_row;

enum { WATCH_NEIGH_MAX = 65536 };

struct watch_kept {
    struct rtnl_addr *addrs;
    struct rtnl_neigh *neighs;
    size_t n_addrs, cap_addrs, n_neighs, cap_neighs;
    struct {
        struct rtnl_addr *addrs;
        struct rtnl_neigh *neighs;
        size_t n_addrs, cap_addrs, n_neighs, cap_neighs;
    } fresh; /* what a dump has shown so far */
    bool dumping[RTNL_TABLE_COUNT];
};

void watch_kept_begin(struct watch_kept *k, enum rtnl_table t);
void watch_kept_addr(struct watch_kept *k, const struct rtnl_addr *a, enum rtnl_what what);
void watch_kept_neigh(struct watch_kept *k, const struct rtnl_neigh *n, enum rtnl_what what);
void watch_kept_end(struct watch_kept *k, enum rtnl_table t, bool whole);
const struct rtnl_neigh *watch_kept_find_neigh(const struct watch_kept *k, const struct addr *a);
void watch_kept_done(struct watch_kept *k);

/* Of watch.c: routes that go without an event of their own. */
void watch_drop_routes_of(struct core *c, uint32_t ifindex);
void watch_drop_replaced(struct core *c, const struct route_row *by);

#endif
