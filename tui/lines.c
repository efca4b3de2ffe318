/* {label, text} lines of the engine's answers. Console thread. */
#include "tui/lines.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "widgets/cells.h"

/* Bytes of the next line of text that fit cols columns, broken at a blank where there is one. */
static size_t next_line(const char *text, int cols)
{
    size_t fit = cells_bytes_of(text, strlen(text), cols), at = fit;

    if (text[fit] == '\0')
        return fit;
    while (at > 0 && text[at] != ' ')
        at--;
    return at > 0 ? at : fit > 0 ? fit : strlen(text);
}

int lines_put_wrapped(struct canvas c, int row, enum role role, const char *text)
{
    while (*text && row < c.rows) {
        size_t n = next_line(text, c.cols);
        if (row >= 0)
            canvas_put_n(c, row, 0, role, text, n);
        row++;
        text += n;
        while (*text == ' ')
            text++;
    }
    return row;
}

int lines_count_wrapped(int cols, const char *text)
{
    int n = 0;

    while (*text && cols > 0) {
        text += next_line(text, cols);
        text += strspn(text, " ");
        n++;
    }
    return n;
}

int lines_draw(const struct detail *d, struct canvas c, int row)
{
    json_t *line;
    size_t i;

    json_array_foreach(detail_array(d, "lines"), i, line) {
        const char *label = json_string_value(json_object_get(line, "label"));
        const char *text = json_string_value(json_object_get(line, "text"));
        if (row >= c.rows)
            break;
        if (!text || (!text[0] && !(label && label[0]))) {
            row++;
            continue;
        }
        if (row >= 0 && label)
            canvas_put_in(c, row, 0, LINES_LABEL_COLS, ROLE_DIM, CELLS_LEFT, label);
        int next = lines_put_wrapped(canvas_part(c, 0, LINES_LABEL_COLS, c.rows,
                                                 c.cols - LINES_LABEL_COLS), row, ROLE_BASE, text);
        row = next > row ? next : row + 1;
    }
    return row;
}

void lines_draw_detail(const struct detail *d, const char *title, struct canvas c, int top)
{
    if (-top >= 0)
        canvas_put(c, 0, 0, ROLE_STRONG, title);
    if (d->error[0])
        lines_put_wrapped(c, 2 - top, ROLE_WARN, d->error);
    else if (!d->body)
        canvas_put(c, 2, 0, ROLE_DIM, "asking the engine");
    else
        lines_draw(d, c, 2 - top);
}

void lines_format(const struct detail *d, char *buf, unsigned long cap)
{
    size_t at = 0, i;
    json_t *line;

    buf[0] = '\0';
    json_array_foreach(detail_array(d, "lines"), i, line) {
        const char *label = json_string_value(json_object_get(line, "label"));
        const char *text = json_string_value(json_object_get(line, "text"));
        if (at >= cap)
            break;
        at += (size_t)snprintf(buf + at, cap - at, "%-10s %s\n", label ? label : "", text ? text : "");
    }
}
