/*
 * The readers' side of a table: views and what is found in them. A view never changes; whoever
 * drops the last reference to it, or to a chunk, frees it, on any thread.
 */
#include "backend/model/table_priv.h"

#include <stdlib.h>

void table_chunk_unref(struct table_chunk *c)
{
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
        free(c);
}

size_t table_chunk_search(const struct table_chunk *c, const struct row_type *type, const void *key,
                          bool *ret_found)
{
    size_t lo = 0, hi = c->n;

    *ret_found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int r = type->compare(table_chunk_row(c, type->size, mid), key);
        if (r == 0) {
            *ret_found = true;
            return mid;
        }
        if (r < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t table_chunks_search(struct table_chunk *const *chunks, size_t n, const struct row_type *type,
                           const void *key)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (type->compare(table_chunk_row(chunks[mid], type->size, 0), key) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? lo - 1 : 0;
}

size_t table_starts_search(const uint32_t *starts, size_t n, size_t index)
{
    size_t at = 0;

    /* Without a branch to guess wrong: this runs for each of many rows at one key. */
    for (size_t half; n > 1; n -= half) {
        half = n / 2;
        at = starts[at + half] <= index ? at + half : at;
    }
    return at;
}

struct table_view *table_view_ref(struct table_view *v)
{
    atomic_fetch_add_explicit(&((struct view_box *)v)->refs, 1, memory_order_relaxed);
    return v;
}

void table_view_unref(struct table_view *v)
{
    struct view_box *b = (struct view_box *)v;

    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < v->n_chunks; i++)
        table_chunk_unref(b->chunks[i]);
    free(b);
}

const void *view_at(const struct table_view *v, size_t index)
{
    if (index >= v->n_rows)
        return NULL;
    size_t chunk = table_starts_search(v->starts, v->n_chunks, index);
    return table_chunk_row(v->chunks[chunk], v->type->size, index - v->starts[chunk]);
}

size_t view_index_of(const struct table_view *v, const void *key, bool *ret_found)
{
    bool found = false;
    size_t index = 0;

    if (v->n_chunks > 0) {
        size_t chunk = table_chunks_search(v->chunks, v->n_chunks, v->type, key);
        index = v->starts[chunk] + table_chunk_search(v->chunks[chunk], v->type, key, &found);
    }
    if (ret_found)
        *ret_found = found;
    return index;
}

const void *view_find(const struct table_view *v, const void *key)
{
    bool found;
    size_t index = view_index_of(v, key, &found);

    return found ? view_at(v, index) : NULL;
}

const void *view_next(const struct table_view *v, struct view_cursor *c)
{
    if (c->chunk >= v->n_chunks)
        return NULL;
    const void *row = table_chunk_row(v->chunks[c->chunk], v->type->size, c->row);
    if (++c->row == v->chunks[c->chunk]->n) {
        c->row = 0;
        c->chunk++;
    }
    return row;
}

/* The row under a cursor without moving it. */
static const void *peek(const struct table_view *v, const struct view_cursor *c)
{
    struct view_cursor at = *c;
    return v ? view_next(v, &at) : NULL;
}

int table_diff(const struct table_view *from, const struct table_view *to, table_diff_fn *fn,
               void *arg)
{
    struct view_cursor a = {0, 0}, b = {0, 0};

    for (;;) {
        if (from && a.row == 0 && b.row == 0 && a.chunk < from->n_chunks &&
            b.chunk < to->n_chunks && from->chunks[a.chunk] == to->chunks[b.chunk]) {
            a.chunk++;
            b.chunk++;
            continue;
        }
        const void *old = peek(from, &a), *new = peek(to, &b);
        int r = 0;
        if (!old && !new)
            return 0;
        int order = !old ? 1 : !new ? -1 : to->type->compare(old, new);
        if (order < 0)
            r = fn(TABLE_REMOVED, old, arg);
        else if (order > 0 || !row_equal(to->type, old, new))
            r = fn(TABLE_PUT, new, arg);
        if (r != 0)
            return r;
        if (order <= 0)
            (void)view_next(from, &a); /* only to move on */
        if (order >= 0)
            (void)view_next(to, &b);
    }
}
