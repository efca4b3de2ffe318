/*
 * A plan as the commands that it amounts to, so that an operator can check it or learn from it.
 * Pure. Nothing here is ever run. Names were checked before they came into a plan, so none needs
 * quoting.
 */
#include "backend/plan/plan_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"

enum { LINE = 2048 };

struct out {
    plan_line_fn *fn;
    void *arg;
    const struct plan_text_env *env;
    char line[LINE];
};

static void say(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct out *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(o->line, sizeof o->line, fmt, ap);
    va_end(ap);
    o->fn(o->line, o->arg);
}

static const char *key_text(const uint8_t key[static 32], char buf[static 48])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t out = 0;

    for (size_t i = 0; i < 33; i += 3) {
        uint32_t v =
            (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 | (i + 2 < 32 ? key[i + 2] : 0u);
        for (unsigned k = 0; k < 4; k++)
            buf[out++] = digits[v >> (18 - 6 * k) & 63];
    }
    buf[43] = '=';
    buf[44] = '\0';
    return buf;
}

static const char *family_flag(const struct addr *a)
{
    return a->family == AF_INET6 ? " -6" : "";
}

static void say_route(struct out *o, const struct plan_route *r, const char *verb)
{
    char dst[ADDR_TEXT], src[ADDR_TEXT];

    addr_format(&r->dst, true, dst);
    if (r->blackhole)
        say(o, "ip%s route %s blackhole %s proto %d", family_flag(&r->dst), verb, dst,
            PLAN_PROTOCOL);
    else if (addr_is_set(&r->prefsrc))
        say(o, "ip%s route %s %s dev %s proto %d src %s", family_flag(&r->dst), verb, dst, r->dev,
            PLAN_PROTOCOL, addr_format(&r->prefsrc, false, src));
    else
        say(o, "ip%s route %s %s dev %s proto %d", family_flag(&r->dst), verb, dst, r->dev,
            PLAN_PROTOCOL);
}

static void say_guard(struct out *o, const struct plan_guard *g, const char *verb)
{
    const struct addr *addrs[] = {&g->ip4, &g->ip6};
    char a[ADDR_TEXT], mac[ADDR_MAC_TEXT];

    if (o->env->guard_command &&
        o->env->guard_command(g, strcmp(verb, "add") == 0, o->fn, o->arg, o->env->arg) == 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(addrs); i++)
        if (addr_is_set(addrs[i]))
            say(o, "nft %s element inet meshdeck guests%d '{ \"%s\" . %s . %s }'", verb, i ? 6 : 4,
                g->tap, addr_mac_format(g->mac, mac), addr_format(addrs[i], false, a));
}

static void say_peer(struct out *o, const struct plan_peer *p, const char *dev)
{
    char key[48], ep[ADDR_ENDPOINT_TEXT], a[ADDR_TEXT], prefixes[1200];
    size_t len = 0;

    prefixes[0] = '\0';
    for (uint32_t i = 0; i < p->n_prefixes && i < PLAN_PREFIXES_MAX; i++)
        (void)str_add(prefixes, sizeof prefixes, &len, "%s%s", i ? "," : "",
                      addr_format(&p->prefixes[i], true, a));
    addr_endpoint_format(&p->endpoint, ep);
    say(o, "wg set %s peer %s%s%s persistent-keepalive %u allowed-ips \"%s\"", dev,
        key_text(p->public_key, key), p->endpoint.port ? " endpoint " : "",
        p->endpoint.port ? ep : "", p->keepalive_s, prefixes);
}

static void say_tap(struct out *o, const struct plan_vm *vm)
{
    char alias[64], owner[16];

    plan_alias_vm(vm->id, alias);
    (void)snprintf(owner, sizeof owner, "%u", vm->uid);
    say(o, "ip tuntap add %s mode tap user %s", vm->tap, o->env->vm_user ? o->env->vm_user : owner);
    say(o, "ip link set %s alias %s mtu %u up", vm->tap, alias, vm->mtu);
}

static void say_start(struct out *o, const struct plan_vm *vm)
{
    if (o->env->vm_command && o->env->vm_command(vm, o->line, sizeof o->line, o->env->arg) == 0) {
        o->fn(o->line, o->arg);
        return;
    }
    say(o, "%s -M %s -accel %s -smp %u -m %u -name %s ... vms/%s",
        o->env->qemu ? o->env->qemu : "qemu-system-x86_64",
        vm->machine[0] ? vm->machine : "microvm", strcmp(vm->accel, "KVM") == 0 ? "kvm" : "tcg",
        vm->vcpus, vm->memory_mib, vm->name, vm->name);
}

static void say_vm(struct out *o, const struct plan_op *op)
{
    const struct plan_vm *vm = op->vm;
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT];

    addr_format(&vm->ip4, false, ip4);
    addr_format(&vm->ip6, false, ip6);
    if (op->kind == PLAN_OP_RESERVE)
        say(o, "reserve %s %s %s", vm->name, ip6, ip4);
    else if (op->kind == PLAN_OP_RELEASE)
        say(o, "release %s %s %s", vm->name, ip6, ip4);
    else if (op->kind == PLAN_OP_DISK_ADD)
        say(o, "qemu-img create -f qcow2 -b images/%s.qcow2 -F qcow2 vms/%s/disk %uG", vm->image,
            vm->name, vm->disk_gib);
    else if (op->kind == PLAN_OP_SEED_ADD)
        say(o, "seed vms/%s/seed: hostname, host key, keys, addresses, resolver", vm->name);
    else if (op->kind == PLAN_OP_FOLDER_DEL)
        say(o, "rm -r vms/%s", vm->name);
    else if (op->kind == PLAN_OP_NAME_ADD)
        say(o, "dns add %s.internal %s %s", vm->name, ip6, ip4);
    else if (op->kind == PLAN_OP_NAME_DEL)
        say(o, "dns remove %s.internal", vm->name);
    else if (op->kind == PLAN_OP_VM_STOP)
        say(o, "qmp %s system_powerdown; after %u s kill -9", vm->name, vm->limit_s);
    else if (op->kind == PLAN_OP_VM_KILL)
        say(o, "kill -9 qemu of %s", vm->name);
    else if (op->kind == PLAN_OP_SSH_WAIT)
        say(o, "wait until ssh root@%s answers", ip6);
    else if (op->kind == PLAN_OP_COMMIT)
        say(o, "commit %s", vm->name);
}

