#ifndef MESHDECK_WIDGETS_LIST_PRIV_H
#define MESHDECK_WIDGETS_LIST_PRIV_H
/* What the parts of the list share: list.c (rows, cursor), list_order.c, list_rank.c, list_draw.c. */
#include "widgets/filter.h"
#include "widgets/idmap.h"
#include "widgets/list.h"

#define LIST_NO_ROW UINT64_MAX
enum { LIST_SEEN_ROWS = 256, LIST_CHANGED_MS = 2000, LIST_GUTTER = 4 };

/*
 * One row in the order: where it is in the source, and its sort keys as of the last sort: the
 * sorted column's number or first 8 bytes, then 16 bytes for what is equal so far (of the first
 * column, or of the rest of the same text or keys). Rows themselves are looked at only when these do not decide.
 */
struct list_entry {
    uint64_t id, key, tie[2];
    uint32_t at; /* the source's index */
};

/* What a row on the screen showed, to see what changed. */
struct list_seen {
    uint64_t id;
    uint32_t hash[LIST_COLUMNS_MAX];
    int64_t changed_ms[LIST_COLUMNS_MAX]; /* 0: long ago */
};

struct list_slot {
    int column, col, width;
};

struct list {
    const struct list_column *columns;
    size_t n_columns;
    struct list_source src;
    bool has_src;
    uint64_t generation;

    struct list_entry *order, *scratch;
    size_t n, order_cap, scratch_cap;
    uint32_t *shown; /* indexes into order that pass the filter */
    size_t n_shown, shown_cap;
    bool *taken; /* a flag a source row, for one pass */
    size_t taken_cap;
    uint64_t *ids; /* of the source's rows when they were last taken; LIST_NO_ROW: skipped */
    size_t n_ids, ids_cap;
    bool unique; /* no id came twice */
    struct idmap where; /* id to source index, filled when rows came or went */

    int sort;
    bool descending, unsorted;
    struct filter filter;

    bool has_cursor;
    uint64_t cursor, home; /* home: where the operator put it, if it is hidden now */
    size_t cursor_at, top, page;
    struct idmap marks, pending;
    bool has_last_mark;
    uint64_t last_mark;

    /* drawing */
    struct list_slot slot[LIST_COLUMNS_MAX];
    size_t n_slots;
    size_t skip;
    bool highlights;
    enum role wash;
    struct list_seen seen[2][LIST_SEEN_ROWS];
    size_t n_seen[2];
    int seen_now;
    int64_t next_ms; /* when the first highlight ends; 0: none */
};

const void *list_entry_row(const struct list *t, const struct list_entry *e);

/* Orders n entries by fresh keys, those equal by their place in the source; the scratch holds as
 * many. Flipped words sort downwards. */
void list_rank_sort(struct list *t, struct list_entry *e, size_t n, bool flip_key, bool flip_ties);
void list_order_set_keys(const struct list *t, struct list_entry *e);

/* Sorts [0, n) by fresh keys. */
void list_order_sort(struct list *t, struct list_entry *e, size_t n);
/* Merges m sorted new entries that stand behind the n of the order. */
void list_order_merge(struct list *t, size_t n, size_t m);

/* The filter over all rows, or over those shown (narrow). Then cursor and top are put right. */
void list_refilter(struct list *t, bool narrow);

#endif
