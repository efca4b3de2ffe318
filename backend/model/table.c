/*
 * Ordered tables in counted chunks: the writer's side. Its thread owns a struct table; chunks and
 * views are shared with readers and never changed once a view holds them: the writer copies a chunk
 * before it writes whenever anybody else counts on it. Within a chunk rows stay where they were put
 * and only a byte per row is moved to keep the order. Never blocks, never aborts on out-of-memory.
 */
#include "backend/model/table_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SMALL = 8, MERGE_BELOW = TABLE_CHUNK_ROWS / 4, MERGE_UPTO = TABLE_CHUNK_ROWS * 3 / 4 };

struct table {
    const struct row_type *type;
    struct table_chunk **chunks;
    uint32_t *starts; /* right below starts_ok */
    size_t n_chunks, cap_chunks, n_rows, starts_ok;
    uint64_t version;
    struct table_view *last; /* the view of this version, or NULL */
};

static struct table_chunk *chunk_new(size_t row_size, size_t cap)
{
    struct table_chunk *c = malloc(sizeof *c + row_size * cap);

    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->n = 0;
    c->cap = (uint16_t)cap;
    return c;
}

/* Appends rows [from, to) of src, in order. There is room. */
static void chunk_append(struct table_chunk *dst, const struct table_chunk *src, size_t row_size,
                         size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        dst->order[dst->n] = (uint8_t)dst->n;
        memcpy(dst->rows + row_size * dst->n, table_chunk_row(src, row_size, i), row_size);
        dst->n++;
    }
}

struct table *table_new(const struct row_type *type)
{
    struct table *t = calloc(1, sizeof *t);

    if (t)
        t->type = type;
    return t;
}

/* Every change begins here: the view of the old state is no longer the newest. */
static void touch(struct table *t)
{
    table_view_unref(t->last);
    t->last = NULL;
    t->version++;
}

void table_clear(struct table *t)
{
    if (t->n_rows == 0)
        return;
    touch(t);
    for (size_t i = 0; i < t->n_chunks; i++)
        table_chunk_unref(t->chunks[i]);
    t->n_chunks = t->n_rows = t->starts_ok = 0;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    table_clear(t);
    table_view_unref(t->last);
    free(t->chunks);
    free(t->starts);
    free(t);
}

static int chunks_reserve(struct table *t)
{
    if (t->n_chunks < t->cap_chunks)
        return 0;
    size_t cap = t->cap_chunks ? t->cap_chunks * 2 : 8;
    struct table_chunk **chunks = realloc(t->chunks, cap * sizeof *chunks);
    if (!chunks)
        return -ENOMEM;
    t->chunks = chunks;
    uint32_t *starts = realloc(t->starts, cap * sizeof *starts);
    if (!starts)
        return -ENOMEM;
    t->starts = starts;
    t->cap_chunks = cap;
    return 0;
}

/* There is room for it. */
static void chunks_insert(struct table *t, size_t at, struct table_chunk *c)
{
    memmove(t->chunks + at + 1, t->chunks + at, (t->n_chunks - at) * sizeof *t->chunks);
    t->chunks[at] = c;
    t->n_chunks++;
    if (t->starts_ok > at)
        t->starts_ok = at;
}

static void chunks_drop(struct table *t, size_t at)
{
    table_chunk_unref(t->chunks[at]);
    t->n_chunks--;
    memmove(t->chunks + at, t->chunks + at + 1, (t->n_chunks - at) * sizeof *t->chunks);
    if (t->starts_ok > at)
        t->starts_ok = at;
}

/* Makes chunk `at` the table's alone, with room for `want` rows. */
static int chunk_own(struct table *t, size_t at, size_t want)
{
    struct table_chunk *c = t->chunks[at];
    size_t cap = c->cap;

    if (atomic_load_explicit(&c->refs, memory_order_acquire) == 1 && cap >= want)
        return 0;
    while (cap < want)
        cap *= 2;
    struct table_chunk *own = chunk_new(t->type->size, cap);
    if (!own)
        return -ENOMEM;
    chunk_append(own, c, t->type->size, 0, c->n);
    t->chunks[at] = own;
    table_chunk_unref(c);
    return 0;
}

