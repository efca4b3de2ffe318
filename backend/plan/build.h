#ifndef MESHDECK_PLAN_BUILD_H
#define MESHDECK_PLAN_BUILD_H
/*
 * What the planner's parts share while one plan is made. Used within backend/plan only. A failed
 * allocation or a contradiction is kept in `code` and ends the planning; the parts need not look.
 */
#include "backend/plan/plan.h"

/* A multimap from a 64-bit hash to an index, built once, then sorted. */
struct plan_index {
    struct plan_entry {
        uint64_t key;
        size_t i;
    } * all;
    size_t n, cap;
    bool sorted;
};

/* What is to become of a VM, decided before anything is planned. */
enum plan_fate {
    FATE_LEAVE, /* its process is not understood, or not known: nothing of it is touched */
    FATE_KEEP,  /* it runs and goes on: drift is repaired */
    FATE_START, /* its tap, routes and firewall are made anew */
    FATE_DOWN   /* it does not run: nothing of it may be left in kernel and firewall */
};

struct plan_vm_work {
    const struct plan_vm *vm;          /* the plan's copy */
    const struct plan_vm_state *state; /* never NULL */
    enum plan_fate fate;
    bool in_scope, running;
    bool renamed; /* its tap gets its name back, which costs addresses and routes */
};

/* A route that should be there, or that must be let alone. */
struct plan_route_want {
    struct plan_route route;
    const struct plan_vm *vm;
    enum plan_stage stage;
    bool leave;  /* whatever is there for this destination stays */
    bool absent; /* it must not be there */
    bool fresh;  /* its link is made in this plan: add it in any case */
    bool in_scope, seen;
};

struct plan_guard_want {
    struct plan_guard guard;
    const struct plan_vm *vm;
    bool leave, absent, fresh, in_scope, seen;
};

struct plan_build {
    const struct plan_desired *d;
    const struct plan_actual *a;
    const struct plan_scope *s;
    bool everything, node, peers; /* of the scope */
    struct plan_whole *p;
    size_t cap_ops, cap_notes;
    struct plan_vm_work *vms; /* as many as d->n_vms */
    struct plan_index vm_ids, states, scope_ids, link_names, link_ids, addrs, peer_keys;
    struct plan_route_want *routes;
    size_t n_routes, cap_routes;
    struct plan_guard_want *guards;
    size_t n_guards, cap_guards;
    enum { WG_THERE, WG_FRESH, WG_RENAMED, WG_FOREIGN, WG_UNREAD } wg;
    uint32_t wg_ifindex;
    int code;
    struct err e;
    struct plan_op sink; /* takes what is said after a failure */
};

/* The plan with what it owns beside the public part. */
struct plan_whole {
    struct plan pub; /* first */
    struct plan_vm *vms;
    size_t n_vms;
    struct plan_peer *peers;     /* desired */
    struct plan_peer *peers_was; /* as observed */
    struct plan_guard *guards;
};

void plan_index_add(struct plan_build *b, struct plan_index *x, uint64_t key, size_t i);
/* The first entry of that key, or NULL; the next ones follow while their key is equal. */
const struct plan_entry *plan_index_find(struct plan_index *x, uint64_t key,
                                         const struct plan_entry **ret_end);
uint64_t plan_hash(const void *data, size_t n);
uint64_t plan_hash_text(const char *text);
uint64_t plan_hash_addr(const struct addr *a, const char *dev);

/* A new operation at the end, zeroed but for these; never NULL. */
struct plan_op *plan_add(struct plan_build *b, enum plan_op_kind kind, enum plan_stage stage,
                         const struct plan_vm *vm);
void plan_add_note(struct plan_build *b, enum plan_note_kind kind, uint64_t id, const char *fmt,
                   ...) __attribute__((format(printf, 4, 5)));
void plan_fail(struct plan_build *b, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool plan_knows(const struct plan_build *b, unsigned what);

/* A link of a VM that is not desired but whose process may live: never touched. */
bool plan_is_orphans(struct plan_build *b, const char *dev);
const struct plan_vm_state *plan_state_of(struct plan_build *b, uint64_t id); /* never NULL */
const struct plan_link *plan_link_named(struct plan_build *b, const char *name);
const struct plan_link *plan_link_of_vm(struct plan_build *b, uint64_t id); /* by alias */
bool plan_has_addr(struct plan_build *b, const char *dev, const struct addr *a);
void plan_want_addr(struct plan_build *b, enum plan_stage stage, const struct plan_vm *vm,
                    const char *dev, uint32_t ifindex, const struct addr *a, bool fresh);
void plan_want_route(struct plan_build *b, const struct plan_route_want *w);
void plan_want_guard(struct plan_build *b, const struct plan_guard_want *w);
struct addr plan_node_ip4(const struct plan_build *b); /* family 0 when it has no block */

/* The parts, in the order in which plan_make calls them. */
void plan_vms_decide(struct plan_build *b); /* plan_vms.c */
void plan_base(struct plan_build *b);       /* plan_base.c */
void plan_peers(struct plan_build *b);
void plan_vms(struct plan_build *b);
void plan_clean(struct plan_build *b); /* plan_diff.c: leaked taps, orphans */
void plan_diff_routes(struct plan_build *b);
void plan_diff_guards(struct plan_build *b);
void plan_describe(struct plan_whole *p); /* plan_steps.c */

#endif
