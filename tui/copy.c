/* Copying by OSC 52. Console thread. */
#include "tui/copy.h"

#include <stdio.h>
#include <string.h>

#include "tui/act.h"
#include "tui/state.h"
#include "tui/views/vm_parts.h"

void copy_text(struct console *c, const char *text, size_t len, const char *what)
{
    if (len == 0) {
        console_say_dim(c, "there is no %s to copy", what);
        return;
    }
    if (c->term && term_copy(c->term, text, len) < 0) {
        console_say_error(c, "%s: %zu bytes are more than a terminal takes (%d)", what, len,
                          TERM_COPY_MAX);
        return;
    }
    console_say(c, "copied %zu bytes: %s", len, what);
}

void copy_field(struct console *c, char letter)
{
    const struct view *v = &c->view[c->at];
    char buf[512], name[VIEW_NAME];
    const char *what = "field", *text = NULL;
    enum view_id view;
    const void *row = view_cursor_row(v);

    if (act_subject(c, &view, name, sizeof name) && view == VIEW_VMS) {
        row = vm_by_name(c, name);
        v = &c->view[VIEW_VMS];
    }
    if (v->ops->copy && (row || c->at == VIEW_MESH))
        text = v->ops->copy(v, row, letter, buf, sizeof buf, &what);
    else if (row && v->ops->row_name && (letter == 'y' || letter == 'n')) {
        v->ops->row_name(row, buf, sizeof buf);
        what = "name";
        text = buf;
    }
    if (!text)
        console_say_dim(c, "%c: no such field to copy here", letter);
    else
        copy_text(c, text, strlen(text), what);
}
