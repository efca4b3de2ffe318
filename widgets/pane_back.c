/*
 * Scrolling back: a frozen copy of scroll-back and screen, so that what is read, searched and
 * copied stands still while the guest goes on. See pane.c.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "widgets/pane_priv.h"
#include "widgets/xmem.h"

enum { COPY_MAX = 4 * 1024 * 1024 };

/* Lines of scroll-back and screen together, counted by a selection over all of them. */
static size_t count_lines(struct pane *p)
{
    char *text = NULL;
    size_t lines = 1;

    tsm_screen_sb_up(p->screen, PANE_SCROLLBACK + 1);
    tsm_screen_selection_start(p->screen, 0, 0);
    tsm_screen_sb_reset(p->screen);
    tsm_screen_selection_target(p->screen, (unsigned)p->cols - 1, (unsigned)p->rows - 1);
    int n = tsm_screen_selection_copy(p->screen, &text);
    tsm_screen_selection_reset(p->screen);
    for (int i = 0; text && i < n; i++)
        lines += text[i] == '\n';
    free(text);
    if (lines < (size_t)p->rows)
        lines = (size_t)p->rows;
    if (lines > (size_t)(PANE_SCROLLBACK + p->rows))
        lines = (size_t)(PANE_SCROLLBACK + p->rows);
    return lines;
}

static struct canvas_cell *line_of(const struct pane *p, size_t line)
{
    return &p->back.cells[line * (size_t)p->back.cols];
}

void pane_back_enter(struct pane *p)
{
    struct pane_back *b = &p->back;

    if (b->on)
        return;
    size_t lines = count_lines(p), rows = (size_t)p->rows, at = 0;
    b->cols = p->cols;
    b->lines = lines;
    b->cells = xmem_grow(b->cells, &b->cells_cap, lines * (size_t)p->cols, sizeof *b->cells);
    tsm_screen_sb_up(p->screen, PANE_SCROLLBACK + 1);
    for (; at + rows < lines; at += rows) {
        int take = (int)(lines - at - rows < rows ? lines - at - rows : rows);
        pane_take_picture(p, line_of(p, at), take, p->cols);
        tsm_screen_sb_down(p->screen, (unsigned)rows);
    }
    tsm_screen_sb_reset(p->screen);
    pane_take_picture(p, line_of(p, lines - rows), p->rows, p->cols);
    b->on = true;
    b->selecting = false;
    b->top = lines - rows;
    b->line = lines - rows + (size_t)tsm_screen_get_cursor_y(p->screen);
    b->col = 0;
    p->dirty = true;
}

void pane_back_leave(struct pane *p)
{
    if (!p->back.on)
        return;
    p->back.on = false;
    p->back.lines = 0;
    /* A long history is given back: the live screen needs little. */
    free(p->back.cells);
    p->back.cells = NULL;
    p->back.cells_cap = 0;
    p->dirty = true;
}

bool pane_is_back(const struct pane *p)
{
    return p->back.on;
}

static void show_cursor(struct pane *p)
{
    struct pane_back *b = &p->back;
    size_t rows = (size_t)p->rows, most = b->lines > rows ? b->lines - rows : 0;

    if (b->line < b->top)
        b->top = b->line;
    if (b->line >= b->top + rows)
        b->top = b->line - rows + 1;
    if (b->top > most)
        b->top = most;
    p->dirty = true;
}

static void move_line(struct pane_back *b, long by)
{
    long to = (long)b->line + by, last = (long)b->lines - 1;

    b->line = (size_t)(to < 0 ? 0 : to > last ? last : to);
}

void pane_back_move(struct pane *p, enum pane_move move)
{
    struct pane_back *b = &p->back;
    long page = p->rows > 1 ? p->rows - 1 : 1;

    if (!b->on)
        return;
    switch (move) {
    case PANE_UP:
        move_line(b, -1);
        break;
    case PANE_DOWN:
        move_line(b, 1);
        break;
    case PANE_PAGE_UP:
        b->top = b->top > (size_t)page ? b->top - (size_t)page : 0;
        move_line(b, -page);
        break;
    case PANE_PAGE_DOWN:
        b->top += (size_t)page;
        move_line(b, page);
        break;
    case PANE_FIRST:
        b->line = 0;
        b->col = 0;
        break;
    case PANE_LAST:
        b->line = b->lines - 1;
        break;
    case PANE_LEFT:
        b->col -= b->col > 0;
        break;
    case PANE_RIGHT:
        b->col += b->col + 1 < b->cols;
        break;
    case PANE_LINE_START:
        b->col = 0;
        break;
    case PANE_LINE_END:
        b->col = b->cols - 1;
        break;
    }
    show_cursor(p);
}

/* The text of columns [from, to] of a line, cleaned, without trailing blanks. Bytes written. */
static size_t line_text(const struct canvas_cell *cells, int from, int to, char *buf, size_t cap)
{
    size_t at = 0, keep = 0;

    for (int c = from; c <= to; c++) {
        char b[4];
        uint32_t cp = cells[c].cp;
        if (cells[c].cols == 0)
            continue;
        size_t n = cells_encode(b, cells_is_safe(cp) ? cp : '?');
        if (at + n >= cap)
            break;
        memcpy(buf + at, b, n);
        at += n;
        if (cp != ' ')
            keep = at;
    }
    buf[keep] = '\0';
    return keep;
}

