/*
 * Questions. Owned by the thread that draws. A dialog keeps copies of all it shows, so what it says
 * cannot change under the operator's hand.
 */
#include "widgets/dialog.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/lineedit.h"
#include "widgets/xmem.h"

enum { TEXT_MAX = 512, LABEL_MAX = 32, LEAST_COLS = 60, MOST_COLS = 76, NAME_COLS = 31 };

struct line {
    char label[LABEL_MAX], text[TEXT_MAX];
};

struct dialog {
    char question[TEXT_MAX], button[LABEL_MAX], must[128];
    bool typed;
    struct line line[DIALOG_LINES];
    size_t n;
    struct lineedit *edit;
    bool on_button; /* Tab moved from Cancel to the other one */
};

struct dialog *dialog_new(const char *question, const char *button, const char *must_type)
{
    struct dialog *d = xmem_new(1, sizeof *d);

    xmem_copy_text(d->question, sizeof d->question, question);
    xmem_copy_text(d->button, sizeof d->button, button);
    d->typed = must_type != NULL;
    if (must_type) {
        xmem_copy_text(d->must, sizeof d->must, must_type);
        d->edit = lineedit_new(sizeof d->must - 1);
    }
    return d;
}

void dialog_free(struct dialog *d)
{
    if (d)
        lineedit_free(d->edit);
    free(d);
}

void dialog_add(struct dialog *d, const char *label, const char *text)
{
    if (d->n == DIALOG_LINES)
        return;
    xmem_copy_text(d->line[d->n].label, LABEL_MAX, label);
    xmem_copy_text(d->line[d->n].text, TEXT_MAX, text);
    d->n++;
}

static bool matches(const struct dialog *d)
{
    return d->must[0] && strcmp(lineedit_get(d->edit), d->must) == 0;
}

static enum dialog_result typed_key(struct dialog *d, const struct key *k)
{
    if (k->code == KEYSYM_TAB && !(k->mods & KEYMOD_PASTED)) {
        d->on_button = !d->on_button;
        return DIALOG_OPEN;
    }
    switch (lineedit_key(d->edit, k)) {
    case LINEEDIT_ACCEPT:
        return matches(d) ? DIALOG_YES : DIALOG_MISMATCH;
    case LINEEDIT_DROP:
        return DIALOG_NO;
    case LINEEDIT_NONE:
    case LINEEDIT_MOVED:
    case LINEEDIT_CHANGED:
        break;
    }
    return DIALOG_OPEN;
}

enum dialog_result dialog_key(struct dialog *d, const struct key *k)
{
    if (d->typed)
        return typed_key(d, k);
    if (k->mods & KEYMOD_PASTED)
        return DIALOG_OPEN;
    if (key_is(k, 'y', 0))
        return DIALOG_YES;
    if (key_is(k, 'q', 0))
        return DIALOG_SECOND_Q;
    if (key_is(k, KEYSYM_TAB, 0) || key_is(k, KEYSYM_TAB, KEYMOD_SHIFT) ||
        key_is(k, KEYSYM_LEFT, 0) || key_is(k, KEYSYM_RIGHT, 0)) {
        d->on_button = !d->on_button;
        return DIALOG_OPEN;
    }
    if (key_is(k, KEYSYM_ENTER, 0) || key_is(k, 'j', KEYMOD_CTRL))
        return d->on_button ? DIALOG_YES : DIALOG_NO;
    if (key_is(k, 'n', 0) || key_is(k, KEYSYM_ESC, 0) || key_is(k, 'c', KEYMOD_CTRL))
        return DIALOG_NO;
    return DIALOG_OPEN;
}

struct shape {
    int cols, rows, label;
};

static struct shape shape_of(const struct dialog *d, struct canvas c)
{
    struct shape s = {.cols = cells_width(d->question)};

