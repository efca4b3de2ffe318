/* The form that changes a VM's limits. Console thread. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tui/act.h"
#include "tui/forms/plan_form.h"
#include "tui/state.h"
#include "tui/views/vm_parts.h"
#include "widgets/xmem.h"

enum { CPUS, MEMORY, DISK, START, FIELDS };

static const struct vm_row *vm_of(void *ctx)
{
    const struct console *c = ctx;
    const struct plan_form *p = plan_form_current(c);

    return p ? vm_by_name(c, p->name) : NULL;
}

static bool check(void *ctx, const struct form *f, int field, const char *value, char *msg,
                  size_t cap)
{
    static const int64_t least[] = {[CPUS] = 1, [MEMORY] = 32, [DISK] = 1};
    const struct plan_form *p = plan_form_current(ctx);
    const struct vm_row *vm = vm_of(ctx);
    int64_t n = form_get_number(f, field);

    if (n < least[field]) {
        snprintf(msg, cap, "\"%s\": a number from %" PRId64 " up.", value, least[field]);
        return false;
    }
    if (p && plan_form_refused(p, field, value)[0]) {
        snprintf(msg, cap, "%s", plan_form_refused(p, field, value));
        return false;
    }
    if (!vm)
        return true;
    uint32_t now = field == CPUS ? vm->vcpus : field == MEMORY ? vm->memory_mib : vm->disk_gib;
    if (field == DISK && n < now) {
        snprintf(msg, cap, "It is %u GiB: a disk can only grow.", now);
        return false;
    }
    if (n == now)
        snprintf(msg, cap, "as it is");
    else
        snprintf(msg, cap, "now %u%s", now,
                 field != DISK && vm->state == VM_STATE_RUNNING ? "; may need a restart" : "");
    return true;
}

static const struct form_field fields[FIELDS] = {
    [CPUS] = {"CPUs", FORM_NUMBER, 6, NULL, "1", "CPUs: virtual processors", NULL, check, NULL},
    [MEMORY] = {"Memory", FORM_NUMBER, 6, "MiB", "256", "Memory: 512, 512m or 2g", NULL, check, NULL},
    [DISK] = {"Disk", FORM_NUMBER, 6, "GiB", "10", "Disk: it can only grow", NULL, check, NULL},
    [START] = {"Start", FORM_TICK, 0, NULL, "", "Start: Space changes it",
               "after a reboot of the host", NULL, NULL},
};

static const char *const args_of[FIELDS] = {
    [CPUS] = "cpus", [MEMORY] = "memory_mib", [DISK] = "disk_gib", [START] = "autostart"};

static json_t *build(struct plan_form *p)
{
    const struct form *f = p->form;

    return json_pack("{s:s, s:I, s:I, s:I, s:b}", "name", p->name, "cpus",
                     (json_int_t)form_get_number(f, CPUS), "memory_mib",
                     (json_int_t)form_get_number(f, MEMORY), "disk_gib",
                     (json_int_t)form_get_number(f, DISK), "autostart", form_get_tick(f, START));
}

static void ready(const struct plan_form *p, char *buf, size_t cap)
{
    snprintf(buf, cap, "%s   ready: Enter changes it", p->name);
}

static bool before(struct plan_form *p)
{
    const struct vm_row *vm = vm_by_name(p->page.c_b, p->name);

    if (vm)
        command_note_undo(p->page.c_b, "vm.set",
                          json_pack("{s:s, s:i, s:i, s:b}", "name", vm->name, "cpus", vm->vcpus,
                                    "memory_mib", vm->memory_mib, "autostart", vm->wanted),
                          vm->name);
    return false;
}

static const struct plan_form_kind kind = {
    .title = "Change limits",
    .verb = "vm.set",
    .fields = fields,
    .args = args_of,
    .n = FIELDS,
    .build = build,
    .ready = ready,
    .before = before,
};

void page_open_limits(struct console *c, const char *name)
{
    const struct vm_row *vm = vm_by_name(c, name);
    struct form *f = form_new(fields, FIELDS, c);
    struct plan_form *p = plan_form_open(c, &kind, f, NULL);
    char text[24];

    xmem_copy_text(p->name, sizeof p->name, name);
    if (vm) {
        snprintf(text, sizeof text, "%u", vm->vcpus);
        form_set(f, CPUS, text);
        snprintf(text, sizeof text, "%u", vm->memory_mib);
        form_set(f, MEMORY, text);
        snprintf(text, sizeof text, "%u", vm->disk_gib);
        form_set(f, DISK, text);
        form_set(f, START, vm->wanted ? "yes" : "");
        form_select(f);
    }
    plan_form_reread(p);
}
