/*
 * Routes and firewall elements: what should be there against what is there, and what nobody
 * accounts for. Pure. Only routes of our protocol, taps with our alias and elements of our own
 * tables are removed; those of a process that may live are not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/plan/build.h"

static const char *owner(const struct plan_route_want *w)
{
    return w->vm ? w->vm->name : w->route.blackhole ? "this node" : "a peer";
}

/* The want for that destination: one that is to be there before one that is to go. */
static struct plan_route_want *want_for(struct plan_build *b, struct plan_index *x,
                                        const struct addr *dst)
{
    const struct plan_entry *end, *at = plan_index_find(x, plan_hash_addr(dst, ""), &end);
    struct plan_route_want *found = NULL;

    for (uint64_t key = at ? at->key : 0; at && at < end && at->key == key; at++) {
        struct plan_route_want *w = &b->routes[at->i];
        if (addr_compare(&w->route.dst, dst) != 0)
            continue;
        if (!found || found->absent)
            found = w;
        else if (!w->absent && found != w)
            plan_fail(b, -EINVAL, "%s and %s have the same address", owner(found), owner(w));
    }
    return found;
}

static bool is_as_wanted(const struct plan_route *want, const struct plan_route *have)
{
    if (have->table != PLAN_TABLE_MAIN || want->blackhole != have->blackhole)
        return false;
    if (want->blackhole)
        return true;
    return strcmp(want->dev, have->dev) == 0 && !addr_is_set(&have->gateway) &&
           (!addr_is_set(&want->prefsrc) ||
            memcmp(want->prefsrc.bytes, have->prefsrc.bytes, 16) == 0);
}

static void remove_route(struct plan_build *b, const struct plan_route *r, const struct plan_vm *vm)
{
    plan_add(b, PLAN_OP_ROUTE_DEL, PLAN_STAGE_UNROUTE, vm)->route = *r;
}

/* Somebody else's way into addresses that are the fleet's: both owners are named. */
static void look_at_foreign(struct plan_build *b, const struct plan_route *have)
{
    struct addr mesh = addr_mesh_ip4();
    const struct addr *fleet = have->dst.family == AF_INET ? &mesh : &b->d->node.fleet;
    char text[ADDR_TEXT], other[ADDR_TEXT];
    uint64_t id;

    if (!b->node || !plan_cares_for_route(&b->d->node, &have->dst, have->table, have->protocol))
        return;
    const struct plan_link *l = plan_link_named(b, have->dev);
    if (strcmp(have->dev, b->d->node.wg_device) == 0 || (l && plan_alias_vm_parse(l->alias, &id)))
        return; /* the kernel's own, on a link of ours */
    plan_add_note(b, PLAN_NOTE_FOREIGN_ROUTE, 0,
                  "%s goes by %s, and is not ours: it overlaps %s, which "
                  "the fleet uses",
                  addr_format(&have->dst, true, text), have->dev[0] ? have->dev : "?",
                  addr_format(fleet, true, other));
}

static void look_at_route(struct plan_build *b, struct plan_index *x, const struct plan_route *have)
{
    struct plan_route_want *w = want_for(b, x, &have->dst);

    if (have->protocol != PLAN_PROTOCOL) {
        look_at_foreign(b, have);
    } else if (!w) {
        if (b->everything && !plan_is_orphans(b, have->dev))
            remove_route(b, have, NULL);
    } else if (w->leave || !w->in_scope) {
        w->seen = true;
    } else if (w->absent) {
        remove_route(b, have, w->vm);
    } else if (w->seen || !is_as_wanted(&w->route, have)) {
        remove_route(b, have, w->vm);
    } else {
        w->seen = !w->fresh;
    }
}

void plan_diff_routes(struct plan_build *b)
{
    struct plan_index x = {0};
    bool known = plan_knows(b, PLAN_KNOWS_ROUTES);

    for (size_t i = 0; i < b->n_routes; i++)
        plan_index_add(b, &x, plan_hash_addr(&b->routes[i].route.dst, ""), i);
    for (size_t i = 0; i < b->n_routes && b->code == 0; i++)
        (void)want_for(b, &x, &b->routes[i].route.dst); /* finds contradictions */
    for (size_t i = 0; known && i < b->a->n_routes; i++)
        look_at_route(b, &x, &b->a->routes_b[i]);
    for (size_t i = 0; i < b->n_routes; i++) {
        const struct plan_route_want *w = &b->routes[i];
        if (!w->in_scope || w->leave || w->seen)
            continue;
        if (w->absent && !known)
            remove_route(b, &w->route, w->vm);
        else if (!w->absent && (w->fresh || known))
            plan_add(b, PLAN_OP_ROUTE_ADD, w->stage, w->vm)->route = w->route;
    }
    if (!known && b->everything)
        plan_add_note(b, PLAN_NOTE_UNREAD, 0,
                      "routes were not read whole: none is repaired or removed");
    free(x.all);
}

static bool guards_equal(const struct plan_guard *a, const struct plan_guard *b)
{
    return memcmp(a->mac, b->mac, sizeof a->mac) == 0 && addr_compare(&a->ip4, &b->ip4) == 0 &&
           addr_compare(&a->ip6, &b->ip6) == 0;
}

