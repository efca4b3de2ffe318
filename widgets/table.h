#ifndef MESHDECK_WIDGETS_TABLE_H
#define MESHDECK_WIDGETS_TABLE_H
/*
 * The list. Columns are a const table; rows stay the program's (a snapshot) and are asked for one
 * by one; only rows on the screen are formatted. Cursor and marks belong to row ids, so they
 * survive new snapshots and sorting. Made for 64,000 rows: one pass over them when the rows, the
 * filter or the order change, none to draw. Memory grows with the rows, never per frame.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/canvas.h"

struct table;

enum { TABLE_CELL_MAX = 128, TABLE_COLUMNS_MAX = 16 };

struct table_cell {
    char text[TABLE_CELL_MAX];
    enum role role; /* ROLE_BASE unless set */
};

struct table_column {
    const char *id;    /* "cpu": for :sort and filters */
    const char *title; /* "CPU %" */
    int width;
    bool grow;         /* takes spare room */
    enum cells_align align;
    int priority;      /* 1 is never dropped, 5 goes first; of equals the rightmost goes first */
    char letter;       /* second key of sort; 0: not sortable */
    bool descending;   /* first sorted from the largest */
    bool meaning;      /* a change lights up for 2 s */

    /* What the cell shows. The text is cleaned and cut (middle) by the table. */
    void (*format)(void *ctx, const void *row, struct table_cell *cell);
    /* Optional, for search and sort without formatting: borrowed text; number (NAN: none). */
    const char *(*text)(void *ctx, const void *row);
    double (*number)(void *ctx, const void *row);
    /* Optional: an order of its own. */
    int (*compare)(void *ctx, const void *a, const void *b);
};

struct table_source {
    void *ctx; /* handed to every function here and of the columns */
    size_t (*count)(void *ctx);
    const void *(*row)(void *ctx, size_t i); /* NULL is skipped */
    uint64_t (*id)(void *ctx, const void *row);
    /* Optional: the glyph of the gutter and its role; (' ', ROLE_BASE) when NULL. */
    uint32_t (*glyph)(void *ctx, const void *row, bool utf8, enum role *ret_role);
};

enum table_move {
    TABLE_UP,
    TABLE_DOWN,
    TABLE_PAGE_UP,
    TABLE_PAGE_DOWN,
    TABLE_FIRST,
    TABLE_LAST,
    TABLE_WHEEL_UP,
    TABLE_WHEEL_DOWN
};

struct table *table_new(const struct table_column *columns, size_t n);
void table_free(struct table *t);

/*
 * The rows from now on (the struct is copied). Call for each new snapshot, generation saying which;
 * the same generation costs nothing. Known rows keep their place, new ones come in where they sort.
 * The rows must stay readable until the next call; no other call keeps row pointers.
 */
void table_set_source(struct table *t, const struct table_source *src, uint64_t generation);

/* Sorts again by the rows' present values. The program says when (console.md, 'Order'). */
void table_resort(struct table *t);
/* True when the order may no longer be that of the values. */
bool table_is_unsorted(const struct table *t);

/* Draws heads in row 0 of c and rows below. now_ms drives the 2 s of changed cells. */
void table_draw(struct table *t, struct canvas c, int64_t now_ms);
/* Milliseconds until a highlight ends; -1 for none. */
int table_wait_ms(const struct table *t, int64_t now_ms);
void table_set_highlights(struct table *t, bool on);
/* All cells in this role (ROLE_STALE when the data are old); ROLE_BASE: their own. */
void table_set_wash(struct table *t, enum role role);
/* A glyph for one row in place of its own until cleared by glyph 0 ('~' for an accepted capital). */
void table_set_pending(struct table *t, uint64_t id, bool pending);
/* Columns of text to the right when they do not fit: the first column stays. */
void table_scroll_columns(struct table *t, int by);

/* Sorting by column index; reverse flips what is in force. */
void table_sort(struct table *t, int column, bool descending);
void table_sort_letter(struct table *t, char letter); /* again: reverses */
void table_reverse(struct table *t);
int table_get_sort(const struct table *t, bool *ret_descending);
int table_find_column(const struct table *t, const char *name, size_t len);

/* The filter as typed; NULL or "" for none. */
void table_filter(struct table *t, const char *text);
const char *table_get_filter(const struct table *t);

size_t table_count(const struct table *t);       /* all rows */
size_t table_shown(const struct table *t);       /* that pass the filter */
void table_get_window(const struct table *t, size_t *ret_first, size_t *ret_last); /* 1-based */
const void *table_shown_row(const struct table *t, size_t i);

void table_move(struct table *t, enum table_move move);
/* The next row (by > 0) or previous; the cursor stops at the ends. False: it was there. */
bool table_step(struct table *t, int by);
/* False when the table is empty. */
bool table_get_cursor(const struct table *t, uint64_t *ret_id);
const void *table_cursor_row(const struct table *t);
size_t table_cursor_position(const struct table *t); /* 1-based among the shown; 0: none */
bool table_set_cursor(struct table *t, uint64_t id); /* false: not shown */
/* The row at a line of the canvas that was drawn (mouse); line 0 are the heads. */
bool table_row_at_line(const struct table *t, int line, uint64_t *ret_id);
int table_column_at(const struct table *t, int col); /* -1: none */

void table_mark_toggle(struct table *t);   /* the cursor's row, then down */
void table_mark_range(struct table *t);    /* from the last mark to the cursor */
void table_mark_shown(struct table *t);
void table_unmark_all(struct table *t);
bool table_is_marked(const struct table *t, uint64_t id);
size_t table_marked(const struct table *t, size_t *ret_hidden);
/* Ids of the marked rows in shown order, then the hidden ones; returns how many there are. */
size_t table_get_marked(const struct table *t, uint64_t *ids, size_t cap);

/* What the columns left out of a row say: "IPV6 fd5e:...  PID 18423"; empty when all fit. */
void table_format_rest(const struct table *t, const void *row, char *buf, size_t cap);

#endif
