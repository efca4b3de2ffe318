/*
 * A grid of cells in memory and the drawing on it. One thread. Every character that enters a cell
 * was cleaned here; nothing is allocated while drawing, and nothing here knows a terminal.
 */
#include "widgets/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/xmem.h"

enum { SIDE_MAX = 4096, LINE_MAX_BYTES = 4096 };

struct canvas_grid {
    int rows, cols;
    bool utf8;
    bool cursor;
    int cursor_row, cursor_col;
    struct canvas_cell *cells;
};

static int clamp(int n, int low, int high)
{
    return n < low ? low : n > high ? high : n;
}

struct canvas_grid *canvas_grid_new(int rows, int cols)
{
    struct canvas_grid *g = xmem_new(1, sizeof *g);

    canvas_grid_resize(g, rows, cols);
    return g;
}

void canvas_grid_free(struct canvas_grid *g)
{
    if (g)
        free(g->cells);
    free(g);
}

void canvas_grid_resize(struct canvas_grid *g, int rows, int cols)
{
    g->rows = clamp(rows, 1, SIDE_MAX);
    g->cols = clamp(cols, 1, SIDE_MAX);
    g->cells = xmem_resize(g->cells, (size_t)g->rows * (size_t)g->cols, sizeof *g->cells);
    canvas_erase(canvas_of(g));
}

void canvas_grid_set_utf8(struct canvas_grid *g, bool utf8)
{
    g->utf8 = utf8;
}

const struct canvas_cell *canvas_grid_cell(const struct canvas_grid *g, int row, int col)
{
    if (row < 0 || col < 0 || row >= g->rows || col >= g->cols)
        return NULL;
    return &g->cells[(size_t)row * (size_t)g->cols + (size_t)col];
}

bool canvas_grid_get_cursor(const struct canvas_grid *g, int *ret_row, int *ret_col)
{
    if (g->cursor) {
        *ret_row = g->cursor_row;
        *ret_col = g->cursor_col;
    }
    return g->cursor;
}

static void add(char *buf, size_t cap, size_t *at, const char *bytes, size_t n)
{
    if (*at + n >= cap)
        return;
    memcpy(buf + *at, bytes, n);
    *at += n;
}

size_t canvas_grid_dump(const struct canvas_grid *g, char *buf, size_t cap)
{
    size_t at = 0;

    if (cap == 0)
        return 0;
    for (int r = 0; r < g->rows; r++) {
        size_t keep = at;
        for (int c = 0; c < g->cols; c++) {
            const struct canvas_cell *x = canvas_grid_cell(g, r, c);
            char b[4];
            if (x->cols == 0)
                continue;
            add(buf, cap, &at, b, cells_encode(b, x->cp));
            for (int m = 0; m < 2 && x->mark[m]; m++)
                add(buf, cap, &at, b, cells_encode(b, x->mark[m]));
            if (x->cp != ' ')
                keep = at;
        }
        at = keep;
        add(buf, cap, &at, "\n", 1);
    }
    buf[at] = '\0';
    return at;
}

size_t canvas_grid_dump_roles(const struct canvas_grid *g, char *buf, size_t cap)
{
    static const char letters[] = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t at = 0;

    if (cap == 0)
        return 0;
    for (int r = 0; r < g->rows; r++) {
        for (int c = 0; c < g->cols; c++) {
            unsigned role = canvas_grid_cell(g, r, c)->role;
            add(buf, cap, &at, role < ROLE_COUNT ? &letters[role] : "#", 1);
        }
        add(buf, cap, &at, "\n", 1);
    }
    buf[at] = '\0';
    return at;
}

struct canvas canvas_of(struct canvas_grid *g)
{
    return (struct canvas){.grid_b = g, .rows = g->rows, .cols = g->cols};
}

struct canvas canvas_part(struct canvas c, int row, int col, int rows, int cols)
{
    int top = clamp(row, 0, c.rows), left = clamp(col, 0, c.cols);
    int bottom = clamp(row + rows, top, c.rows), right = clamp(col + cols, left, c.cols);

