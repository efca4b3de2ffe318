/* Wording of the questions about VMs. Console thread. */
#include "tui/ask_vm.h"

#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/state.h"

enum { NAME_LINES = 4, LINE_COLS = 52 };

static const char *word_of(int action, bool force)
{
    switch (action) {
    case ACT_VM_BOOT:
        return "Boot";
    case ACT_VM_RESUME:
        return "Continue";
    case ACT_VM_STOP:
        return force ? "Kill" : "Stop";
    case ACT_VM_RESTART:
        return "Restart";
    case ACT_VM_PAUSE:
        return "Pause";
    default:
        return "Delete";
    }
}

static void add_names(struct ask *a, const char *label, const struct vm_row *vm, size_t n)
{
    char line[LINE_COLS + 40] = "";
    size_t lines = 0, at = 0;

    for (size_t i = 0; i < n; i++) {
        if (at + strlen(vm[i].name) + 1 > LINE_COLS) {
            if (++lines == NAME_LINES) {
                snprintf(line + at, sizeof line - at, " and %zu more", n - i);
                break;
            }
            ask_add(a, label, line);
            label = "";
            at = 0;
        }
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%s", at ? " " : "", vm[i].name);
    }
    if (line[0])
        ask_add(a, label, line);
}

static void add_delete(const struct console *c, struct ask *a, const struct vm_row *vm)
{
    char text[160], size[FMT_MAX], day[FMT_MAX], four[ADDR_TEXT], six[ADDR_TEXT];
    const char *label = "Lost for ever";

    snprintf(text, sizeof text, "its disk, %s written since %s", fmt_bytes(size, vm->disk_bytes),
             fmt_day(day, &c->clock, vm->created_ms));
    ask_add(a, label, text);
    if (vm->ports[0]) {
        size_t n = 1;
        for (const char *p = vm->ports; *p; p++)
            n += *p == ' ';
        int at = snprintf(text, sizeof text, "its forwarded port%s", n == 1 ? "" : "s");
        for (const char *p = vm->ports; *p && at < (int)sizeof text - 8; p += strspn(p, " ")) {
            at += snprintf(text + at, sizeof text - (size_t)at, " %.*s", (int)strcspn(p, ": "), p);
            p += strcspn(p, " ");
        }
        ask_add(a, "", text);
    }
    snprintf(text, sizeof text, "%s%s%s", addr_is_set(&vm->ip4) ? addr_format(&vm->ip4, false, four) : "",
             addr_is_set(&vm->ip4) ? "  " : "",
             addr_is_set(&vm->ip6) ? addr_format(&vm->ip6, false, six) : "");
    ask_add(a, "Set free", text);
    snprintf(text, sizeof text, "image %s, the journal", vm->image);
    ask_add(a, "Kept", text);
}

static void add_one(const struct console *c, struct ask *a, int action, bool force,
                    const struct vm_row *vm)
{
    char text[160], since[FMT_MAX], addr[ADDR_TEXT];

    if (action == ACT_VM_DELETE) {
        add_delete(c, a, vm);
        return;
    }
    snprintf(text, sizeof text, "%s since %s", vm_state_names[vm->state], fmt_hm(since, &c->clock, vm->since_ms));
    ask_add(a, "Now", text);
    if (action == ACT_VM_STOP || action == ACT_VM_RESTART) {
        ask_add(a, "Lost", force ? "what the guest has not written to its disk: it ends at once"
                                 : "open connections; killed if it has not ended at the limit");
        snprintf(text, sizeof text, "disk, ports, %s",
                 addr_format(addr_is_set(&vm->ip4) ? &vm->ip4 : &vm->ip6, false, addr));
        ask_add(a, "Kept", text);
    } else if (action == ACT_VM_PAUSE) {
        ask_add(a, "Lost", "connections that do not wait; its clock stands still");
        ask_add(a, "Kept", "memory and disk, as they are");
    }
}

void ask_vm(struct console *c, int action, const struct targets *t, bool force, bool typed,
            ask_fn *yes, void *payload)
{
    const char *word = word_of(action, force);
    char question[160], type[48];
    struct ask *a;

    if (t->n == 1) {
        snprintf(question, sizeof question, "%s the VM %s on %s?", word, t->vm[0].name, t->vm[0].node);
        snprintf(type, sizeof type, "%s", t->vm[0].name);
    } else {
        snprintf(question, sizeof question, "%s %zu VMs?", word, t->n);
        snprintf(type, sizeof type, "%zu", t->n);
    }
    a = ask_open(c, question, word, typed ? type : NULL, yes, payload);
    if (t->n == 1) {
        add_one(c, a, action, force, &t->vm[0]);
        return;
    }
    add_names(a, word, t->vm, t->n - t->hidden);
    if (t->hidden)
        add_names(a, "Not in sight", t->vm + (t->n - t->hidden), t->hidden);
    if (action == ACT_VM_DELETE)
        ask_add(a, "Lost for ever", "their disks, ports and addresses");
}
