#ifndef MESHDECK_HOST_LINK_H
#define MESHDECK_HOST_LINK_H
/*
 * Changing links: state, MTU, alias, group, and their end. link_queue_* put a request into the
 * batch of nl.h and nl_run applies it; the others do one exchange at once. Engine thread, but for
 * what says otherwise.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/host/nl.h"

struct uv_loop_s;
struct rtnl_link;

enum link_state { LINK_STATE_LEAVE, LINK_STATE_UP, LINK_STATE_DOWN };

/* What is zero is left as it is. */
struct link_change {
    uint32_t ifindex;
    enum link_state state;
    uint32_t mtu;
    uint32_t group;
    uint32_t master;     /* ifindex of a bridge */
    const char *alias_b; /* until the call returns */
    bool no_link_local;  /* IPv6 addr_gen_mode none: the kernel makes no address by itself */
};

/* May take two requests of the batch (nl_queued tells): no_link_local must come before `up`. */
void link_queue_change(struct nl *n, const struct link_change *c);
int link_change(struct nl *n, const struct link_change *c, struct err *e);

/* Gives a link another name: down, renamed, and up again if it was up. */
int link_rename(struct nl *n, uint32_t ifindex, const char *name, struct err *e);

/* The link of that name (or, name NULL, of that ifindex); -ENODEV when there is none. */
int link_get(struct nl *n, const char *name, uint32_t ifindex, struct rtnl_link *ret,
             struct err *e);

/* An empty link of a kind ("wireguard") in a group (0: none). -EEXIST when the name is taken,
 * -EOPNOTSUPP when the kernel does not know the kind. */
int link_add(struct nl *n, const char *name, const char *kind, uint32_t group, struct err *e);

/* Waits for an RCU grace period (tens of milliseconds): never on the loop, but from the pool. A
 * link that is not there is success. */
int link_delete(struct nl *n, uint32_t ifindex, struct err *e);

/* Deletes many links off the loop, with one grace period for all: each is put into a group of its
 * own and the group is deleted. A name that is not there is success; only links whose alias begins
 * with `alias_prefix` are touched. `done` is called once, from the loop; `failed` is NULL when all
 * are gone. The arrays are copied. */
typedef void link_deleted_fn(const struct err *failed, void *arg);
int link_delete_many(struct uv_loop_s *loop, const char (*names)[IFNAMSIZ], size_t count,
                     const char *alias_prefix, link_deleted_fn *done, void *arg, struct err *e);

#endif