    for (size_t i = 0; i < d->n; i++) {
        int w = cells_width(d->line[i].label);
        s.label = w > s.label ? w : s.label;
    }
    if (d->typed && s.label < 13)
        s.label = 13; /* "Type its name" */
    for (size_t i = 0; i < d->n; i++) {
        int w = s.label + 2 + cells_width(d->line[i].text);
        s.cols = w > s.cols ? w : s.cols;
    }
    s.cols += 6;
    s.cols = s.cols < LEAST_COLS ? LEAST_COLS : s.cols > MOST_COLS ? MOST_COLS : s.cols;
    s.cols = s.cols > c.cols ? c.cols : s.cols;
    s.rows = 2 + 1 + (d->n ? 1 + (int)d->n : 0) + 1 + (d->typed ? 2 : 0) + 1;
    s.rows = s.rows > c.rows ? c.rows : s.rows;
    return s;
}

static void draw_buttons(const struct dialog *d, struct canvas b, int row)
{
    bool ready = !d->typed || matches(d);
    int width = cells_width(d->button), col = b.cols - 11 - (width + 4) - 4 - 10;
    enum role yes = d->on_button ? ROLE_BUTTON : ready ? ROLE_DIALOG : ROLE_GHOST;

    col = col < 2 ? 2 : col;
    canvas_put(b, row, col, d->on_button ? ROLE_DIALOG : ROLE_BUTTON,
               d->on_button ? "( Cancel )" : "[ Cancel ]");
    col += 14;
    col += canvas_put(b, row, col, yes, d->on_button ? "[ " : "( ");
    col += canvas_put(b, row, col, yes, d->button);
    canvas_put(b, row, col, yes, d->on_button ? " ]" : " )");
}

void dialog_draw(const struct dialog *d, struct canvas c, int avoid_row)
{
    struct shape s = shape_of(d, c);
    int top = (c.rows - s.rows) / 2, left = c.cols - s.cols - 1;

    left = left < 0 ? 0 : left;
    /* The name of the row in question stays in sight at the left; over it only where there is no
     * room beside it. */
    if (left < 18 && avoid_row >= 0 && avoid_row < c.rows) {
        left = left > 1 ? left / 2 : 0;
        if (avoid_row + 1 + s.rows <= c.rows)
            top = avoid_row + 1;
        else if (avoid_row - s.rows >= 0)
            top = avoid_row - s.rows;
    }
    struct canvas b = canvas_part(c, top, left, s.rows, s.cols);
    int row = 1, inner = s.cols - 6;
    for (int i = 0; i < s.rows && left > 0; i++)
        canvas_fill(c, top + i, left - 1, 1, ROLE_BASE); /* what it lies over does not touch it */
    canvas_box(b, 0, 0, s.rows, s.cols, ROLE_DIALOG);
    canvas_put_in(b, row, 3, inner, ROLE_DIALOG, CELLS_LEFT, d->question);
    canvas_add_attr(b, row, 3, inner, CANVAS_BOLD);
    row += d->n ? 2 : 1;
    for (size_t i = 0; i < d->n && row < s.rows - 2; i++, row++) {
        canvas_put_in(b, row, 3, s.label, ROLE_DIALOG, CELLS_LEFT, d->line[i].label);
        canvas_put_in(b, row, 3 + s.label + 2, inner - s.label - 2, ROLE_DIALOG, CELLS_LEFT,
                      d->line[i].text);
    }
    if (d->typed) {
        row = s.rows - 4 > row ? s.rows - 4 : row;
        int cols = inner - s.label - 2;
        cols = cols > NAME_COLS ? NAME_COLS : cols;
        bool number = d->must[strspn(d->must, "0123456789")] == '\0';
        canvas_put(b, row, 3, ROLE_DIALOG, number ? "Type how many" : "Type its name");
        canvas_put(b, row, 3 + s.label + 2, ROLE_DIALOG, "[");
        lineedit_draw(d->edit, b, row, 3 + s.label + 3, cols,
                      matches(d) || !*lineedit_get(d->edit) ? ROLE_INPUT : ROLE_INPUT_BAD, NULL,
                      true);
        canvas_put(b, row, 3 + s.label + 3 + cols, ROLE_DIALOG, "]");
    }
    draw_buttons(d, b, s.rows - 2);
}

const char *dialog_get_hint(const struct dialog *d)
{
    if (!d->typed)
        return "y yes   n, Enter or Esc no";
    return matches(d) ? "Enter does it  Tab button  Esc cancel"
                      : "Enter does nothing until the name matches  Tab button  Esc cancel";
}

bool dialog_is_typed(const struct dialog *d)
{
    return d->typed;
}
