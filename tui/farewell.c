/* The last lines, on the plain terminal. Console thread, after the terminal has been put back. */
#include "tui/farewell.h"

#include <stdio.h>

#include "tui/state.h"

void farewell_format(const struct console *c, char *buf, size_t cap)
{
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    size_t running = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        running += !vm->remote && (vm->state == VM_STATE_RUNNING || vm->state == VM_STATE_STARTING ||
                                   vm->state == VM_STATE_PAUSED);
    }
    if (c->snap->meta.demo)
        snprintf(buf, cap, "The demo fleet is gone; nothing of this host was touched.\n");
    else if (engine_end(c->en_b) == ENGINE_ATTACHED)
        snprintf(buf, cap, "%zu VM%s keep%s running; the engine of process %u goes on.\n", running,
                 running == 1 ? "" : "s", running == 1 ? "s" : "", c->snap->meta.owner_pid);
    else if (running && !c->snap->meta.headless_enabled)
        snprintf(buf, cap, "%zu VM%s keep%s running. Nothing heals or restarts them until an engine runs: "
                           "meshdeck engine, or systemctl start meshdeck.\n", running,
                 running == 1 ? "" : "s", running == 1 ? "s" : "");
    else if (running)
        snprintf(buf, cap, "%zu VM%s keep%s running.\n", running, running == 1 ? "" : "s",
                 running == 1 ? "s" : "");
}

void farewell(const struct console *c)
{
    char text[256];

    farewell_format(c, text, sizeof text);
    fputs(text, stdout);
    fflush(stdout);
}