    return (struct canvas){.grid_b = c.grid_b,
                           .top = c.top + top,
                           .left = c.left + left,
                           .rows = bottom - top,
                           .cols = right - left};
}

bool canvas_is_utf8(struct canvas c)
{
    return c.grid_b->utf8;
}

/* The cell at a place of c; NULL outside c or the grid (which may have shrunk since). */
static struct canvas_cell *at(struct canvas c, int row, int col)
{
    struct canvas_grid *g = c.grid_b;
    int r = c.top + row, k = c.left + col;

    if (row < 0 || col < 0 || row >= c.rows || col >= c.cols || r >= g->rows || k >= g->cols)
        return NULL;
    return &g->cells[(size_t)r * (size_t)g->cols + (size_t)k];
}

static void set_blank(struct canvas_cell *x, enum role role)
{
    *x = (struct canvas_cell){.cp = ' ', .role = (uint8_t)role, .cols = 1, .fg = -1, .bg = -1};
}

/* Before a cell is written over: the other half of a wide character must not be left alone. */
static void split_wide(struct canvas_grid *g, struct canvas_cell *x)
{
    size_t i = (size_t)(x - g->cells), col = i % (size_t)g->cols;

    if (x->cols == 0 && col > 0) {
        x[-1].cp = ' ';
        x[-1].cols = 1;
        x[-1].mark[0] = x[-1].mark[1] = 0;
    }
    if (x->cols == 2 && col + 1 < (size_t)g->cols) {
        x[1].cp = ' ';
        x[1].cols = 1;
    }
}

/* Writes one character of w columns; false when it does not fit whole. */
static bool write_cell(struct canvas c, int row, int col, const struct canvas_cell *cell)
{
    struct canvas_cell *x = at(c, row, col);

    if (!x)
        return false;
    if (cell->cols == 2) {
        struct canvas_cell *right = at(c, row, col + 1);
        if (!right) {
            split_wide(c.grid_b, x);
            set_blank(x, cell->role);
            x->fg = cell->fg;
            x->bg = cell->bg;
            return false;
        }
        split_wide(c.grid_b, right);
        split_wide(c.grid_b, x);
        *right = *cell;
        right->cp = 0;
        right->cols = 0;
        right->mark[0] = right->mark[1] = 0;
    } else {
        split_wide(c.grid_b, x);
    }
    *x = *cell;
    return true;
}

void canvas_erase(struct canvas c)
{
    for (int r = 0; r < c.rows; r++)
        canvas_fill(c, r, 0, c.cols, ROLE_BASE);
    if (c.top == 0 && c.left == 0 && c.rows >= c.grid_b->rows && c.cols >= c.grid_b->cols)
        c.grid_b->cursor = false;
}

void canvas_fill(struct canvas c, int row, int col, int cols, enum role role)
{
    if (col < 0) {
        cols += col;
        col = 0;
    }
    for (int k = col; k < col + cols && k < c.cols; k++) {
        struct canvas_cell *x = at(c, row, k);
        if (!x)
            return;
        if (k == col || k == col + cols - 1 || k == c.cols - 1)
            split_wide(c.grid_b, x);
        set_blank(x, role);
    }
}

int canvas_put_n(struct canvas c, int row, int col, enum role role, const char *text, size_t len)
{
    const char *end = text + len;
    struct canvas_cell *last = NULL;
    unsigned marks = 0;
    uint32_t cp;
    int k = col;

    if (row < 0 || row >= c.rows)
        return cells_width_n(text, len);
    while ((cp = cells_next(&text, end, &marks))) {
        int w = cells_width_cp(cp);
        if (w == 0) {
            if (last && !last->mark[0])
                last->mark[0] = cp;
            else if (last)
                last->mark[1] = cp;
            continue;
        }
        struct canvas_cell cell = {
            .cp = cp, .role = (uint8_t)role, .cols = (uint8_t)w, .fg = -1, .bg = -1};
        last = NULL;
        if (k < c.cols && write_cell(c, row, k, &cell))
            last = at(c, row, k);
        k += w;
    }
    return k - col;
}

