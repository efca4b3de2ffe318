/*
 * One operation: its name, its line of text, what takes it back, and whether it touches the
 * operator's own way in. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/plan/plan.h"

static const char *const kind_names[PLAN_OP_COUNT] = {
    [PLAN_OP_VM_STOP] = "vm-stop",       [PLAN_OP_VM_KILL] = "vm-kill",
    [PLAN_OP_ROUTE_DEL] = "route-del",   [PLAN_OP_GUARD_DEL] = "guard-del",
    [PLAN_OP_NAME_DEL] = "name-del",     [PLAN_OP_TAP_DEL] = "tap-del",
    [PLAN_OP_FOLDER_DEL] = "folder-del", [PLAN_OP_RELEASE] = "release",
    [PLAN_OP_PEER_DEL] = "peer-del",     [PLAN_OP_PEER_FORGET] = "peer-forget",
    [PLAN_OP_ADDR_DEL] = "addr-del",     [PLAN_OP_TAP_ADD] = "tap-add",
    [PLAN_OP_WG_UP] = "wg-up",           [PLAN_OP_LINK_RENAME] = "link-rename",
    [PLAN_OP_WG_SET] = "wg-set",         [PLAN_OP_LINK_SET] = "link-set",
    [PLAN_OP_ADDR_ADD] = "addr-add",     [PLAN_OP_SYSCTL] = "sysctl",
    [PLAN_OP_NFT_TABLES] = "nft-tables", [PLAN_OP_DNSMASQ] = "dnsmasq",
    [PLAN_OP_PEER_ADD] = "peer-add",     [PLAN_OP_PEER_SET] = "peer-set",
    [PLAN_OP_RESERVE] = "reserve",       [PLAN_OP_DISK_ADD] = "disk-add",
    [PLAN_OP_SEED_ADD] = "seed-add",     [PLAN_OP_ROUTE_ADD] = "route-add",
    [PLAN_OP_GUARD_ADD] = "guard-add",   [PLAN_OP_NAME_ADD] = "name-add",
    [PLAN_OP_VM_START] = "vm-start",     [PLAN_OP_SSH_WAIT] = "ssh-wait",
    [PLAN_OP_COMMIT] = "commit",
};

const char *plan_op_kind_name(enum plan_op_kind kind)
{
    return kind < PLAN_OP_COUNT ? kind_names[kind] : "?";
}

const char *plan_op_text(const struct plan_op *op, char *buf, size_t cap)
{
    char a[ADDR_TEXT];
    const char *name = plan_op_kind_name(op->kind);

    switch (op->kind) {
    case PLAN_OP_ROUTE_ADD:
    case PLAN_OP_ROUTE_DEL:
        (void)snprintf(buf, cap, "%s %s %s", name, addr_format(&op->route.dst, true, a),
                       op->route.blackhole ? "blackhole" : op->route.dev);
        break;
    case PLAN_OP_ADDR_ADD:
    case PLAN_OP_ADDR_DEL:
        (void)snprintf(buf, cap, "%s %s %s", name, addr_format(&op->addr.addr, true, a),
                       op->addr.dev);
        break;
    case PLAN_OP_GUARD_ADD:
    case PLAN_OP_GUARD_DEL:
        (void)snprintf(buf, cap, "%s %s %s", name, op->guard.tap,
                       addr_format(&op->guard.ip6, false, a));
        break;
    case PLAN_OP_TAP_DEL:
    case PLAN_OP_WG_UP:
    case PLAN_OP_LINK_SET:
        (void)snprintf(buf, cap, "%s %s", name, op->link.name);
        break;
    case PLAN_OP_LINK_RENAME:
        (void)snprintf(buf, cap, "%s %s %s", name, op->rename.from, op->rename.to);
        break;
    case PLAN_OP_SYSCTL:
        (void)snprintf(buf, cap, "%s %s=%s", name, op->sysctl.want.key, op->sysctl.want.value);
        break;
    case PLAN_OP_WG_SET:
        (void)snprintf(buf, cap, "%s%s%s", name, op->wg.set_key ? " key" : "",
                       op->wg.set_port ? " port" : "");
        break;
    case PLAN_OP_NFT_TABLES:
        (void)snprintf(buf, cap, "%s with %zu guests", name, op->guards.n);
        break;
    case PLAN_OP_PEER_ADD:
    case PLAN_OP_PEER_SET:
    case PLAN_OP_PEER_DEL:
    case PLAN_OP_PEER_FORGET:
        (void)snprintf(buf, cap, "%s %s", name, op->peer->name);
        break;
    case PLAN_OP_DNSMASQ:
        (void)snprintf(buf, cap, "%s", name);
        break;
    case PLAN_OP_TAP_ADD:
        (void)snprintf(buf, cap, "%s %s", name, op->vm->tap);
        break;
    case PLAN_OP_VM_STOP:
    case PLAN_OP_VM_KILL:
    case PLAN_OP_NAME_DEL:
    case PLAN_OP_FOLDER_DEL:
    case PLAN_OP_RELEASE:
    case PLAN_OP_RESERVE:
    case PLAN_OP_DISK_ADD:
    case PLAN_OP_SEED_ADD:
    case PLAN_OP_NAME_ADD:
    case PLAN_OP_VM_START:
    case PLAN_OP_SSH_WAIT:
    case PLAN_OP_COMMIT:
    case PLAN_OP_COUNT:
        (void)snprintf(buf, cap, "%s %s", name, op->vm ? op->vm->name : "?");
        break;
    }
    return buf;
}

static bool is_of_unfinished(const struct plan_op *op)
{
    return op->vm && (op->vm->is_new || op->vm->provisional);
}

static void undo_tap(const struct plan_op *op, struct plan_op *ret)
{
    struct plan_link l = {.mtu = op->vm->mtu};

    (void)str_copy(l.name, sizeof l.name, op->vm->tap);
    plan_alias_vm(op->vm->id, l.alias);
    ret->kind = PLAN_OP_TAP_DEL;
    ret->stage = PLAN_STAGE_UNTAP;
    ret->link = l;
}

bool plan_op_undo(const struct plan_op *op, struct plan_op *ret)
{
    static const struct {
        enum plan_op_kind of, kind;
        enum plan_stage stage;
        bool only_unfinished; /* what belongs to a VM that was there before stays */
    } plain[] = {
        {PLAN_OP_RESERVE, PLAN_OP_RELEASE, PLAN_STAGE_RELEASE, true},
        {PLAN_OP_DISK_ADD, PLAN_OP_FOLDER_DEL, PLAN_STAGE_ERASE, true},
        {PLAN_OP_SEED_ADD, PLAN_OP_FOLDER_DEL, PLAN_STAGE_ERASE, true},
        {PLAN_OP_NAME_ADD, PLAN_OP_NAME_DEL, PLAN_STAGE_UNGUARD, true},
        {PLAN_OP_ROUTE_ADD, PLAN_OP_ROUTE_DEL, PLAN_STAGE_UNROUTE, false},
        {PLAN_OP_GUARD_ADD, PLAN_OP_GUARD_DEL, PLAN_STAGE_UNGUARD, false},
        {PLAN_OP_VM_START, PLAN_OP_VM_KILL, PLAN_STAGE_STOP, false},
        {PLAN_OP_PEER_ADD, PLAN_OP_PEER_DEL, PLAN_STAGE_PEERS, false},
        {PLAN_OP_ADDR_ADD, PLAN_OP_ADDR_DEL, PLAN_STAGE_BASE, false},
    };

    *ret = *op;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (plain[i].of == op->kind) {
            ret->kind = plain[i].kind;
            ret->stage = plain[i].stage;
            return !plain[i].only_unfinished || is_of_unfinished(op);
        }
    if (op->kind == PLAN_OP_TAP_ADD) {
        undo_tap(op, ret);
    } else if (op->kind == PLAN_OP_PEER_SET) {
        ret->peer = op->peer_was;
        ret->peer_was = op->peer;
    } else if (op->kind == PLAN_OP_SYSCTL) {
        (void)str_copy(ret->sysctl.want.value, sizeof ret->sysctl.want.value, op->sysctl.was);
        (void)str_copy(ret->sysctl.was, sizeof ret->sysctl.was, op->sysctl.want.value);
    } else if (op->kind == PLAN_OP_LINK_RENAME) {
        (void)str_copy(ret->rename.from, sizeof ret->rename.from, op->rename.to);
        (void)str_copy(ret->rename.to, sizeof ret->rename.to, op->rename.from);
    } else {
        return false;
    }
    return true;
}

