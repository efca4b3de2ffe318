/*
 * Links, addresses, routes, sysctls and taps: each group is queued into one netlink batch and sent.
 * Only the deletion of links and the closing of taps go to the pool, since they wait for the
 * kernel's grace periods. Engine thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/exec.h"
#include "backend/engine/vms.h"
#include "backend/engine/watch.h"
#include "backend/host/address.h"
#include "backend/host/link.h"
#include "backend/host/route.h"
#include "backend/host/sysctl.h"
#include "backend/host/tap.h"
#include "backend/model/text.h"

static uint32_t index_of(struct exec *x, const char *dev, uint32_t known, struct err *e)
{
    struct rtnl_link l;

    if (known)
        return known;
    return link_get(x->core->nl, dev, 0, &l, e) == 0 ? l.ifindex : 0;
}

/* Sends the batch and reports the group. Results of each request set the flags, so that an undo
 * takes back what went in and nothing else. */
static void one_result(size_t index, const struct err *failed, void *arg)
{
    struct exec *x = arg;
    x->done[x->at + index] = failed == NULL;
}

static void run_batch(struct exec *x)
{
    struct err e = {0};

    exec_group_done(x, nl_run(x->core->nl, one_result, x, &e) < 0 ? &e : NULL);
}

void exec_routes(struct exec *x)
{
    struct err e = {0};

    for (size_t i = 0; i < x->group; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        struct route_spec r = {.dst = op->route.dst, .gateway = op->route.gateway,
                               .prefsrc = op->route.prefsrc, .metric = op->route.metric,
                               .table = op->route.table, .blackhole = op->route.blackhole};
        r.oif = r.blackhole ? 0 : index_of(x, op->route.dev, op->route.oif, &e);
        if (op->kind == PLAN_OP_ROUTE_DEL)
            route_queue_remove(x->core->nl, &r);
        else
            route_queue_replace(x->core->nl, &r);
    }
    run_batch(x);
}

void exec_addrs(struct exec *x)
{
    struct err e = {0};

    for (size_t i = 0; i < x->group; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        struct address_spec a = {.local = op->addr.addr};
        static const struct addr link_local4 = {AF_INET, 16, {169, 254}};
        static const struct addr link_local6 = {AF_INET6, 10, {0xfe, 0x80}};
        /* The link-local prefix is what neighbours are answered by; other prefixes get routes of ours. */
        a.no_prefix_route = !addr_contains(&link_local6, &a.local);
        a.ifindex = index_of(x, op->addr.dev, op->addr.ifindex, &e);
        a.link_scope = addr_contains(&link_local4, &a.local);
        if (op->kind == PLAN_OP_ADDR_DEL)
            address_queue_remove(x->core->nl, &a);
        else
            address_queue_add(x->core->nl, &a);
    }
    run_batch(x);
}

void exec_links(struct exec *x)
{
    struct err e = {0};

    for (size_t i = 0; i < x->group; i++) {
        const struct plan_link *l = &x->ops[x->at + i].link;
        struct link_change change = {.mtu = l->mtu, .alias_b = l->alias[0] ? l->alias : NULL,
                                     .state = l->up ? LINK_STATE_UP : LINK_STATE_LEAVE,
                                     .no_link_local = true};
        change.ifindex = index_of(x, l->name, l->ifindex, &e);
        link_queue_change(x->core->nl, &change);
    }
    /* One change may be two requests, so results are not told one by one. */
    exec_group_done(x, nl_run(x->core->nl, NULL, NULL, &e) < 0 ? &e : NULL);
}

void exec_rename(struct exec *x)
{
    struct err e = {0};

    for (size_t i = 0; i < x->group && !e.code; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        (void)link_rename(x->core->nl, op->rename.ifindex, op->rename.to, &e);
    }
    exec_group_done(x, &e);
}