int canvas_put(struct canvas c, int row, int col, enum role role, const char *text)
{
    return canvas_put_n(c, row, col, role, text, strlen(text));
}

int canvas_printf(struct canvas c, int row, int col, enum role role, const char *fmt, ...)
{
    char buf[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    return n < 0 ? 0 : canvas_put(c, row, col, role, buf);
}

void canvas_put_in(struct canvas c, int row, int col, int cols, enum role role,
                   enum cells_align align, const char *text)
{
    char cut[LINE_MAX_BYTES];

    canvas_fill(c, row, col, cols, role);
    int used = cells_cut(cut, sizeof cut, text, cols);
    canvas_put(c, row, align == CELLS_RIGHT ? col + cols - used : col, role, cut);
}

void canvas_glyph(struct canvas c, int row, int col, enum role role, uint32_t utf8, char ascii)
{
    struct canvas_cell cell = {.cp = c.grid_b->utf8 ? utf8 : (unsigned char)ascii,
                               .role = (uint8_t)role,
                               .cols = 1,
                               .fg = -1,
                               .bg = -1};

    write_cell(c, row, col, &cell);
}

void canvas_cell(struct canvas c, int row, int col, const struct canvas_cell *cell)
{
    struct canvas_cell x = *cell;

    if (x.cp == 0)
        x.cp = ' ';
    if (!cells_is_safe(x.cp) || cells_width_cp(x.cp) != x.cols) {
        x.cp = cells_is_safe(x.cp) && x.cp < 0x7f ? x.cp : '?';
        x.cols = 1;
        x.mark[0] = x.mark[1] = 0;
    }
    for (int m = 0; m < 2; m++)
        if (x.mark[m] && (!cells_is_safe(x.mark[m]) || cells_width_cp(x.mark[m]) != 0))
            x.mark[m] = 0;
    if (!x.mark[0])
        x.mark[1] = 0;
    write_cell(c, row, col, &x);
}

void canvas_restyle(struct canvas c, int row, int col, int cols, enum role role)
{
    for (int k = col; k < col + cols; k++) {
        struct canvas_cell *x = at(c, row, k);
        if (x)
            x->role = (uint8_t)role;
    }
}

void canvas_add_attr(struct canvas c, int row, int col, int cols, enum canvas_attr attr)
{
    for (int k = col; k < col + cols; k++) {
        struct canvas_cell *x = at(c, row, k);
        if (x)
            x->attr = (uint8_t)(x->attr | attr);
    }
}

void canvas_hline(struct canvas c, int row, int col, int cols, enum role role)
{
    for (int k = 0; k < cols; k++)
        canvas_glyph(c, row, col + k, role, 0x2500, '-');
}

void canvas_vline(struct canvas c, int row, int col, int rows, enum role role)
{
    for (int r = 0; r < rows; r++)
        canvas_glyph(c, row + r, col, role, 0x2502, '|');
}

void canvas_box(struct canvas c, int row, int col, int rows, int cols, enum role role)
{
    int bottom = row + rows - 1, right = col + cols - 1;

    for (int r = row; r <= bottom; r++)
        canvas_fill(c, r, col, cols, role);
    canvas_hline(c, row, col + 1, cols - 2, role);
    canvas_hline(c, bottom, col + 1, cols - 2, role);
    canvas_vline(c, row + 1, col, rows - 2, role);
    canvas_vline(c, row + 1, right, rows - 2, role);
    canvas_glyph(c, row, col, role, 0x250c, '+');
    canvas_glyph(c, row, right, role, 0x2510, '+');
    canvas_glyph(c, bottom, col, role, 0x2514, '+');
    canvas_glyph(c, bottom, right, role, 0x2518, '+');
}

void canvas_cursor(struct canvas c, int row, int col)
{
    struct canvas_grid *g = c.grid_b;

    g->cursor = at(c, row, col) != NULL;
    g->cursor_row = c.top + row;
    g->cursor_col = c.left + col;
}
