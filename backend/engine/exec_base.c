/*
 * The WireGuard device, its peers, the firewall and DNS: groups that answer later, through the
 * callbacks of their host modules. Engine thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/exec.h"
#include "backend/engine/job.h"
#include "backend/engine/peers.h"
#include "backend/engine/vms.h"
#include "backend/host/link.h"
#include "backend/host/wgkey.h"
#include "backend/model/text.h"

static void group_ended(const struct err *failed, void *arg)
{
    exec_group_done(arg, failed);
}

static void no_memory(struct exec *x)
{
    struct err e = {0};
    err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
    exec_group_done(x, &e);
}

static void device_up(const struct err *failed, void *arg)
{
    struct exec *x = arg;

    if (!failed)
        base_device_up(x->core);
    exec_group_done(x, failed);
}

void exec_wg_up(struct exec *x)
{
    struct err e = {0};

    if (wg_host_up(x->core->base->wg, device_up, x, &e) < 0)
        exec_group_done(x, &e);
}

/* The private key is read where it lies, handed over and wiped; it is in no plan. */
void exec_wg_set(struct exec *x)
{
    const struct plan_op *op = &x->ops[x->at];
    struct wg_change change = {.set_port = op->wg.set_port, .port = op->wg.port};
    struct wgkey_secret key = {{0}};
    struct err e = {0};
    char path[PATH_MAX];

    if (op->wg.set_key) {
        if (wgkey_read_file(base_path(x->core, "secrets/wireguard_key", path), &key, &e) < 0) {
            exec_group_done(x, &e);
            return;
        }
        change.private_key_b = &key;
    }
    int r = wg_host_change(x->core->base->wg, &change, group_ended, x, &e);
    wgkey_wipe(&key);
    if (r < 0)
        exec_group_done(x, &e);
}

void exec_peers(struct exec *x)
{
    struct wg_peer_change *peers = calloc(x->group, sizeof *peers);
    struct err e = {0};

    if (!peers) {
        no_memory(x);
        return;
    }
    for (size_t i = 0; i < x->group; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        memcpy(peers[i].public_key, op->peer->public_key, sizeof peers[i].public_key);
        peers[i].op = op->kind == PLAN_OP_PEER_DEL   ? WG_PEER_REMOVE
                      : op->kind == PLAN_OP_PEER_SET ? WG_PEER_UPDATE
                                                     : WG_PEER_ADD;
        if (op->kind == PLAN_OP_PEER_DEL)
            continue;
        if (op->kind == PLAN_OP_PEER_ADD || op->peer->force_endpoint)
            peers[i].endpoint = op->peer->endpoint;
        if (peers[i].endpoint.port == 0)
            memset(&peers[i].endpoint, 0, sizeof peers[i].endpoint);
        peers[i].set_keepalive = true;
        peers[i].keepalive_s = op->peer->keepalive_s;
        peers[i].set_ips = true;
        peers[i].ips_b = op->peer->prefixes;
        peers[i].n_ips = op->peer->n_prefixes;
    }
    struct wg_change change = {.peers_b = peers, .n_peers = x->group};
    int r = wg_host_change(x->core->base->wg, &change, group_ended, x, &e);
    free(peers);
    if (r < 0)
        exec_group_done(x, &e);
}

void exec_peer_forget(struct exec *x)
{
    peers_forget(x->core, x->ops + x->at, x->group, group_ended, x);
}

static void fill_guest(const struct plan_guard *g, struct nft_guest *ret)
{
    memset(ret, 0, sizeof *ret);
    str_copy(ret->tap, sizeof ret->tap, g->tap);
    memcpy(ret->mac, g->mac, sizeof ret->mac);
    ret->ip4 = g->ip4;
    ret->ip6 = g->ip6;
}

static void tables_built(const struct err *failed, void *arg)
{
    struct exec *x = arg;
    const struct plan_op *op = &x->ops[x->at];

    for (struct vm *v = x->core->vms->first; v && !failed; v = v->next) {
        v->plumbed = false;
        for (size_t i = 0; i < op->guards.n && !v->plumbed; i++)
            v->plumbed = strcmp(op->guards.all[i].tap, v->rec.tap) == 0;
    }
    exec_group_done(x, failed);
}

