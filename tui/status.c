/* Status row and keys row. Console thread. */
#include "tui/status.h"

#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/frame.h"
#include "tui/lines.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/cells.h"
#include "widgets/dialog.h"
#include "widgets/lineedit.h"

bool status_is_pressing(struct console *c)
{
    char text[TOAST_MAX + 8];

    return c->prompt_kind != PROMPT_NONE || toast_format(&c->toast, c->now_ms, text, sizeof text);
}

static void draw_prompt(struct console *c, struct canvas row)
{
    int at = 1 + canvas_put(row, 0, 1, ROLE_KEY, c->prompt_kind == PROMPT_SEARCH ? "search " : "filter ");
    lineedit_draw(c->prompt, row, 0, at, row.cols - at - 1, ROLE_BASE, NULL, true);
}

static void put_line(struct canvas row, enum role role, const char *text)
{
    canvas_put_in(row, 0, 1, row.cols - 2, role, CELLS_LEFT, text);
}

/* What does not fit one row takes those above it: an error is read whole or not at all. */
static void put_toast(struct canvas above, enum role role, const char *text)
{
    struct canvas probe = canvas_part(above, 0, 1, above.rows, above.cols - 2);
    int rows = lines_count_wrapped(probe.cols, text);

    if (rows > above.rows)
        rows = above.rows;
    for (int i = above.rows - rows; i < above.rows; i++)
        canvas_fill(above, i, 0, above.cols, ROLE_BASE);
    lines_put_wrapped(probe, above.rows - rows, role, text);
}

void status_draw(struct console *c, struct canvas above)
{
    struct canvas row = canvas_part(above, above.rows - 1, 0, 1, above.cols);
    const struct ticket_row *t;
    char text[512] = "";
    enum role role = ROLE_BASE;
    size_t more;

    if (c->prompt_kind != PROMPT_NONE) {
        draw_prompt(c, row);
        return;
    }
    if (c->ask)
        return;
    if (toast_format(&c->toast, c->now_ms, text, sizeof text)) {
        put_toast(above, c->toast.role, text);
        return;
    }
    if (c->page && c->page->ops->status) {
        if (c->page->ops->status(c->page, text, sizeof text, &role))
            put_line(row, role, text);
        return;
    }
    t = tickets_running_own(c, &more);
    if (t) {
        tickets_draw_line(c, row, t, more);
        return;
    }
    if (!c->page && view_status(&c->view[c->at], text, sizeof text))
        put_line(row, ROLE_DIM, text);
}

struct shown_hint {
    int action;
    char key[24];
    const char *label;
    int cols;
};

static const char *next_variant_name(const struct view *v)
{
    unsigned next = v->variant + 1;

    if (next >= VIEW_VARIANTS || !v->ops->variants[next])
        next = 0;
    return v->ops->variants[next] ? v->ops->variants[next] : "view";
}

static bool make_hint(const struct console *c, const struct hint *h, struct shown_hint *out)
{
    int contexts[8];
    size_t n = console_contexts(c, contexts);

    if (!action_is_possible(c, h->action, NULL, 0))
        return false;
    if (!keymap_format_first(c->keys, contexts, n, h->action, out->key, sizeof out->key))
        return false;
    out->action = h->action;
    out->label = h->label ? h->label : actions[h->action].label;
    if (out->label[0] == '\0' && h->action == ACT_VARIANT)
        out->label = next_variant_name(&c->view[c->at]);
    out->cols = cells_width(out->key) + 1 + cells_width(out->label);
    return true;
}

/* Which hints fit, help always among them. Returns how many, in order. */
static size_t choose_hints(const struct console *c, const struct hint *hints, int room,
                           struct shown_hint *out)
{
    size_t n = 0;
    int help = 0, used = 0;
    struct shown_hint one;

    for (const struct hint *h = hints; h->action; h++)
        if (h->action == ACT_HELP && make_hint(c, h, &one))
            help = one.cols + 2;
    for (const struct hint *h = hints; h->action && n < VIEW_HINTS; h++) {
        if (!make_hint(c, h, &one))
            continue;
        bool is_help = h->action == ACT_HELP;
        if (!is_help && used + one.cols + help > room)
            continue;
        out[n++] = one;
        used += one.cols + 2;
        help = is_help ? 0 : help;
    }
    return n;
}

void frame_draw_hints(const struct console *c, struct canvas row, const struct hint *hints,
                      const char *lead)
{
    struct shown_hint shown[VIEW_HINTS];
    int at = 1 + canvas_put(row, 0, 1, ROLE_STRONG, lead);
    size_t n = choose_hints(c, hints, row.cols - 1 - at, shown);

    for (size_t i = 0; i < n; i++) {
        at += canvas_put(row, 0, at, ROLE_KEY, shown[i].key) + 1;
        at += canvas_put(row, 0, at, ROLE_BASE, shown[i].label) + 2;
    }
}

