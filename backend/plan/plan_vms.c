/*
 * VMs: first what is to become of each, then the operations for it. Pure. A process that cannot be
 * understood is never killed and never started twice; a disk that is gone is never made anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/plan/build.h"

static bool is_unfinished(const struct plan_vm *vm)
{
    return vm->is_new || vm->provisional;
}

/* Whether its tap's name is another's, so that it cannot be started. */
static bool tap_is_taken(struct plan_build *b, const struct plan_vm_work *w)
{
    const struct plan_link *l =
        plan_knows(b, PLAN_KNOWS_LINKS) ? plan_link_named(b, w->vm->tap) : NULL;
    uint64_t id;

    if (!l || w->running)
        return false;
    if (!plan_alias_vm_parse(l->alias, &id)) {
        plan_add_note(b, PLAN_NOTE_TAP_TAKEN, w->vm->id,
                      "%s: its tap's name %s is taken by another's link", w->vm->name, w->vm->tap);
        return true;
    }
    if (id == w->vm->id)
        return false;
    const struct plan_entry *x = plan_index_find(&b->vm_ids, id, NULL);
    bool goes = x ? b->everything && b->d->vms_b[x->i].goal != PLAN_RUN
                  : b->everything && plan_knows(b, PLAN_KNOWS_VMS);
    if (goes && plan_state_of(b, id)->proc == PLAN_PROC_NONE)
        return false; /* a leftover that this plan removes first */
    plan_add_note(b, PLAN_NOTE_TAP_TAKEN, w->vm->id,
                  "%s: its tap's name %s is in use by the VM %" PRIx64, w->vm->name, w->vm->tap,
                  id);
    return true;
}

static enum plan_fate fate_of(struct plan_build *b, const struct plan_vm_work *w)
{
    const struct plan_vm *vm = w->vm;

    if (!w->in_scope)
        return FATE_LEAVE;
    if (!plan_knows(b, PLAN_KNOWS_VMS) && !vm->is_new)
        return FATE_LEAVE;
    if (w->state->proc == PLAN_PROC_UNKNOWN) {
        plan_add_note(b, PLAN_NOTE_VM_UNKNOWN, vm->id,
                      "%s: its process cannot be understood and is left alone", vm->name);
        return FATE_LEAVE;
    }
    if (vm->goal != PLAN_RUN)
        return FATE_DOWN;
    if (w->running && !vm->restart)
        return FATE_KEEP;
    if (!is_unfinished(vm) && !w->state->disk) {
        plan_add_note(b, PLAN_NOTE_VM_NO_DISK, vm->id,
                      "%s: its disk is gone, so it cannot be started", vm->name);
        return w->running ? FATE_KEEP : FATE_DOWN;
    }
    if (tap_is_taken(b, w))
        return FATE_DOWN;
    return FATE_START;
}

void plan_vms_decide(struct plan_build *b)
{
    for (size_t i = 0; i < b->d->n_vms; i++) {
        struct plan_vm_work *w = &b->vms[i];
        w->vm = &b->p->vms[i];
        w->state = plan_state_of(b, w->vm->id);
        w->running = w->state->proc == PLAN_PROC_ALIVE;
        w->in_scope = b->everything || plan_index_find(&b->scope_ids, w->vm->id, NULL);
        const struct plan_entry *x = plan_index_find(&b->vm_ids, w->vm->id, NULL);
        if (x && x->i != i)
            plan_fail(b, -EINVAL, "%s and %s have the same number", b->d->vms_b[x->i].name,
                      w->vm->name);
    }
    for (size_t i = 0; i < b->d->n_vms; i++)
        b->vms[i].fate = fate_of(b, &b->vms[i]);
    if (!plan_knows(b, PLAN_KNOWS_VMS) && b->everything)
        plan_add_note(b, PLAN_NOTE_UNREAD, 0, "which VMs run is not known yet: none is touched");
}

static void stop(struct plan_build *b, const struct plan_vm_work *w)
{
    bool kill = w->vm->force || w->vm->goal == PLAN_GONE;

    if (w->running)
        (void)plan_add(b, kill ? PLAN_OP_VM_KILL : PLAN_OP_VM_STOP, PLAN_STAGE_STOP, w->vm);
}