/* Two half-full chunks in the place of a full one. */
static int chunk_split(struct table *t, size_t at)
{
    struct table_chunk *c = t->chunks[at];
    size_t half = c->n / 2u;
    struct table_chunk *left = chunk_new(t->type->size, TABLE_CHUNK_ROWS);
    struct table_chunk *right = chunk_new(t->type->size, TABLE_CHUNK_ROWS);

    if (!left || !right || chunks_reserve(t) < 0) {
        free(left);
        free(right);
        return -ENOMEM;
    }
    chunk_append(left, c, t->type->size, 0, half);
    chunk_append(right, c, t->type->size, half, c->n);
    t->chunks[at] = left;
    table_chunk_unref(c);
    chunks_insert(t, at + 1, right);
    return 0;
}

/* A new chunk at the end: rows that come in order fill chunks to the brim. */
static int chunk_add(struct table *t)
{
    struct table_chunk *c = chunk_new(t->type->size, t->n_chunks ? TABLE_CHUNK_ROWS : CHUNK_SMALL);

    if (!c || chunks_reserve(t) < 0) {
        free(c);
        return -ENOMEM;
    }
    chunks_insert(t, t->n_chunks, c);
    return 0;
}

static int insert_at(struct table *t, size_t chunk, size_t i, const void *row)
{
    bool full = t->n_chunks == 0 || t->chunks[chunk]->n == TABLE_CHUNK_ROWS;
    bool at_end = t->n_chunks == 0 || (chunk == t->n_chunks - 1 && i == t->chunks[chunk]->n);

    if (full && at_end) {
        if (chunk_add(t) < 0)
            return -ENOMEM;
        chunk = t->n_chunks - 1;
        i = 0;
    } else if (full) {
        if (chunk_split(t, chunk) < 0)
            return -ENOMEM;
        if (i > t->chunks[chunk]->n) {
            i -= t->chunks[chunk]->n;
            chunk++;
        }
    }
    if (chunk_own(t, chunk, t->chunks[chunk]->n + 1u) < 0)
        return -ENOMEM;
    struct table_chunk *c = t->chunks[chunk];
    memmove(c->order + i + 1, c->order + i, c->n - i);
    c->order[i] = (uint8_t)c->n;
    memcpy(c->rows + t->type->size * c->n, row, t->type->size);
    c->n++;
    t->n_rows++;
    if (t->starts_ok > chunk + 1)
        t->starts_ok = chunk + 1;
    return 0;
}

/* Where the row with this key is or belongs. */
static size_t table_search(const struct table *t, const void *key, size_t *ret_i, bool *ret_found)
{
    *ret_i = 0;
    *ret_found = false;
    if (t->n_chunks == 0)
        return 0;
    struct table_chunk *last = t->chunks[t->n_chunks - 1];
    if (t->type->compare(table_chunk_row(last, t->type->size, last->n - 1u), key) < 0) {
        *ret_i = last->n;
        return t->n_chunks - 1;
    }
    size_t chunk = table_chunks_search(t->chunks, t->n_chunks, t->type, key);
    *ret_i = table_chunk_search(t->chunks[chunk], t->type, key, ret_found);
    return chunk;
}

int table_put(struct table *t, const void *row, bool *ret_changed)
{
    size_t i;
    bool found;
    size_t chunk = table_search(t, row, &i, &found);

    if (ret_changed)
        *ret_changed = false;
    if (found && row_equal(t->type, table_chunk_row(t->chunks[chunk], t->type->size, i), row))
        return 0;
    touch(t);
    if (found) {
        if (chunk_own(t, chunk, t->chunks[chunk]->n) < 0)
            return -ENOMEM;
        memcpy(table_chunk_row(t->chunks[chunk], t->type->size, i), row, t->type->size);
    } else if (insert_at(t, chunk, i, row) < 0) {
        return -ENOMEM;
    }
    if (ret_changed)
        *ret_changed = true;
    return 0;
}