int frame_hint_at(const struct console *c, int col)
{
    struct shown_hint shown[VIEW_HINTS];
    const struct hint *hints = c->page ? c->page->ops->hints : c->view[c->at].ops->hints;
    int at = 1;

    if (overlay_is_open(c) || !hints)
        return ACT_NONE;
    size_t n = choose_hints(c, hints, c->cols - 2, shown);
    for (size_t i = 0; i < n; i++) {
        if (col >= at && col < at + shown[i].cols)
            return shown[i].action;
        at += shown[i].cols + 2;
    }
    return ACT_NONE;
}

/* With marks the line begins "2 marked:", since actions then go to the marks. */
static bool draw_marked(struct console *c, struct canvas row)
{
    static const struct hint act[] = {
        {ACT_VM_BOOT, NULL}, {ACT_VM_STOP, NULL}, {ACT_VM_DELETE, NULL}, {ACT_MENU, "more"},
        {ACT_UNMARK, NULL}, {0, NULL}};
    static const struct hint rest[] = {{ACT_OPEN, NULL}, {ACT_HELP, NULL}, {0, NULL}};
    struct view *v = &c->view[c->at];
    struct shown_hint one;
    char lead[32];

    if (c->page || !v->list || !v->ops->has_marks || list_marked(v->list, NULL) == 0)
        return false;
    snprintf(lead, sizeof lead, "%zu marked: ", list_marked(v->list, NULL));
    struct hint first[8];
    size_t n = 0;
    for (const struct hint *h = act; h->action; h++)
        if (c->at == VIEW_VMS || h->action == ACT_MENU || h->action == ACT_UNMARK)
            first[n++] = *h;
    first[n] = (struct hint){0, NULL};
    int tail = 1;
    for (const struct hint *h = rest; h->action; h++)
        if (make_hint(c, h, &one))
            tail += one.cols + 2;
    frame_draw_hints(c, canvas_part(row, 0, 0, 1, row.cols - tail), first, lead);
    frame_draw_hints(c, canvas_part(row, 0, row.cols - tail - 2, 1, tail + 2), rest, "");
    return true;
}

static bool second_line(struct console *c, char *buf, size_t cap)
{
    const struct view *v = &c->view[c->at];

    if (c->second == SECOND_COPY) {
        snprintf(buf, cap, "copy: %s  Esc nothing", v->ops->copy_keys ? v->ops->copy_keys : "n name");
        return true;
    }
    if (c->second != SECOND_SORT)
        return false;
    size_t at = (size_t)snprintf(buf, cap, "sort by: ");
    for (size_t i = 0; i < v->ops->n_columns && at < cap; i++)
        if (v->ops->columns[i].letter)
            at += (size_t)snprintf(buf + at, cap - at, "%c %s  ", v->ops->columns[i].letter,
                                   v->ops->columns[i].id);
    return true;
}

/* "Enter create  Tab next": the first word of each item is its key. */
static void put_keys(struct canvas row, const char *text)
{
    int at = 1;

    while (*text) {
        const char *gap = strstr(text, "  ");
        size_t item = gap ? (size_t)(gap - text) : strlen(text);
        const char *then = memmem(text, item, "then: ", 6);
        size_t lead = then ? (size_t)(then + 6 - text) : 0;
        size_t key = lead + strcspn(text + lead, " ");
        at += canvas_put_n(row, 0, at, ROLE_BASE, text, lead);
        at += canvas_put_n(row, 0, at, ROLE_KEY, text + lead, key - lead);
        at += canvas_put_n(row, 0, at, ROLE_BASE, text + key, item - key);
        text += item;
        while (*text == ' ') {
            text++;
            at++;
        }
    }
}

void status_draw_keys(struct console *c, struct canvas row)
{
    char text[256];

    if (c->ask) {
        put_keys(row, ask_hint(c->ask));
        return;
    }
    if (c->prompt_kind == PROMPT_FILTER) {
        put_keys(row, "Enter keep  Esc drop the filter    words match anywhere, !not, state:run, cpu>50");
        return;
    }
    if (c->prompt_kind == PROMPT_SEARCH) {
        put_keys(row, "Enter search  n next  N previous  Esc drop");
        return;
    }
    if (second_line(c, text, sizeof text) ||
        (c->page && c->page->ops->keys_line && c->page->ops->keys_line(c->page, text, sizeof text))) {
        put_keys(row, text);
        return;
    }
    if (c->page && c->page->ops->hints)
        frame_draw_hints(c, row, c->page->ops->hints, "");
    else if (!draw_marked(c, row))
        frame_draw_hints(c, row, c->view[c->at].ops->hints, "");
}