static bool is_dev(const struct plan_way_in *w, const char *dev, uint32_t ifindex)
{
    return (w->dev[0] && strcmp(w->dev, dev) == 0) || (ifindex != 0 && ifindex == w->ifindex);
}

static bool peer_carries(const struct plan_peer *p, const struct plan_way_in *w)
{
    for (uint32_t i = 0; p && i < p->n_prefixes && i < PLAN_PREFIXES_MAX; i++)
        if (addr_contains(&p->prefixes[i], &w->peer))
            return true;
    return false;
}

/* The words after "this", or NULL when it is not touched. */
static const char *touches(const struct plan_op *op, const struct plan_way_in *w)
{
    switch (op->kind) {
    case PLAN_OP_ROUTE_ADD:
    case PLAN_OP_ROUTE_DEL:
        return addr_contains(&op->route.dst, &w->peer) ? "changes the route to where you sit"
                                                       : NULL;
    case PLAN_OP_ADDR_ADD:
        return memcmp(op->addr.addr.bytes, w->peer.bytes, 16) == 0 &&
                       op->addr.addr.family == w->peer.family
                   ? "takes the address that you come from"
                   : NULL;
    case PLAN_OP_ADDR_DEL:
        return memcmp(op->addr.addr.bytes, w->local.bytes, 16) == 0 &&
                       op->addr.addr.family == w->local.family
                   ? "removes the address that you are connected to"
                   : NULL;
    case PLAN_OP_TAP_DEL:
    case PLAN_OP_WG_UP:
    case PLAN_OP_LINK_SET:
        return is_dev(w, op->link.name, op->link.ifindex)
                   ? "changes the interface that you came in by"
                   : NULL;
    case PLAN_OP_LINK_RENAME:
        return is_dev(w, op->rename.from, op->rename.ifindex)
                   ? "takes down the interface that you came in by"
                   : NULL;
    case PLAN_OP_PEER_SET:
        return peer_carries(op->peer, w) || peer_carries(op->peer_was, w)
                   ? "changes the tunnel that you came in by"
                   : NULL;
    case PLAN_OP_PEER_ADD:
    case PLAN_OP_PEER_DEL:
        return peer_carries(op->peer, w) ? "changes the tunnel that you came in by" : NULL;
    case PLAN_OP_SYSCTL: /* accept_ra=2 is what keeps an address that was learned by RA */
        return strstr(op->sysctl.want.key, "accept_ra") && strcmp(op->sysctl.want.value, "2") != 0
                   ? "lets this host forget its own address"
                   : NULL;
    case PLAN_OP_VM_STOP:
    case PLAN_OP_VM_KILL: /* you sit in that guest */
        return op->vm && (memcmp(op->vm->ip6.bytes, w->peer.bytes, 16) == 0 ||
                          (op->vm->ip4.family == w->peer.family &&
                           memcmp(op->vm->ip4.bytes, w->peer.bytes, 4) == 0))
                   ? "stops the guest that you came from"
                   : NULL;
    case PLAN_OP_GUARD_DEL:
    case PLAN_OP_NAME_DEL:
    case PLAN_OP_FOLDER_DEL:
    case PLAN_OP_RELEASE:
    case PLAN_OP_PEER_FORGET:
    case PLAN_OP_TAP_ADD:
    case PLAN_OP_WG_SET:
    case PLAN_OP_NFT_TABLES:
    case PLAN_OP_DNSMASQ:
    case PLAN_OP_RESERVE:
    case PLAN_OP_DISK_ADD:
    case PLAN_OP_SEED_ADD:
    case PLAN_OP_GUARD_ADD:
    case PLAN_OP_NAME_ADD:
    case PLAN_OP_VM_START:
    case PLAN_OP_SSH_WAIT:
    case PLAN_OP_COMMIT:
    case PLAN_OP_COUNT:
        break;
    }
    return NULL;
}

bool plan_touches_way_in(const struct plan *p, const struct plan_way_in *w, char *why, size_t cap)
{
    char text[160];

    why[0] = '\0';
    if (!addr_is_set(&w->peer))
        return false;
    for (size_t i = 0; i < p->n_ops; i++) {
        const char *words = touches(&p->ops[i], w);
        if (!words)
            continue;
        (void)snprintf(why, cap, "%s: %s", plan_op_text(&p->ops[i], text, sizeof text), words);
        return true;
    }
    return false;
}