static void remove_tap(struct plan_build *b, const struct plan_vm *vm)
{
    const struct plan_link *l = plan_knows(b, PLAN_KNOWS_LINKS) ? plan_link_of_vm(b, vm->id) : NULL;

    if (l)
        plan_add(b, PLAN_OP_TAP_DEL, PLAN_STAGE_UNTAP, vm)->link = *l;
}

static void want_name(struct plan_build *b, const struct plan_vm_work *w)
{
    if (w->vm->is_new || (plan_knows(b, PLAN_KNOWS_NAMES) && !w->state->name))
        (void)plan_add(b, PLAN_OP_NAME_ADD, PLAN_STAGE_NAME, w->vm);
}

/* Row, disk and seed, as far as they are missing. */
static void make_files(struct plan_build *b, const struct plan_vm_work *w)
{
    if (w->vm->is_new)
        (void)plan_add(b, PLAN_OP_RESERVE, PLAN_STAGE_NAME, w->vm);
    want_name(b, w);
    if (is_unfinished(w->vm) && !w->state->disk)
        (void)plan_add(b, PLAN_OP_DISK_ADD, PLAN_STAGE_DISK, w->vm);
    if (!w->state->seed && (is_unfinished(w->vm) || w->fate == FATE_START))
        (void)plan_add(b, PLAN_OP_SEED_ADD, PLAN_STAGE_SEED, w->vm);
}

static void take_down(struct plan_build *b, const struct plan_vm_work *w)
{
    const struct plan_vm *vm = w->vm;

    stop(b, w);
    remove_tap(b, vm);
    if (vm->goal != PLAN_GONE) {
        make_files(b, w);
        if (is_unfinished(vm) && vm->goal == PLAN_STOP)
            (void)plan_add(b, PLAN_OP_COMMIT, PLAN_STAGE_SEED, vm);
        return;
    }
    if (!plan_knows(b, PLAN_KNOWS_NAMES) || w->state->name)
        (void)plan_add(b, PLAN_OP_NAME_DEL, PLAN_STAGE_UNGUARD, vm);
    if (w->state->folder || w->state->disk || w->state->seed)
        (void)plan_add(b, PLAN_OP_FOLDER_DEL, PLAN_STAGE_ERASE, vm);
    if (!vm->is_new)
        (void)plan_add(b, PLAN_OP_RELEASE, PLAN_STAGE_RELEASE, vm);
}

static void wait_and_commit(struct plan_build *b, const struct plan_vm_work *w, bool wait)
{
    if (wait)
        (void)plan_add(b, PLAN_OP_SSH_WAIT, PLAN_STAGE_SSH, w->vm);
    if (is_unfinished(w->vm))
        (void)plan_add(b, PLAN_OP_COMMIT, wait ? PLAN_STAGE_SSH : PLAN_STAGE_QEMU, w->vm);
}

static void tap_addresses(struct plan_build *b, const struct plan_vm *vm, uint32_t ifindex,
                          bool fresh)
{
    struct addr gw6 = addr_gateway_ip6(), gw4 = addr_gateway_ip4();

    gw6.prefix_len = 64;
    plan_want_addr(b, PLAN_STAGE_TAP, vm, vm->tap, ifindex, &gw6, fresh);
    plan_want_addr(b, PLAN_STAGE_TAP, vm, vm->tap, ifindex, &gw4, fresh);
}

static void start(struct plan_build *b, const struct plan_vm_work *w)
{
    stop(b, w); /* a restart */
    remove_tap(b, w->vm);
    make_files(b, w);
    (void)plan_add(b, PLAN_OP_TAP_ADD, PLAN_STAGE_TAP, w->vm);
    tap_addresses(b, w->vm, 0, true);
    (void)plan_add(b, PLAN_OP_VM_START, PLAN_STAGE_QEMU, w->vm);
    wait_and_commit(b, w, w->vm->wait_ssh);
}

