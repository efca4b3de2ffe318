/* The drawing of a form: a row a field, verdicts in one column, the open list over the rows below.
 */
#include <string.h>

#include "widgets/form_priv.h"

enum { LIST_ROWS = 8, LABEL_COL = 2, GAP = 2, LEAST_LABEL = 9 };

struct columns {
    int label, verdict; /* where inputs begin, and verdicts */
};

static struct columns columns_of(const struct form *f)
{
    struct columns c = {.label = LEAST_LABEL};

    for (size_t i = 0; i < f->n; i++) {
        const struct form_field *d = &f->fields_b[i];
        int w = cells_width(d->label), in = d->kind == FORM_TICK ? 3 : d->cols + 2;
        c.label = w > c.label ? w : c.label;
        if (d->unit)
            in += 1 + cells_width(d->unit);
        if (d->kind != FORM_TICK)
            c.verdict = in > c.verdict ? in : c.verdict;
    }
    c.label += LABEL_COL + 1;
    c.verdict += c.label + GAP;
    return c;
}

static const char *ghost_of(const struct form *f, size_t i, struct form_choice *c)
{
    const char *value = form_get(f, (int)i);

    if (f->fields_b[i].kind != FORM_CHOICE || !form_find_choice(f, i, value, c))
        return NULL;
    return c->text + strlen(value);
}

static void draw_field(const struct form *f, struct canvas c, size_t i, int row, struct columns at)
{
    const struct form_field *d = &f->fields_b[i];
    const struct form_value *v = &f->value[i];
    bool focus = i == f->focus;
    enum role role = v->ok ? ROLE_INPUT : ROLE_INPUT_BAD;
    struct form_choice choice;
    int col = at.label;

    canvas_put(c, row, 0, ROLE_KEY, focus ? ">" : " ");
    canvas_put(c, row, LABEL_COL, focus ? ROLE_STRONG : ROLE_BASE, d->label);
    if (d->kind == FORM_TICK) {
        canvas_put(c, row, col, role, form_get_tick(f, (int)i) ? "[x]" : "[ ]");
        col += 4 + canvas_put(c, row, col + 4, ROLE_BASE, d->tick_text ? d->tick_text : "");
        if (focus)
            canvas_cursor(c, row, at.label + 1);
    } else {
        canvas_put(c, row, col, ROLE_DIM, "[");
        lineedit_draw(v->edit, c, row, col + 1, d->cols, role,
                      focus ? ghost_of(f, i, &choice) : NULL, focus && !f->list_open);
        col += 1 + d->cols;
        canvas_put(c, row, col++, ROLE_DIM, "]");
        if (d->unit)
            col += 1 + canvas_put(c, row, col + 1, ROLE_DIM, d->unit);
    }
    int start = col + GAP > at.verdict ? col + GAP : at.verdict;
    if (v->msg[0])
        canvas_put_in(c, row, start, c.cols - start - 1, v->ok ? ROLE_DIM : ROLE_WARN, CELLS_LEFT,
                      v->msg);
}

static void draw_list(const struct form *f, struct canvas c, struct columns at, int below)
{
    int cols = c.cols - at.label - 1, rows = LIST_ROWS, name = 8;
    size_t n = 0;

    for (const struct form_choice *e; (e = form_list_entry(f, n)); n++) {
        int w = cells_width(e->text);
        name = w > name ? w : name;
    }
    rows = (int)n < rows ? (int)n : rows;
    rows = rows < 1 ? 1 : rows;
    if (below + rows > c.rows)
        below = below - 1 - rows >= 0 ? below - 1 - rows : 0;
    if (n == 0)
        canvas_put_in(c, below, at.label, cols, ROLE_DIALOG, CELLS_LEFT, "  nothing matches");
    size_t top = f->list_at >= (size_t)rows ? f->list_at - (size_t)rows + 1 : 0;
    for (int i = 0; i < rows && top + (size_t)i < n; i++) {
        const struct form_choice *e = form_list_entry(f, top + (size_t)i);
        bool on = top + (size_t)i == f->list_at;
        enum role role = on ? ROLE_CURSOR : e->blocked ? ROLE_GHOST : ROLE_DIALOG;
        canvas_fill(c, below + i, at.label, cols, role);
        canvas_put(c, below + i, at.label, role, on ? ">" : " ");
        canvas_put_in(c, below + i, at.label + 2, name, role, CELLS_LEFT, e->text);
        canvas_put_in(c, below + i, at.label + 2 + name + 2, cols - name - 4, role, CELLS_LEFT,
                      e->note);
    }
    canvas_cursor(c, below + (n ? (int)(f->list_at - top) : 0), at.label + 2);
}

void form_draw(const struct form *f, struct canvas c)
{
    struct columns at = columns_of(f);
    /* More fields than rows: the focused one stays in sight. */
    size_t rows = c.rows > 0 ? (size_t)c.rows : 0;
    size_t top = f->n > rows && f->focus >= rows ? f->focus - rows + 1 : 0;

    for (size_t i = 0; i < rows && top + i < f->n; i++)
        draw_field(f, c, top + i, (int)i, at);
    if (f->list_open)
        draw_list(f, c, at, (int)(f->focus - top) + 1);
}
