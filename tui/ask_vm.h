#ifndef MESHDECK_TUI_ASK_VM_H
#define MESHDECK_TUI_ASK_VM_H
/* The questions about VMs: what is lost, set free and kept. Console thread. */
#include <stdbool.h>

#include "tui/ask.h"
#include "tui/targets.h"

/* Takes payload. typed: the name, or how many, must be typed. */
void ask_vm(struct console *c, int action, const struct targets *t, bool force, bool typed,
            ask_fn *yes, void *payload);

#endif
