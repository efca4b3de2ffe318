#ifndef MESHDECK_WIDGETS_LIST_H
#define MESHDECK_WIDGETS_LIST_H
/*
 * The list. Columns are a const table; rows stay the program's (a snapshot); only those on the
 * screen are formatted. Cursor and marks belong to row ids. Made for 64,000 rows: one pass over them when
 * rows, filter or order change, none to draw. Memory grows with the rows, never per frame.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "widgets/canvas.h"

struct list;

enum { LIST_CELL_MAX = 128, LIST_COLUMNS_MAX = 16 };

struct list_cell {
    char text[LIST_CELL_MAX];
    enum role role; /* ROLE_BASE unless set */
};

struct list_column {
    const char *id;    /* "cpu": for :sort and filters */
    const char *title; /* "CPU %" */
    int width;
    bool grow;         /* takes spare room */
    enum cells_align align;
    int priority;      /* 1 is never dropped, 5 goes first; of equals the rightmost goes first */
    char letter;       /* second key of sort; 0: not sortable */
    bool descending;   /* first sorted from the largest */
    bool meaning;      /* a change lights up for 2 s */

    /* What the cell shows. The text is cleaned and cut (middle) by the list. */
    void (*format)(void *ctx, const void *row, struct list_cell *cell);
    /* Optional, for search and sort without formatting. The text must stay as it is, at its own
     * address, while the rows do (no scratch buffer); words search columns that have a text or no
     * number. NAN: no number. */
    const char *(*text)(void *ctx, const void *row);
    double (*number)(void *ctx, const void *row);
    int (*compare)(void *ctx, const void *a, const void *b); /* optional: an order of its own */
    /* Optional, beside compare: words that sort as it does, the first one first. It is still asked
     * about rows where all of them are equal. */
    void (*keys)(void *ctx, const void *row, uint64_t ret[static 3]);
    /* The only bytes that its texts are made of, or NULL: no other word is sought there. */
    const char *letters;
};

struct list_source {
    void *ctx; /* handed to every function here and of the columns */
    size_t (*count)(void *ctx);
    const void *(*row)(void *ctx, size_t i); /* NULL is skipped */
    uint64_t (*id)(void *ctx, const void *row);
    /* Optional: the glyph of the gutter and its role. */
    uint32_t (*glyph)(void *ctx, const void *row, bool utf8, enum role *ret_role);
};

enum list_move {
    LIST_UP, LIST_DOWN, LIST_PAGE_UP, LIST_PAGE_DOWN, LIST_FIRST, LIST_LAST,
    LIST_WHEEL_UP, LIST_WHEEL_DOWN
};

struct list *list_new(const struct list_column *columns, size_t n);
void list_free(struct list *t);

/*
 * The rows from now on (the struct is copied). Call for each new snapshot, generation saying which;
 * the same generation costs nothing. Known rows keep their place, new ones come in where they sort.
 * The rows must stay readable until the next call; no other call keeps row pointers.
 */
void list_set_source(struct list *t, const struct list_source *src, uint64_t generation);

/* Sorts again by the rows' present values: the program says when. */
void list_resort(struct list *t);
bool list_is_unsorted(const struct list *t); /* the order may no longer be that of the values */

/* Heads in row 0 of c, rows below. now_ms drives the 2 s of changed cells. */
void list_draw(struct list *t, struct canvas c, int64_t now_ms);
int list_wait_ms(const struct list *t, int64_t now_ms); /* until a highlight ends; -1: none */
void list_set_highlights(struct list *t, bool on);
/* All cells in this role (ROLE_STALE when the data are old); ROLE_BASE: their own. */
void list_set_wash(struct list *t, enum role role);
/* '~' in place of a row's own glyph: a capital that the engine has not accepted yet. */
void list_set_pending(struct list *t, uint64_t id, bool pending);
/* Shows columns further to the right; the first one stays. */
void list_scroll_columns(struct list *t, int by);

void list_sort(struct list *t, int column, bool descending);
void list_sort_letter(struct list *t, char letter); /* again: reverses */
void list_reverse(struct list *t);
int list_get_sort(const struct list *t, bool *ret_descending);
int list_find_column(const struct list *t, const char *name, size_t len);

void list_filter(struct list *t, const char *text); /* as typed; NULL or "" for none */
const char *list_get_filter(const struct list *t);

size_t list_count(const struct list *t); /* all rows */
size_t list_shown(const struct list *t); /* that pass the filter */
void list_get_window(const struct list *t, size_t *ret_first, size_t *ret_last); /* 1-based */
const void *list_shown_row(const struct list *t, size_t i);

void list_move(struct list *t, enum list_move move);
/* The next row (by > 0) or previous; the cursor stops at the ends. False: it was there. */
bool list_step(struct list *t, int by);
/* False when the table is empty. */
bool list_get_cursor(const struct list *t, uint64_t *ret_id);
const void *list_cursor_row(const struct list *t);
size_t list_cursor_position(const struct list *t); /* 1-based among the shown; 0: none */
bool list_set_cursor(struct list *t, uint64_t id); /* false: not shown */
/* The row at a line of the canvas that was drawn (mouse); line 0 are the heads. */
bool list_row_at_line(const struct list *t, int line, uint64_t *ret_id);
int list_column_at(const struct list *t, int col); /* -1: none */

void list_mark_toggle(struct list *t); /* the cursor's row, then down */
void list_mark_range(struct list *t);  /* from the last mark to the cursor */
void list_mark_shown(struct list *t);
void list_unmark_all(struct list *t);
bool list_is_marked(const struct list *t, uint64_t id);
size_t list_marked(const struct list *t, size_t *ret_hidden);
/* Ids of the marked rows in shown order, then the hidden ones; returns how many there are. */
size_t list_get_marked(const struct list *t, uint64_t *ids, size_t cap);

/* What the columns left out of a row say: "IPV6 fd5e:...  PID 18423"; empty when all fit. */
void list_format_rest(const struct list *t, const void *row, char *buf, size_t cap);

#endif
