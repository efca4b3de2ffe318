/* Sorts a plan's operations into steps and says in a few words what each step is about. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/plan/build.h"

static const char *const stage_names[PLAN_STAGE_COUNT] = {
    [PLAN_STAGE_STOP] = "QEMU ends",
    [PLAN_STAGE_UNROUTE] = "routes away",
    [PLAN_STAGE_UNGUARD] = "firewall and DNS away",
    [PLAN_STAGE_UNTAP] = "tap away",
    [PLAN_STAGE_ERASE] = "disk and keys away",
    [PLAN_STAGE_RELEASE] = "name and addresses free",
    [PLAN_STAGE_DEVICE] = "WireGuard device",
    [PLAN_STAGE_BASE] = "addresses and forwarding",
    [PLAN_STAGE_TABLES] = "firewall tables",
    [PLAN_STAGE_DNS] = "DNS",
    [PLAN_STAGE_PEERS] = "peers",
    [PLAN_STAGE_MESH] = "routes into the mesh",
    [PLAN_STAGE_NAME] = "name and addresses",
    [PLAN_STAGE_DISK] = "disk",
    [PLAN_STAGE_SEED] = "seed and keys",
    [PLAN_STAGE_TAP] = "tap",
    [PLAN_STAGE_ROUTES] = "routes",
    [PLAN_STAGE_GUARD] = "firewall",
    [PLAN_STAGE_QEMU] = "QEMU",
    [PLAN_STAGE_SSH] = "SSH in the guest",
};

const char *plan_stage_name(enum plan_stage stage)
{
    return stage < PLAN_STAGE_COUNT ? stage_names[stage] : "?";
}

/* "1,204" */
static const char *grouped(size_t n, char buf[static 32])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%zu", n), out = 0;

    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf[out++] = ',';
        buf[out++] = digits[i];
    }
    buf[out] = '\0';
    return buf;
}

static size_t count_kind(const struct plan *p, const struct plan_step *s, enum plan_op_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_ops; i++)
        n += p->ops[s->first_op + i].kind == kind;
    return n;
}

/* How many VMs a step is about; the first of them, or NULL. `seen` has a place for each VM of the
 * plan and says for which step it was counted last. */
static size_t count_vms(const struct plan_whole *w, const struct plan_step *s, uint8_t *seen,
                        const struct plan_vm **ret)
{
    uint8_t stamp = (uint8_t)(s - w->pub.steps + 1);
    size_t n = 0;

    *ret = NULL;
    for (size_t i = 0; i < s->n_ops; i++) {
        const struct plan_vm *vm = w->pub.ops[s->first_op + i].vm;
        if (!vm || seen[vm - w->vms] == stamp)
            continue;
        seen[vm - w->vms] = stamp;
        if (!*ret)
            *ret = vm;
        n++;
    }
    return n;
}

/* "fd5e:ed68:d54d:1:0:2:0:17" is told by what comes after the fleet: "...:1:0:2:0:17" */
static const char *address_tail(const struct addr *a, char buf[static ADDR_TEXT])
{
    const char *p = addr_format(a, false, buf);

    for (int colons = 0; *p && colons < 3; p++)
        colons += *p == ':';
    return *p ? p : buf;
}

static void describe_vm(const struct plan_step *s, const struct plan_vm *vm, char *buf, size_t cap)
{
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT], alias[64];
    size_t len = 0;

    plan_alias_vm(vm->id, alias);
    switch (s->stage) {
    case PLAN_STAGE_NAME:
    case PLAN_STAGE_RELEASE:
        (void)str_add(buf, cap, &len, "%s  %s  ...:%s", vm->name, addr_format(&vm->ip4, false, ip4),
                      address_tail(&vm->ip6, ip6));
        return;
    case PLAN_STAGE_DISK:
        (void)snprintf(buf, cap, "%u GiB over %s", vm->disk_gib, vm->image);
        return;
    case PLAN_STAGE_SEED:
        (void)snprintf(buf, cap, "host key, addresses, resolver");
        return;
    case PLAN_STAGE_TAP:
    case PLAN_STAGE_UNTAP:
        (void)snprintf(buf, cap, "%s %s", vm->tap, alias);
        return;
    case PLAN_STAGE_GUARD:
    case PLAN_STAGE_UNGUARD:
        (void)snprintf(buf, cap, "%s in table inet meshdeck", vm->tap);
        return;
    case PLAN_STAGE_QEMU:
        (void)snprintf(buf, cap, "%s%s%s", vm->accel, vm->accel[0] && vm->machine[0] ? ", " : "",
                       vm->machine);
        return;
    case PLAN_STAGE_SSH:
        (void)snprintf(buf, cap, "boots");
        return;
    case PLAN_STAGE_STOP:
        if (vm->force || vm->goal == PLAN_GONE)
            (void)snprintf(buf, cap, "%s is killed", vm->name);
        else
            (void)snprintf(buf, cap, "%s is asked; killed after %u s", vm->name, vm->limit_s);
        return;
    case PLAN_STAGE_ERASE:
        (void)snprintf(buf, cap, "vms/%s", vm->name);
        return;
    case PLAN_STAGE_UNROUTE:
    case PLAN_STAGE_ROUTES:
    case PLAN_STAGE_DEVICE:
    case PLAN_STAGE_BASE:
    case PLAN_STAGE_TABLES:
    case PLAN_STAGE_DNS:
    case PLAN_STAGE_PEERS:
    case PLAN_STAGE_MESH:
    case PLAN_STAGE_COUNT:
        break;
    }
    (void)snprintf(buf, cap, "%s", vm->name);
}

