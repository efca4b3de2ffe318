/* What can be done with VMs: checks, questions, commands. Console thread. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/ask_vm.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/targets.h"
#include "widgets/xmem.h"

static bool is_in(const struct vm_row *vm, unsigned mask)
{
    return mask & 1u << vm->state;
}

#define IN(s) (1u << VM_STATE_##s)

static unsigned states_for(int action)
{
    switch (action) {
    case ACT_VM_BOOT:
        return IN(STOPPED) | IN(FAILED);
    case ACT_VM_RESUME:
        return IN(PAUSED);
    case ACT_VM_STOP:
        return IN(RUNNING) | IN(PAUSED) | IN(STARTING) | IN(STOPPING) | IN(UNKNOWN);
    case ACT_VM_RESTART:
    case ACT_VM_PAUSE:
        return IN(RUNNING);
    case ACT_VM_SHELL:
        return IN(RUNNING) | IN(STARTING);
    case ACT_VM_SERIAL:
        return IN(RUNNING) | IN(STARTING) | IN(PAUSED) | IN(STOPPING);
    default:
        return ~0u;
    }
}

static void say_why(const struct console *c, const struct vm_row *vm, int action, char *why,
                    size_t cap)
{
    char key[24];
    const char *state = vm_state_names[vm->state < VM_STATE_COUNT ? vm->state : VM_STATE_UNKNOWN];

    if (vm->state == VM_STATE_PAUSED && action != ACT_VM_RESUME)
        snprintf(why, cap, "%s is paused: %s continues it", vm->name, act_key(c, ACT_VM_RESUME, key, sizeof key));
    else if (vm->state == VM_STATE_STOPPED || vm->state == VM_STATE_FAILED)
        snprintf(why, cap, "%s is %s: %s boots it", vm->name, state, act_key(c, ACT_VM_BOOT, key, sizeof key));
    else if (action == ACT_VM_RESUME)
        snprintf(why, cap, "%s is not paused", vm->name);
    else if (vm->state == VM_STATE_UNKNOWN)
        snprintf(why, cap, "%s is unknown%s%s: %s tells why", vm->name, vm->reason[0] ? ", " : "",
                 vm->reason, act_key(c, ACT_WHY, key, sizeof key));
    else
        snprintf(why, cap, "%s is %s", vm->name, state);
}

bool can_vm(const struct console *c, int action, char *why, size_t cap)
{
    struct targets t;
    unsigned mask = states_for(action);
    bool any = false;

    targets_take(c, &t);
    if (t.n == 0)
        snprintf(why, cap, "no VM is chosen");
    for (size_t i = 0; i < t.n && !any; i++)
        any = is_in(&t.vm[i], mask);
    if (t.n > 0 && !any)
        say_why(c, &t.vm[0], action, why, cap);
    targets_done(&t);
    return any;
}

/* Keeps those that the action can act on. */
static size_t keep_possible(struct targets *t, int action)
{
    unsigned mask = states_for(action);
    size_t n = 0, shown = t->n - t->hidden, hidden = 0;

    for (size_t i = 0; i < t->n; i++)
        if (is_in(&t->vm[i], mask)) {
            hidden += i >= shown;
            t->vm[n++] = t->vm[i];
        }
    size_t left = t->n - n;
    t->n = n;
    t->hidden = hidden;
    return left;
}

struct doing {
    int action;
    bool force;
    size_t n;
    char name[][32];
};

static const char *verb_of(int action)
{
    switch (action) {
    case ACT_VM_BOOT:
        return "vm.start";
    case ACT_VM_RESUME:
        return "vm.resume";
    case ACT_VM_STOP:
        return "vm.stop";
    case ACT_VM_RESTART:
        return "vm.restart";
    case ACT_VM_PAUSE:
        return "vm.pause";
    default:
        return "vm.delete";
    }
}

/* '~' in the gutter from the key until the engine has answered. */
static void set_pending(struct console *c, const struct doing *d)
{
    struct vm_row key = {0};

    c->n_pending = 0;
    for (size_t i = 0; i < d->n && c->n_pending < PENDING_ROWS; i++) {
        xmem_copy_text(key.name, sizeof key.name, d->name[i]);
        const struct vm_row *vm = view_find(c->snap->tables[TABLE_VMS], &key);
        if (!vm)
            continue;
        c->pending[c->n_pending++] = vm->id;
        list_set_pending(c->view[VIEW_VMS].list, vm->id, true);
    }
}

static void answered(struct console *c, void *owner, struct reply *r)
{
    (void)owner;
    (void)r;
    while (c->n_pending > 0)
        list_set_pending(c->view[VIEW_VMS].list, c->pending[--c->n_pending], false);
}

static void carry_out(struct console *c, void *payload)
{
    const struct doing *d = payload;
    json_t *names = json_array(), *args;

    for (size_t i = 0; i < d->n; i++)
        json_array_append_new(names, json_string(d->name[i]));
    args = json_pack("{s:o}", "names", names);
    if (d->force)
        json_object_set_new(args, "force", json_true());
    if (request_change(c, verb_of(d->action), args, answered, NULL))
        set_pending(c, d);
}

void act_vm_do(struct console *c, int action)
{
    struct targets t;
    struct doing *d;
    size_t left;
    enum keymap_class class = action_class(c, action);

    targets_take(c, &t);
    left = keep_possible(&t, action);
    d = xmem_new(1, sizeof *d + t.n * sizeof d->name[0]);
    d->action = action;
    d->n = t.n;
    d->force = action == ACT_VM_STOP && t.n > 0;
    for (size_t i = 0; i < t.n; i++) {
        xmem_copy_text(d->name[i], sizeof d->name[i], t.vm[i].name);
        d->force = d->force && t.vm[i].state == VM_STATE_STOPPING;
    }
    if (left)
        console_say(c, "%zu of the marked VMs cannot: they are left out", left);
    if (t.n > 1 && class == KEYMAP_ASK)
        class = KEYMAP_NAME;
    if (class == KEYMAP_FREE) {
        carry_out(c, d);
        free(d);
    } else {
        ask_vm(c, action, &t, d->force, class == KEYMAP_NAME, carry_out, d);
    }
    targets_done(&t);
}

void act_vm_create(struct console *c, int action)
{
    (void)action;
    page_open_create(c);
}

void act_vm_limits(struct console *c, int action)
{
    struct targets t;

    (void)action;
    targets_take(c, &t);
    if (t.n == 1)
        page_open_limits(c, t.vm[0].name);
    else
        console_say(c, "limits are changed one VM at a time: unmark, then choose one");
    targets_done(&t);
}

void act_vm_shell(struct console *c, int action)
{
    struct targets t;

    targets_take(c, &t);
    if (t.n == 1)
        shell_open(c, t.vm[0].name, action == ACT_VM_SERIAL);
    else
        console_say(c, "one session at a time: unmark, then choose a VM");
    targets_done(&t);
}

void act_vm_log(struct console *c, int action)
{
    struct targets t;

    (void)action;
    targets_take(c, &t);
    if (t.n >= 1)
        page_open_log(c, t.vm[0].name);
    targets_done(&t);
}
