/* Draws the lines in sight, and nothing depends on how many there are elsewhere. See pager.c. */
#include <string.h>
#include <strings.h>

#include "widgets/pager_priv.h"

/* Marks every place of the searched word in a piece of a line. */
static void draw_matches(const struct pager *p, struct canvas c, int row, int shift,
                         const char *text)
{
    size_t len = strlen(p->word);

    if (len == 0)
        return;
    for (const char *s = text; *s; s++) {
        if (strncasecmp(s, p->word, len) != 0)
            continue;
        int col = cells_width_n(text, (size_t)(s - text)) - shift;
        canvas_restyle(c, row, col, cells_width_n(s, len), ROLE_MATCH);
        s += len - 1;
    }
}

static int draw_line(const struct pager *p, struct canvas c, size_t i, int row, int skip)
{
    const struct pager_text *t = pager_at(p, i);
    int rows = pager_rows_of(p, i), drawn = 0;

    for (int r = skip; r < rows && row + drawn < c.rows; r++, drawn++) {
        int shift = p->wrap ? r * c.cols : p->left;
        struct canvas line = canvas_part(c, row + drawn, 0, 1, c.cols);
        canvas_put(line, 0, -shift, t->role, t->text);
        draw_matches(p, line, 0, shift, t->text);
        if (!p->wrap && t->cols - p->left > c.cols)
            canvas_put(line, 0, c.cols - 1, ROLE_DIM, "~");
    }
    return drawn;
}

void pager_draw(struct pager *p, struct canvas c)
{
    int row = 0;

    p->rows = c.rows > 0 ? c.rows : 1;
    p->cols = c.cols > 0 ? c.cols : 1;
    pager_keep_inside(p);
    for (size_t i = p->top; i < p->n && row < c.rows; i++)
        row += draw_line(p, c, i, row, i == p->top ? p->top_row : 0);
}

/* The line after the last in sight. */
static size_t window_end(const struct pager *p)
{
    int room = p->rows + p->top_row;
    size_t i = p->top;

    while (i < p->n && room > 0)
        room -= pager_rows_of(p, i++);
    return i;
}

void pager_get_window(const struct pager *p, size_t *ret_first, size_t *ret_last)
{
    *ret_first = p->n ? p->top + 1 : 0;
    *ret_last = window_end(p);
}

size_t pager_copy_window(const struct pager *p, char *buf, size_t cap)
{
    size_t at = 0, end = window_end(p);

    if (cap == 0)
        return 0;
    for (size_t i = p->top; i < end; i++) {
        const char *text = pager_at(p, i)->text;
        size_t n = strlen(text);
        if (at + n + 1 >= cap)
            break;
        memcpy(buf + at, text, n);
        at += n;
        buf[at++] = '\n';
    }
    buf[at] = '\0';
    return at;
}