static void describe_peers(const struct plan *p, const struct plan_step *s, char *buf, size_t cap)
{
    static const struct {
        enum plan_op_kind kind;
        const char *word;
    } words[] = {{PLAN_OP_PEER_ADD, "added"},
                 {PLAN_OP_PEER_SET, "changed"},
                 {PLAN_OP_PEER_FORGET, "removed"}};
    size_t len = 0;

    buf[0] = '\0';
    if (s->n_ops <= 2 && p->ops[s->first_op].peer) {
        (void)snprintf(buf, cap, "%s", p->ops[s->first_op].peer->name);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = count_kind(p, s, words[i].kind);
        if (n)
            (void)str_add(buf, cap, &len, "%s%zu %s", len ? ", " : "", n, words[i].word);
    }
}

static void describe_step(const struct plan_whole *w, struct plan_step *s, uint8_t *seen)
{
    const struct plan *p = &w->pub;
    const struct plan_vm *vm;
    size_t n_vms = count_vms(w, s, seen, &vm);
    char n[32];

    switch (s->stage) {
    case PLAN_STAGE_ROUTES:
    case PLAN_STAGE_MESH:
        (void)snprintf(s->detail, sizeof s->detail, "%s added, protocol %d", grouped(s->n_ops, n),
                       PLAN_PROTOCOL);
        return;
    case PLAN_STAGE_UNROUTE:
        (void)snprintf(s->detail, sizeof s->detail, "%s removed", grouped(s->n_ops, n));
        return;
    case PLAN_STAGE_PEERS:
        describe_peers(p, s, s->detail, sizeof s->detail);
        return;
    case PLAN_STAGE_TABLES:
        (void)snprintf(s->detail, sizeof s->detail, "made anew, %s guests in them",
                       grouped(p->ops[s->first_op].guards.n, n));
        return;
    case PLAN_STAGE_STOP:
    case PLAN_STAGE_UNGUARD:
    case PLAN_STAGE_UNTAP:
    case PLAN_STAGE_ERASE:
    case PLAN_STAGE_RELEASE:
    case PLAN_STAGE_DEVICE:
    case PLAN_STAGE_BASE:
    case PLAN_STAGE_DNS:
    case PLAN_STAGE_NAME:
    case PLAN_STAGE_DISK:
    case PLAN_STAGE_SEED:
    case PLAN_STAGE_TAP:
    case PLAN_STAGE_GUARD:
    case PLAN_STAGE_QEMU:
    case PLAN_STAGE_SSH:
    case PLAN_STAGE_COUNT:
        break;
    }
    if (n_vms == 1)
        describe_vm(s, vm, s->detail, sizeof s->detail);
    else if (n_vms > 1)
        (void)snprintf(s->detail, sizeof s->detail, "%s VMs", grouped(n_vms, n));
    else if (s->n_ops == 1)
        (void)plan_op_text(&p->ops[s->first_op], s->detail, sizeof s->detail);
    else
        (void)snprintf(s->detail, sizeof s->detail, "%s operations", grouped(s->n_ops, n));
}

/* By stage, then kind; else in the order in which they were planned. */
static bool sort_ops(struct plan *p)
{
    enum { KEYS = PLAN_STAGE_COUNT * PLAN_OP_COUNT };
    size_t at[KEYS + 1] = {0};
    struct plan_op *sorted = p->n_ops ? calloc(p->n_ops, sizeof *sorted) : NULL;

    if (p->n_ops && !sorted)
        return false;
    for (size_t i = 0; i < p->n_ops; i++)
        at[p->ops[i].stage * PLAN_OP_COUNT + p->ops[i].kind + 1]++;
    for (size_t i = 1; i <= KEYS; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < p->n_ops; i++)
        sorted[at[p->ops[i].stage * PLAN_OP_COUNT + p->ops[i].kind]++] = p->ops[i];
    free(p->ops);
    p->ops = sorted;
    return true;
}

void plan_describe(struct plan_whole *w)
{
    struct plan *p = &w->pub;

    if (!sort_ops(p) || p->n_ops == 0)
        return;
    uint8_t *seen = calloc(w->n_vms + 1, 1);
    p->steps = seen ? calloc(PLAN_STAGE_COUNT, sizeof *p->steps) : NULL;
    if (!p->steps) {
        free(seen);
        return;
    }
    for (size_t i = 0; i < p->n_ops; i++) {
        struct plan_step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
        if (!last || last->stage != p->ops[i].stage) {
            last = &p->steps[p->n_steps++];
            last->stage = p->ops[i].stage;
            last->name = stage_names[last->stage];
            last->first_op = i;
        }
        last->n_ops++;
    }
    for (size_t i = 0; i < p->n_steps; i++)
        describe_step(w, &p->steps[i], seen);
    free(seen);
}
