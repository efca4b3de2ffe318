#ifndef MESHDECK_MODEL_TABLE_H
#define MESHDECK_MODEL_TABLE_H
/*
 * An ordered table of fixed-size rows in counted chunks of at most 256 rows, so that a snapshot of
 * it costs one pointer per chunk and one changed row copies one chunk. A row starts with a uint64_t
 * id; rows are ordered by the row type's compare function, and equal means the same row.
 * A table has one writer thread (the engine's); a snapshot made by table_snapshot is immutable and
 * may be read and freed by any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TABLE_CHUNK_ROWS = 256 };

struct row_type; /* rows.h */
struct table;    /* the writer's */

/* What readers hold. Rows are plain values and interned strings: nothing in them to free. */
struct table_view {
    const struct row_type *type;
    size_t n_rows, n_chunks;
    struct table_chunk *const *chunks;
    const uint32_t *starts; /* index of each chunk's first row, n_chunks of them */
    uint64_t version;       /* changes whenever a row does */
};

struct table *table_new(const struct row_type *type);
void table_free(struct table *t);

/* Inserts or replaces; *ret_changed false when an equal row was there already. -ENOMEM. */
int table_put(struct table *t, const void *row, bool *ret_changed); /* ret_changed may be NULL */
/* Removes the row that compares equal to key: 1, 0 when there was none, -ENOMEM (then it stays). */
int table_remove(struct table *t, const void *key);
const void *table_find(const struct table *t, const void *key);
const void *table_at(struct table *t, size_t index); /* NULL when out of range */
size_t table_count(const struct table *t);
uint64_t table_version(const struct table *t);
void table_clear(struct table *t);

/* A view of the table as it is now; costs a pointer and a count per chunk, and the same view again
 * while nothing changed. NULL: no memory. */
struct table_view *table_snapshot(struct table *t);
struct table_view *table_view_ref(struct table_view *v);
void table_view_unref(struct table_view *v);

const void *view_at(const struct table_view *v, size_t index); /* NULL when out of range */
const void *view_find(const struct table_view *v, const void *key);
/* Index of the row, or of where it would stand; *ret_found may be NULL. */
size_t view_index_of(const struct table_view *v, const void *key, bool *ret_found);

/* Walks a view in order, cheaper than view_at: start with {0}; NULL at the end. */
struct view_cursor {
    size_t chunk, row;
};
const void *view_next(const struct table_view *v, struct view_cursor *c);

/*
 * What turns `from` into `to`: calls back for each row removed, added or changed, in order. Shared
 * chunks are skipped, so it costs what changed. `from` may be NULL (all added).
 */
enum table_change { TABLE_REMOVED, TABLE_PUT };
typedef int table_diff_fn(enum table_change change, const void *row, void *arg);
int table_diff(const struct table_view *from, const struct table_view *to, table_diff_fn *fn,
               void *arg); /* stops at the callback's first non-zero and returns it */

#endif