void exec_tables(struct exec *x)
{
    const struct plan_op *op = &x->ops[x->at];
    struct nft_guest *guests = calloc(op->guards.n + 1, sizeof *guests);
    struct err e = {0};

    if (!guests) {
        no_memory(x);
        return;
    }
    for (size_t i = 0; i < op->guards.n; i++)
        fill_guest(&op->guards.all[i], &guests[i]);
    int r = nft_rebuild(x->core->base->nft, &x->core->base->nft_config, guests, op->guards.n,
                        tables_built, x, &e);
    free(guests);
    if (r < 0)
        exec_group_done(x, &e);
}

static void guards_set(const struct err *failed, void *arg)
{
    struct exec *x = arg;

    for (size_t i = 0; i < x->group && !failed; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        struct vm *v = vms_find_id(x->core, op->vm_id);
        if (v)
            v->plumbed = op->kind == PLAN_OP_GUARD_ADD;
    }
    exec_group_done(x, failed);
}

void exec_guards(struct exec *x)
{
    bool del = x->ops[x->at].kind == PLAN_OP_GUARD_DEL;
    struct nft_guest *add = calloc(x->group, sizeof *add);
    char (*names)[IFNAMSIZ] = calloc(x->group, sizeof *names);
    struct err e = {0};
    int r = -ENOMEM;

    if (add && names) {
        for (size_t i = 0; i < x->group; i++) {
            fill_guest(&x->ops[x->at + i].guard, &add[i]);
            str_copy(names[i], sizeof names[i], x->ops[x->at + i].guard.tap);
        }
        r = nft_apply(x->core->base->nft, add, del ? 0 : x->group, (const char(*)[IFNAMSIZ])names,
                      del ? x->group : 0, guards_set, x, &e);
    } else {
        err_set(&e, ERR_AREA_NFT, -ENOMEM, "firewall: out of memory");
    }
    free(add);
    free(names);
    if (r <= 0)
        guards_set(r < 0 ? &e : NULL, x);
}

/* dnsmasq starts by itself and is kept up by its module; its state comes as events. */
void exec_dnsmasq(struct exec *x)
{
    struct err e = {0};

    base_dns_start(x->core, &e);
    exec_group_done(x, &e);
}

struct names_batch {
    struct exec *exec;
    size_t waits;
    struct err err;
};

static void name_written(const struct err *failed, void *arg)
{
    struct names_batch *b = arg;

    if (failed && !b->err.code)
        b->err = *failed;
    if (--b->waits > 0)
        return;
    struct exec *x = b->exec;
    struct err e = b->err;
    free(b);
    for (size_t i = 0; i < x->group && !e.code; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        struct vm *v = vms_find_id(x->core, op->vm_id);
        if (v)
            v->named = op->kind == PLAN_OP_NAME_ADD;
    }
    exec_group_done(x, &e);
}

void exec_names(struct exec *x)
{
    bool del = x->ops[x->at].kind == PLAN_OP_NAME_DEL;
    struct names_batch *b = calloc(1, sizeof *b);

    if (!b) {
        no_memory(x);
        return;
    }
    b->exec = x;
    b->waits = x->group + 1;
    for (size_t i = 0, n = x->group; i < n; i++) {
        const struct plan_op *op = &x->ops[x->at + i];
        struct vm *v = vms_find_id(x->core, op->vm_id);
        struct dnsmasq_host host = {.ip4 = {0}};
        const char *name = op->vm ? op->vm->name : v ? v->rec.name : "";
        struct err e = {0};
        int r = 0;

        str_copy(host.name, sizeof host.name, name);
        str_copy(host.network, sizeof host.network, op->vm ? op->vm->network : "");
        if (op->vm) {
            host.ip4 = op->vm->ip4;
            host.ip6 = op->vm->ip6;
        }
        if (!x->core->base->dns)
            b->waits--;
        else if (del)
            r = dnsmasq_remove_host(x->core->base->dns, name, name_written, b, &e);
        else
            r = dnsmasq_put_host(x->core->base->dns, &host, name_written, b, &e);
        if (r < 0)
            name_written(&e, b);
    }
    name_written(NULL, b);
}