static void say_link(struct out *o, const struct plan_op *op)
{
    const struct plan_link *l = &op->link;

    if (op->kind == PLAN_OP_TAP_DEL)
        say(o, "ip link delete %s", l->name);
    else if (op->kind == PLAN_OP_WG_UP)
        say(o, "ip link add %s type wireguard || wireguard-go %s", l->name, l->name);
    else
        say(o, "ip link set %s alias %s mtu %u %s", l->name, l->alias, l->mtu,
            l->up ? "up" : "down");
}

static void say_addr(struct out *o, const struct plan_addr *a, const char *verb)
{
    char text[ADDR_TEXT];
    bool add = strcmp(verb, "add") == 0 && a->addr.family == AF_INET6;

    say(o, "ip%s addr %s %s dev %s%s", family_flag(&a->addr), verb,
        addr_format(&a->addr, true, text), a->dev, add ? " nodad" : "");
}

static const char *device_of(const struct plan_text_env *env)
{
    return env->wg_device ? env->wg_device : "mesh0";
}

static void say_op(struct out *o, const struct plan_op *op)
{
    char key[48], ip6[ADDR_TEXT], ip4[ADDR_TEXT];
    const char *dev = device_of(o->env);

    switch (op->kind) {
    case PLAN_OP_ROUTE_ADD:
        say_route(o, &op->route, "add");
        break;
    case PLAN_OP_ROUTE_DEL:
        say_route(o, &op->route, "del");
        break;
    case PLAN_OP_GUARD_ADD:
        say_guard(o, &op->guard, "add");
        break;
    case PLAN_OP_GUARD_DEL:
        say_guard(o, &op->guard, "delete");
        break;
    case PLAN_OP_TAP_DEL:
    case PLAN_OP_WG_UP:
    case PLAN_OP_LINK_SET:
        say_link(o, op);
        break;
    case PLAN_OP_LINK_RENAME:
        say(o, "ip link set %s down", op->rename.from);
        say(o, "ip link set %s name %s", op->rename.from, op->rename.to);
        say(o, "ip link set %s up", op->rename.to);
        break;
    case PLAN_OP_WG_SET:
        if (op->wg.set_key)
            say(o, "wg set %s private-key secrets/wireguard.key", dev);
        if (op->wg.set_port)
            say(o, "wg set %s listen-port %u", dev, op->wg.port);
        break;
    case PLAN_OP_ADDR_ADD:
        say_addr(o, &op->addr, "add");
        break;
    case PLAN_OP_ADDR_DEL:
        say_addr(o, &op->addr, "del");
        break;
    case PLAN_OP_SYSCTL:
        say(o, "sysctl -w %s=%s", op->sysctl.want.key, op->sysctl.want.value);
        break;
    case PLAN_OP_NFT_TABLES:
        say(o, "nft -f meshdeck.nft, with %zu guests", op->guards.n);
        break;
    case PLAN_OP_DNSMASQ:
        say(o, "dnsmasq --listen-address=%s --listen-address=%s",
            addr_format(&op->dns.ip6, false, ip6), addr_format(&op->dns.ip4, false, ip4));
        break;
    case PLAN_OP_PEER_ADD:
    case PLAN_OP_PEER_SET:
        say_peer(o, op->peer, dev);
        break;
    case PLAN_OP_PEER_DEL:
        say(o, "wg set %s peer %s remove", dev, key_text(op->peer->public_key, key));
        break;
    case PLAN_OP_PEER_FORGET:
        say(o, "release the peer %s", op->peer->name);
        break;
    case PLAN_OP_TAP_ADD:
        say_tap(o, op->vm);
        break;
    case PLAN_OP_VM_START:
        say_start(o, op->vm);
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
    case PLAN_OP_SSH_WAIT:
    case PLAN_OP_COMMIT:
    case PLAN_OP_COUNT:
        if (op->vm)
            say_vm(o, op);
        break;
    }
}

void plan_op_commands(const struct plan_op *op, const struct plan_text_env *env, plan_line_fn *fn,
                      void *arg)
{
    static const struct plan_text_env plain = {0};
    struct out o = {.fn = fn, .arg = arg, .env = env ? env : &plain};

    say_op(&o, op);
}

void plan_step_commands(const struct plan *p, size_t step, const struct plan_text_env *env,
                        size_t max, plan_line_fn *fn, void *arg)
{
    const struct plan_step *s = &p->steps[step];
    char more[64];

    for (size_t i = 0; i < s->n_ops && i < max; i++)
        plan_op_commands(&p->ops[s->first_op + i], env, fn, arg);
    if (s->n_ops > max) {
        (void)snprintf(more, sizeof more, "... and %zu more", s->n_ops - max);
        fn(more, arg);
    }
}
