/* Questions and what becomes of their answers. Console thread. */
#include "tui/ask.h"

#include <stdlib.h>

#include "tui/state.h"
#include "widgets/xmem.h"

struct ask {
    struct dialog *dialog;
    ask_fn *yes;
    void *payload;
    bool second_q;
    uint64_t about; /* the row under the cursor then: it stays in sight */
};

struct ask *ask_open(struct console *c, const char *question, const char *button, const char *type,
                     ask_fn *yes, void *payload)
{
    struct ask *a = xmem_new(1, sizeof *a);

    ask_free(c->ask);
    a->dialog = dialog_new(question, button, type);
    a->yes = yes;
    a->payload = payload;
    if (!c->page && c->view[c->at].list)
        list_get_cursor(c->view[c->at].list, &a->about);
    c->ask = a;
    return a;
}

void ask_free(struct ask *a)
{
    if (!a)
        return;
    dialog_free(a->dialog);
    free(a->payload);
    free(a);
}

void ask_add(struct ask *a, const char *label, const char *text)
{
    dialog_add(a->dialog, label, text);
}

void ask_set_second_q(struct ask *a)
{
    a->second_q = true;
}

const char *ask_hint(const struct ask *a)
{
    return a->second_q ? "y or a second q leave   n Esc Enter stay" : dialog_get_hint(a->dialog);
}

static void answer(struct console *c, bool yes)
{
    struct ask *a = c->ask;

    c->ask = NULL; /* what yes does may ask again */
    if (yes)
        a->yes(c, a->payload);
    ask_free(a);
}

bool ask_key(struct console *c, const struct key *k)
{
    switch (dialog_key(c->ask->dialog, k)) {
    case DIALOG_YES:
        answer(c, true);
        break;
    case DIALOG_NO:
        answer(c, false);
        break;
    case DIALOG_SECOND_Q:
        if (c->ask->second_q)
            answer(c, true);
        break;
    case DIALOG_MISMATCH: /* the last row says that nothing happens until it matches */
    case DIALOG_OPEN:
        break;
    }
    return true;
}

void ask_draw(const struct console *c, struct canvas all)
{
    const struct view *v = &c->view[c->at];
    size_t first, last, at;
    int row = -1;

    if (!c->page && v->list) {
        list_get_window(v->list, &first, &last);
        at = list_cursor_position(v->list);
        if (at >= first && at <= last)
            row = 4 - ASK_TOP + (int)(at - first);
    }
    dialog_draw(c->ask->dialog, all, row);
}