/* Keeps chunks from staying nearly empty; without memory they do, which is no harm. */
static void merge_around(struct table *t, size_t at)
{
    if (t->n_chunks < 2 || t->chunks[at]->n >= MERGE_BELOW)
        return;
    size_t left = at + 1 < t->n_chunks ? at : at - 1;
    struct table_chunk *a = t->chunks[left], *b = t->chunks[left + 1];
    if (a->n + b->n > MERGE_UPTO)
        return;
    struct table_chunk *c = chunk_new(t->type->size, TABLE_CHUNK_ROWS);
    if (!c)
        return;
    chunk_append(c, a, t->type->size, 0, a->n);
    chunk_append(c, b, t->type->size, 0, b->n);
    chunks_drop(t, left + 1);
    t->chunks[left] = c;
    table_chunk_unref(a);
}

int table_remove(struct table *t, const void *key)
{
    size_t i;
    bool found;
    size_t at = table_search(t, key, &i, &found);

    if (!found)
        return 0;
    touch(t);
    if (chunk_own(t, at, t->chunks[at]->n) < 0)
        return -ENOMEM;
    struct table_chunk *c = t->chunks[at];
    uint8_t hole = c->order[i];
    c->n--;
    t->n_rows--;
    memmove(c->order + i, c->order + i + 1, c->n - i);
    if (hole != c->n) {
        uint8_t *moved = memchr(c->order, (int)c->n, c->n);
        assert(moved);
        memcpy(c->rows + t->type->size * hole, c->rows + t->type->size * c->n, t->type->size);
        *moved = hole;
    }
    if (t->starts_ok > at + 1)
        t->starts_ok = at + 1;
    if (c->n == 0)
        chunks_drop(t, at);
    else
        merge_around(t, at);
    return 1;
}

const void *table_find(const struct table *t, const void *key)
{
    size_t i;
    bool found;
    size_t chunk = table_search(t, key, &i, &found);

    return found ? table_chunk_row(t->chunks[chunk], t->type->size, i) : NULL;
}

static void starts_update(struct table *t)
{
    uint32_t start = 0;

    if (t->starts_ok > 0)
        start = t->starts[t->starts_ok - 1] + t->chunks[t->starts_ok - 1]->n;
    for (; t->starts_ok < t->n_chunks; t->starts_ok++) {
        t->starts[t->starts_ok] = start;
        start += t->chunks[t->starts_ok]->n;
    }
}

const void *table_at(struct table *t, size_t index)
{
    if (index >= t->n_rows)
        return NULL;
    starts_update(t);
    size_t chunk = table_starts_search(t->starts, t->n_chunks, index);
    return table_chunk_row(t->chunks[chunk], t->type->size, index - t->starts[chunk]);
}

size_t table_count(const struct table *t)
{
    return t->n_rows;
}

uint64_t table_version(const struct table *t)
{
    return t->version;
}

struct table_view *table_snapshot(struct table *t)
{
    size_t n = t->n_chunks;

    if (t->last)
        return table_view_ref(t->last);
    struct view_box *b = malloc(sizeof *b + n * (sizeof *b->chunks + sizeof *t->starts));
    if (!b)
        return NULL;
    uint32_t *starts = (uint32_t *)(void *)(b->chunks + n);
    starts_update(t);
    for (size_t i = 0; i < n; i++) {
        b->chunks[i] = t->chunks[i];
        starts[i] = t->starts[i];
        atomic_fetch_add_explicit(&t->chunks[i]->refs, 1, memory_order_relaxed);
    }
    atomic_init(&b->refs, 1);
    b->view = (struct table_view){t->type, t->n_rows, n, b->chunks, starts, t->version};
    t->last = table_view_ref(&b->view);
    return &b->view;
}
