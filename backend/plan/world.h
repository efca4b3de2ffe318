#ifndef MESHDECK_PLAN_WORLD_H
#define MESHDECK_PLAN_WORLD_H
/*
 * What the planner is given: what is desired (the store's) and what is (observation's), filled in
 * by the engine. Borrowed for the call of plan_make; arrays in any order.
 */
#include "backend/plan/parts.h"

/* Which sources have been read whole. What is not known is neither repaired nor cleaned. */
enum plan_known {
    PLAN_KNOWS_LINKS = 1,
    PLAN_KNOWS_ADDRS = 2,
    PLAN_KNOWS_ROUTES = 4,
    PLAN_KNOWS_WG = 8,
    PLAN_KNOWS_GUARDS = 16,
    PLAN_KNOWS_VMS = 32,
    PLAN_KNOWS_NAMES = 64,
    PLAN_KNOWS_SYSCTLS = 128,
    PLAN_KNOWS_ALL = 255
};

struct plan_desired {
    struct plan_node node;
    const struct plan_vm *vms_b;
    size_t n_vms;
    const struct plan_peer *peers_b;
    size_t n_peers;
};

/* Arrays in any order, borrowed for the call. */
struct plan_actual {
    unsigned known; /* enum plan_known */
    const struct plan_link *links_b;
    size_t n_links;
    const struct plan_addr *addrs_b;
    size_t n_addrs;
    const struct plan_route *routes_b; /* those that plan_cares_for_route says yes to, or more */
    size_t n_routes;
    bool wg_ours; /* the device is known as ours by other means than its alias: pid file lock */
    uint8_t wg_public_key[32];
    uint16_t wg_port;
    const struct plan_peer *peers_b; /* in the device; names and ids do not matter */
    size_t n_peers;
    bool nft_whole; /* our tables are there, as we declared them */
    const struct plan_guard *guards_b;
    size_t n_guards;
    bool dns_up;
    const struct plan_vm_state *vms_b; /* ids without a row in desired are fine */
    size_t n_vms;
    const struct plan_sysctl *sysctls_b; /* those of plan_sysctl_keys and each uplink's accept_ra */
    size_t n_sysctls;
    const char (*uplinks_by_ra_b)[16]; /* interfaces that learned route or address by RA */
    size_t n_uplinks_by_ra;
};

/* What the planner wants to see in sysctls_b, beside accept_ra of each uplink that learned by RA.
 */
extern const char *const plan_sysctl_keys[];
extern const size_t plan_sysctl_count;
void plan_accept_ra_key(const char *dev, char ret[static 96]);

/* Ours by protocol, or another's in table main within what the fleet uses. */
bool plan_cares_for_route(const struct plan_node *n, const struct addr *dst, uint32_t table,
                          uint8_t protocol);

#endif