static struct plan_guard_want *guard_for(struct plan_build *b, struct plan_index *x,
                                         const char *tap)
{
    const struct plan_entry *end, *at = plan_index_find(x, plan_hash_text(tap), &end);
    struct plan_guard_want *found = NULL;

    for (uint64_t key = at ? at->key : 0; at && at < end && at->key == key; at++) {
        struct plan_guard_want *w = &b->guards[at->i];
        if (strcmp(w->guard.tap, tap) != 0)
            continue;
        if (!found || found->absent)
            found = w;
        else if (!w->absent && found != w)
            plan_fail(b, -EINVAL, "%s and %s have the same tap %s", found->vm->name, w->vm->name,
                      tap);
    }
    return found;
}

static void look_at_guard(struct plan_build *b, struct plan_index *x, const struct plan_guard *have)
{
    struct plan_guard_want *w = guard_for(b, x, have->tap);

    if (w && (w->leave || !w->in_scope)) {
        w->seen = true;
    } else if (w && !w->absent) {
        w->seen = guards_equal(&w->guard, have);
    } else if (w || (b->everything && !plan_is_orphans(b, have->tap))) {
        plan_add(b, PLAN_OP_GUARD_DEL, PLAN_STAGE_UNGUARD, w ? w->vm : NULL)->guard = *have;
    }
}

/* The tables are not as declared: all of them anew, with every guest that runs. */
static void rebuild(struct plan_build *b)
{
    struct plan_op *op = plan_add(b, PLAN_OP_NFT_TABLES, PLAN_STAGE_TABLES, NULL);
    size_t n = 0;

    for (size_t i = 0; i < b->n_guards; i++) {
        struct plan_guard_want *w = &b->guards[i];
        bool lives = plan_state_of(b, w->vm->id)->proc != PLAN_PROC_NONE;
        if (w->absent || w->fresh || (!lives && w->vm->goal != PLAN_RUN))
            continue;
        b->p->guards[n++] = w->guard;
        w->seen = true;
    }
    op->guards.all = b->p->guards;
    op->guards.n = n;
}

void plan_diff_guards(struct plan_build *b)
{
    struct plan_index x = {0};
    bool known = plan_knows(b, PLAN_KNOWS_GUARDS);

    for (size_t i = 0; i < b->n_guards; i++)
        plan_index_add(b, &x, plan_hash_text(b->guards[i].guard.tap), i);
    for (size_t i = 0; i < b->n_guards && b->code == 0; i++)
        (void)guard_for(b, &x, b->guards[i].guard.tap);
    if (known && b->node && !b->a->nft_whole)
        rebuild(b);
    for (size_t i = 0; known && b->a->nft_whole && i < b->a->n_guards; i++)
        look_at_guard(b, &x, &b->a->guards_b[i]);
    for (size_t i = 0; i < b->n_guards; i++) {
        const struct plan_guard_want *w = &b->guards[i];
        if (!w->in_scope || w->leave || w->seen)
            continue;
        if (w->absent && !known)
            plan_add(b, PLAN_OP_GUARD_DEL, PLAN_STAGE_UNGUARD, w->vm)->guard = w->guard;
        else if (!w->absent && (w->fresh || known))
            plan_add(b, PLAN_OP_GUARD_ADD, PLAN_STAGE_GUARD, w->vm)->guard = w->guard;
    }
    free(x.all);
}

void plan_clean(struct plan_build *b)
{
    const struct plan_actual *a = b->a;
    uint64_t id;

    if (!plan_knows(b, PLAN_KNOWS_VMS))
        return;
    for (size_t i = 0; plan_knows(b, PLAN_KNOWS_LINKS) && i < a->n_links; i++)
        if (plan_alias_vm_parse(a->links_b[i].alias, &id) &&
            !plan_index_find(&b->vm_ids, id, NULL) &&
            plan_state_of(b, id)->proc == PLAN_PROC_NONE) {
            struct plan_op *op = plan_add(b, PLAN_OP_TAP_DEL, PLAN_STAGE_UNTAP, NULL);
            op->link = a->links_b[i];
            op->vm_id = id;
        }
    for (size_t i = 0; i < a->n_vms; i++) {
        const struct plan_vm_state *st = &a->vms_b[i];
        if (plan_index_find(&b->vm_ids, st->id, NULL))
            continue;
        if (st->proc != PLAN_PROC_NONE)
            plan_add_note(b, PLAN_NOTE_ORPHAN, st->id,
                          "a QEMU runs for the VM %" PRIx64 ", which the "
                          "store does not know: it is left alone",
                          st->id);
        else if (st->folder || st->disk)
            plan_add_note(b, PLAN_NOTE_ORPHAN, st->id,
                          "there are files of the VM %" PRIx64 ", which "
                          "the store does not know: they are left alone",
                          st->id);
    }
    if (!plan_knows(b, PLAN_KNOWS_LINKS))
        plan_add_note(b, PLAN_NOTE_UNREAD, 0, "links were not read whole: no tap is cleaned up");
}