/* The column where a byte offset of line_text stands. */
static int col_of_offset(const struct canvas_cell *cells, int cols, size_t offset)
{
    size_t at = 0;

    for (int c = 0; c < cols; c++) {
        char b[4];
        if (cells[c].cols == 0)
            continue;
        if (at >= offset)
            return c;
        at += cells_encode(b, cells_is_safe(cells[c].cp) ? cells[c].cp : '?');
    }
    return 0;
}

static bool find_in_line(struct pane *p, size_t line)
{
    char text[PANE_COLS_MAX * 4 + 1];
    struct pane_back *b = &p->back;
    size_t word = strlen(b->word);

    size_t len = line_text(line_of(p, line), 0, b->cols - 1, text, sizeof text);
    for (size_t i = 0; i + word <= len; i++) {
        if (strncasecmp(text + i, b->word, word) != 0)
            continue;
        b->line = line;
        b->col = col_of_offset(line_of(p, line), b->cols, i);
        show_cursor(p);
        return true;
    }
    return false;
}

bool pane_back_search_next(struct pane *p, int by)
{
    struct pane_back *b = &p->back;
    size_t line = b->line;

    if (!b->on || !b->word[0])
        return false;
    for (size_t k = 0; k < b->lines; k++) {
        line = by > 0 ? (line + b->lines - 1) % b->lines : (line + 1) % b->lines;
        if (find_in_line(p, line))
            return true;
    }
    return false;
}

bool pane_back_search(struct pane *p, const char *word)
{
    struct pane_back *b = &p->back;

    cells_clean(b->word, sizeof b->word, word, strlen(word));
    p->dirty = true;
    if (!b->on || !b->word[0])
        return false;
    return find_in_line(p, b->line) || pane_back_search_next(p, 1);
}

void pane_back_select(struct pane *p)
{
    struct pane_back *b = &p->back;

    b->selecting = b->on && !b->selecting;
    b->from_line = b->line;
    b->from_col = b->col;
    p->dirty = true;
}

void pane_back_get_place(const struct pane *p, size_t *ret_line, size_t *ret_lines)
{
    *ret_line = p->back.on ? p->back.line + 1 : 0;
    *ret_lines = p->back.lines;
}

/* The selection's ends in reading order. */
static void get_ends(const struct pane_back *b, size_t line[2], int col[2])
{
    bool forward = b->from_line < b->line || (b->from_line == b->line && b->from_col <= b->col);

    line[0] = forward ? b->from_line : b->line;
    col[0] = forward ? b->from_col : b->col;
    line[1] = forward ? b->line : b->from_line;
    col[1] = forward ? b->col : b->from_col;
}

static bool is_selected(const struct pane_back *b, size_t line, int col)
{
    size_t l[2];
    int c[2];

    if (!b->selecting)
        return false;
    get_ends(b, l, c);
    return line >= l[0] && line <= l[1] && (line > l[0] || col >= c[0]) &&
           (line < l[1] || col <= c[1]);
}

void pane_back_draw(struct pane *p, struct canvas c, bool focus)
{
    const struct pane_back *b = &p->back;
    size_t word = strlen(b->word);

    for (int r = 0; r < c.rows && b->top + (size_t)r < b->lines; r++) {
        size_t line = b->top + (size_t)r;
        const struct canvas_cell *cells = line_of(p, line);
        for (int k = 0; k < b->cols && k < c.cols; k++) {
            struct canvas_cell x = cells[k];
            if (x.cols == 0)
                continue;
            if (is_selected(b, line, k))
                x.attr ^= CANVAS_REVERSE;
            canvas_cell(c, r, k, &x);
        }
        char text[PANE_COLS_MAX * 4 + 1];
        size_t len = word ? line_text(cells, 0, b->cols - 1, text, sizeof text) : 0;
        for (size_t i = 0; word && i + word <= len; i++)
            if (strncasecmp(text + i, b->word, word) == 0)
                canvas_restyle(c, r, col_of_offset(cells, b->cols, i),
                               cells_width_n(text + i, word), ROLE_MATCH);
    }
    if (focus)
        canvas_cursor(c, (int)(b->line - b->top), b->col);
}

char *pane_copy_text(struct pane *p, size_t *ret_len)
{
    struct pane_back *b = &p->back;
    bool back = b->on;
    size_t first = 0, at = 0, cap = 0, line[2];
    int col[2];
    char *out = NULL;

    if (!back) { /* the screen, through a passing picture of it */
        size_t need = (size_t)p->rows * (size_t)p->cols;
        b->cells = xmem_grow(b->cells, &b->cells_cap, need, sizeof *b->cells);
        b->cols = p->cols;
        pane_take_picture(p, b->cells, p->rows, p->cols);
    } else {
        first = b->top;
    }
    line[0] = first;
    line[1] = first + (size_t)p->rows - 1;
    col[0] = 0;
    col[1] = b->cols - 1;
    if (back && line[1] >= b->lines)
        line[1] = b->lines - 1;
    if (back && b->selecting)
        get_ends(b, line, col);
    for (size_t l = line[0]; l <= line[1] && at < COPY_MAX; l++) {
        out = xmem_grow(out, &cap, at + (size_t)b->cols * 4 + 2, 1);
        at += line_text(line_of(p, l), l == line[0] ? col[0] : 0,
                        l == line[1] ? col[1] : b->cols - 1, out + at, cap - at);
        if (l < line[1])
            out[at++] = '\n';
        out[at] = '\0';
    }
    while (!(back && b->selecting) && at > 0 && out[at - 1] == '\n')
        out[--at] = '\0'; /* empty lines below the last text */
    *ret_len = at;
    return out;
}