void exec_sysctls(struct exec *x)
{
    struct err e = {0};

    for (size_t i = 0; i < x->group && !e.code; i++) {
        const struct plan_sysctl *s = &x->ops[x->at + i].sysctl.want;
        if (sysctl_write(s->key, s->value, NULL, &e) >= 0)
            x->done[x->at + i] = true;
    }
    exec_group_done(x, &e);
}

/* A tap is made with its own number among the names; another's link in its place is an error that
 * names it. What is prepared before it goes up: sysctls, alias, MTU. Addresses follow in the plan. */
static int tap_make(struct exec *x, const struct plan_vm *p, struct vm *v, struct err *e)
{
    struct tap tap;
    char alias[64];

    int r = tap_create(p->tap, NULL, (uid_t)p->uid, &tap, e);
    if (r < 0)
        return r;
    v->tap_fd = tap.fd;
    v->tap_ifindex = (uint32_t)tap.ifindex;
    plan_alias_vm(p->id, alias);
    r = sysctl_prepare_tap(p->tap, NULL, e);
    if (r < 0)
        return r;
    struct link_change change = {.ifindex = v->tap_ifindex, .mtu = p->mtu, .alias_b = alias,
                                 .state = LINK_STATE_UP, .no_link_local = true};
    link_queue_change(x->core->nl, &change);
    return 0;
}

void exec_taps_add(struct exec *x)
{
    struct err e = {0};

    for (size_t i = 0; i < x->group && !e.code; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        struct vm *v = op->vm ? vms_find_id(x->core, op->vm_id) : NULL;
        if (!v) {
            err_set(&e, ERR_AREA_HOST, -ENOENT, "making a tap: its VM is gone");
        } else if (tap_make(x, op->vm, v, &e) == 0 || v->tap_fd >= 0) {
            x->done[x->at + i] = true;
        }
    }
    struct err batch = {0};
    if (nl_run(x->core->nl, NULL, NULL, &batch) < 0 && !e.code)
        e = batch;
    exec_group_done(x, &e);
}

struct tap_end {
    struct exec *exec;
    unsigned waits;
    struct err err;
};

static void tap_end_part(struct tap_end *t)
{
    if (--t->waits > 0)
        return;
    struct exec *x = t->exec;
    struct err e = t->err;
    free(t);
    exec_group_done(x, &e);
}

static void taps_closed(void *arg)
{
    tap_end_part(arg);
}

static void taps_deleted(const struct err *failed, void *arg)
{
    struct tap_end *t = arg;

    if (failed)
        t->err = *failed;
    tap_end_part(t);
}

/* Descriptors that we still hold are closed, and links that somebody else keeps alive are deleted:
 * both off the loop, both with one grace period for all. */
void exec_taps_del(struct exec *x)
{
    struct tap_end *t = calloc(1, sizeof *t);
    int *fds = calloc(x->group, sizeof *fds);
    char (*names)[IFNAMSIZ] = calloc(x->group, sizeof *names);
    size_t n_fds = 0;
    struct err e = {0};

    if (!t || !fds || !names) {
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "removing taps: out of memory");
        free(t);
    } else {
        t->exec = x;
        t->waits = 1;
        for (size_t i = 0; i < x->group; i++) {
            const struct plan_op *op = &x->ops[x->at + i];
            struct vm *v = vms_find_id(x->core, op->vm_id);
            str_copy(names[i], sizeof names[i], op->link.name);
            if (v && v->tap_fd >= 0) {
                fds[n_fds++] = v->tap_fd;
                v->tap_fd = -1;
            }
        }
        t->waits = 2;
        if (n_fds == 0 || tap_close_many(&x->core->loop, fds, n_fds, taps_closed, t, &t->err) < 0)
            t->waits--;
        if (link_delete_many(&x->core->loop, (const char(*)[IFNAMSIZ])names, x->group, PLAN_ALIAS_VM,
                             taps_deleted, t, &t->err) < 0)
            tap_end_part(t);
    }
    free(fds);
    free(names);
    if (e.code)
        exec_group_done(x, &e);
}
