#ifndef MESHDECK_MODEL_TABLE_PRIV_H
#define MESHDECK_MODEL_TABLE_PRIV_H
/* How a table's chunks and a view of them lie in memory; for table.c and table_view.c only. */
#include <stdatomic.h>

#include "backend/model/rows.h"
#include "backend/model/table.h"

struct table_chunk {
    _Atomic uint32_t refs;
    uint16_t n, cap;
    uint8_t order[TABLE_CHUNK_ROWS]; /* order[i] is the slot of the i-th row */
    _Alignas(16) unsigned char rows[];
};

/* A view as it lies in memory: the public part, then its chunks and starts. */
struct view_box {
    struct table_view view;
    _Atomic uint32_t refs;
    struct table_chunk *chunks[];
};

void table_chunk_unref(struct table_chunk *c);
static inline void *table_chunk_row(const struct table_chunk *c, size_t row_size, size_t i)
{
    return (void *)(uintptr_t)(c->rows + row_size * c->order[i]);
}
/* First index in the chunk whose row is not below key. */
size_t table_chunk_search(const struct table_chunk *c, const struct row_type *type, const void *key,
                          bool *ret_found);
/* The chunk where key stands or belongs: the last one whose first row is not above it. */
size_t table_chunks_search(struct table_chunk *const *chunks, size_t n, const struct row_type *type,
                           const void *key);
/* The chunk that holds row `index`, which is in range. */
size_t table_starts_search(const uint32_t *starts, size_t n, size_t index);

#endif
