#ifndef MESHDECK_TUI_TARGETS_H
#define MESHDECK_TUI_TARGETS_H
/*
 * The VMs that an action would act on, as of the key press: the marks if there are any (those that
 * the filter hides too), else the page's VM, else the row under the cursor.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/rows.h"

struct console;

struct targets {
    struct vm_row *vm; /* copies; release with targets_done */
    size_t n, hidden;  /* the last `hidden` of them are out of sight */
    bool marked;
};

void targets_take(const struct console *c, struct targets *ret);
void targets_done(struct targets *t);

#endif