/* Its tap as it is; NULL when there is none. Its name and marks are put right. */
static const struct plan_link *keep_tap(struct plan_build *b, struct plan_vm_work *w)
{
    const struct plan_vm *vm = w->vm;
    const struct plan_link *l = plan_link_of_vm(b, vm->id);
    char alias[64];

    plan_alias_vm(vm->id, alias);
    if (!l)
        l = plan_link_named(b, vm->tap);
    if (!l) {
        plan_add_note(b, PLAN_NOTE_VM_LOST_TAP, vm->id,
                      "%s runs but its tap %s is gone: only a restart brings its network back",
                      vm->name, vm->tap);
        return NULL;
    }
    uint64_t id;
    if (plan_alias_vm_parse(l->alias, &id) && id != vm->id) {
        plan_add_note(b, PLAN_NOTE_TAP_TAKEN, vm->id,
                      "%s runs but its tap %s is marked as another VM's", vm->name, vm->tap);
        return NULL;
    }
    if (strcmp(l->name, vm->tap) != 0) {
        struct plan_op *op = plan_add(b, PLAN_OP_LINK_RENAME, PLAN_STAGE_TAP, vm);
        op->rename.ifindex = l->ifindex;
        (void)str_copy(op->rename.from, sizeof op->rename.from, l->name);
        (void)str_copy(op->rename.to, sizeof op->rename.to, vm->tap);
        w->renamed = true;
    }
    if (w->renamed || !l->up || l->mtu != vm->mtu || strcmp(l->alias, alias) != 0) {
        struct plan_op *op = plan_add(b, PLAN_OP_LINK_SET, PLAN_STAGE_TAP, vm);
        op->link = (struct plan_link){.ifindex = l->ifindex, .mtu = vm->mtu, .up = true};
        (void)str_copy(op->link.name, sizeof op->link.name, vm->tap);
        (void)str_copy(op->link.alias, sizeof op->link.alias, alias);
    }
    w->renamed = w->renamed || !l->up; /* what was down has lost addresses and routes as well */
    return l;
}

static void want_network(struct plan_build *b, const struct plan_vm_work *w, bool lost)
{
    const struct plan_vm *vm = w->vm;
    const struct addr *dsts[2] = {&vm->ip6, &vm->ip4};
    bool leave = w->fate == FATE_LEAVE || lost, absent = w->fate == FATE_DOWN;
    bool fresh = w->fate == FATE_START || w->renamed;

    for (size_t i = 0; i < ARRAY_LEN(dsts); i++) {
        struct plan_route_want r = {.vm = vm,
                                    .stage = PLAN_STAGE_ROUTES,
                                    .leave = leave,
                                    .absent = absent,
                                    .fresh = fresh,
                                    .in_scope = w->in_scope};
        if (!addr_is_set(dsts[i]))
            continue;
        r.route.dst = *dsts[i];
        r.route.protocol = PLAN_PROTOCOL;
        r.route.table = PLAN_TABLE_MAIN;
        r.route.prefsrc = i == 0 ? addr_node_ip6(&b->d->node.fleet, (uint16_t)b->d->node.number)
                                 : plan_node_ip4(b);
        (void)str_copy(r.route.dev, sizeof r.route.dev, vm->tap);
        plan_want_route(b, &r);
    }
    struct plan_guard_want g = {.vm = vm,
                                .leave = leave,
                                .absent = absent,
                                .fresh = w->fate == FATE_START,
                                .in_scope = w->in_scope};
    (void)str_copy(g.guard.tap, sizeof g.guard.tap, vm->tap);
    memcpy(g.guard.mac, vm->mac, sizeof g.guard.mac);
    g.guard.ip4 = vm->ip4;
    g.guard.ip6 = vm->ip6;
    plan_want_guard(b, &g);
}

static bool keep(struct plan_build *b, struct plan_vm_work *w)
{
    bool lost = false;

    want_name(b, w);
    if (plan_knows(b, PLAN_KNOWS_LINKS)) {
        const struct plan_link *l = keep_tap(b, w);
        lost = !l;
        if (l)
            tap_addresses(b, w->vm, l->ifindex, w->renamed);
    } else {
        lost = true; /* not known is as good as lost: nothing is planned for it */
    }
    wait_and_commit(b, w, is_unfinished(w->vm) && w->vm->wait_ssh && !w->state->ready);
    return lost;
}

void plan_vms(struct plan_build *b)
{
    for (size_t i = 0; i < b->d->n_vms; i++) {
        struct plan_vm_work *w = &b->vms[i];
        bool lost = false;
        switch (w->fate) {
        case FATE_LEAVE:
            break;
        case FATE_KEEP:
            lost = keep(b, w);
            break;
        case FATE_START:
            start(b, w);
            break;
        case FATE_DOWN:
            take_down(b, w);
            break;
        }
        want_network(b, w, lost);
    }
}
