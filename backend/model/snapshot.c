/*
 * Snapshots and the box they are handed over in. A snapshot never changes after snapshot_new_take;
 * whoever drops the last reference frees it, on any thread. The box's lock covers a pointer swap
 * and a count, nothing else.
 */
#include "backend/model/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct counted {
    struct snapshot snapshot; /* first, so that one pointer serves both */
    _Atomic uint32_t refs;
};

struct snapshot_box {
    pthread_mutex_t lock;
    struct snapshot *newest;
};

struct snapshot *snapshot_new_take(const struct snapshot_meta *meta,
                                   struct table_view *views[static TABLE_COUNT])
{
    struct counted *c = malloc(sizeof *c);

    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->snapshot.meta = *meta;
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        c->snapshot.tables[i] = views[i];
    return &c->snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&((struct counted *)s)->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    struct counted *c = (struct counted *)s;

    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        table_view_unref(s->tables[i]);
    free(c);
}

struct snapshot_box *snapshot_box_new(void)
{
    struct snapshot_box *b = calloc(1, sizeof *b);

    if (b && pthread_mutex_init(&b->lock, NULL) != 0) {
        free(b);
        return NULL;
    }
    return b;
}

void snapshot_box_free(struct snapshot_box *b)
{
    if (!b)
        return;
    snapshot_unref(b->newest);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void snapshot_box_publish_take(struct snapshot_box *b, struct snapshot *s)
{
    pthread_mutex_lock(&b->lock);
    struct snapshot *old = b->newest;
    b->newest = s;
    pthread_mutex_unlock(&b->lock);
    snapshot_unref(old);
}

struct snapshot *snapshot_box_get(struct snapshot_box *b)
{
    pthread_mutex_lock(&b->lock);
    struct snapshot *s = b->newest ? snapshot_ref(b->newest) : NULL;
    pthread_mutex_unlock(&b->lock);
    return s;
}
