#ifndef MESHDECK_WIDGETS_CANVAS_H
#define MESHDECK_WIDGETS_CANVAS_H
/*
 * What views draw on: a rectangle of a grid of cells in memory. A frame is drawn from empty
 * (canvas_erase), then term_draw puts on the terminal what differs from the last one. All text is
 * cleaned and clipped here; nothing allocates but grid_new and grid_resize. One thread.
 * A struct canvas is a value: copy it, make parts of it; it lives as long as its grid.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/cells.h"
#include "widgets/role.h"

struct canvas_grid;

enum canvas_attr {
    CANVAS_BOLD = 1,
    CANVAS_UNDERLINE = 2,
    CANVAS_REVERSE = 4,
    CANVAS_ITALIC = 8,
};

struct canvas_cell {
    uint32_t cp; /* 0 in the right half of a wide character */
    uint32_t mark[2];
    int16_t fg, bg; /* ROLE_RAW only: xterm 256 index, -1 the terminal's own */
    uint8_t role;   /* enum role */
    uint8_t attr;   /* enum canvas_attr; beside the role's own, or with ROLE_RAW */
    uint8_t cols;   /* 1, 2, or 0 in the right half */
    uint8_t pad;    /* 0, so that cells compare as bytes */
};

struct canvas {
    struct canvas_grid *grid_b;
    int top, left, rows, cols;
};

struct canvas_grid *canvas_grid_new(int rows, int cols);
void canvas_grid_free(struct canvas_grid *g);
void canvas_grid_resize(struct canvas_grid *g, int rows, int cols);

/* Whether graph glyphs and lines are UTF-8 or ASCII; off at first. */
void canvas_grid_set_utf8(struct canvas_grid *g, bool utf8);

/* The grid's cell; NULL outside. */
const struct canvas_cell *canvas_grid_cell(const struct canvas_grid *g, int row, int col);

/* Where the terminal's cursor is to stand; false when it is hidden. */
bool canvas_grid_get_cursor(const struct canvas_grid *g, int *ret_row, int *ret_col);

/* The picture as text, a line a row, trailing blanks cut. Returns bytes (without NUL). */
size_t canvas_grid_dump(const struct canvas_grid *g, char *buf, size_t cap);

/* The roles as text: one letter a cell ('.' base, then a-z A-Z in enum order). */
size_t canvas_grid_dump_roles(const struct canvas_grid *g, char *buf, size_t cap);

struct canvas canvas_of(struct canvas_grid *g);
struct canvas canvas_part(struct canvas c, int row, int col, int rows, int cols);
bool canvas_is_utf8(struct canvas c);

/* All cells of c become blank in ROLE_BASE (or role); on the whole grid also hides the cursor. */
void canvas_erase(struct canvas c);
void canvas_fill(struct canvas c, int row, int col, int cols, enum role role);

/* Puts text; returns the columns it took (what was clipped counts). */
int canvas_put(struct canvas c, int row, int col, enum role role, const char *text);
int canvas_put_n(struct canvas c, int row, int col, enum role role, const char *text, size_t len);
int canvas_printf(struct canvas c, int row, int col, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts text in exactly cols columns: cut at the end ('~') or padded with blanks of the role. */
void canvas_put_in(struct canvas c, int row, int col, int cols, enum role role,
                   enum cells_align align, const char *text);

/* One character of graph or line drawing, the ASCII one where the grid is ASCII. */
void canvas_glyph(struct canvas c, int row, int col, enum role role, uint32_t utf8, char ascii);

/* A whole cell, cleaned: the terminal pane's way. */
void canvas_cell(struct canvas c, int row, int col, const struct canvas_cell *cell);

/* Gives cells another role; what they show stays. */
void canvas_restyle(struct canvas c, int row, int col, int cols, enum role role);
void canvas_add_attr(struct canvas c, int row, int col, int cols, enum canvas_attr attr);

void canvas_hline(struct canvas c, int row, int col, int cols, enum role role);
void canvas_vline(struct canvas c, int row, int col, int rows, enum role role);
void canvas_box(struct canvas c, int row, int col, int rows, int cols, enum role role);

/* Shows the terminal's cursor at a place of c (clipped: outside hides it). */
void canvas_cursor(struct canvas c, int row, int col);

#endif
