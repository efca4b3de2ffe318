/* Open addressing with linear probing. Owned by its user's thread. */
#include "widgets/idmap.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/xmem.h"

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_DELETED };

struct idmap_slot {
    uint64_t id;
    uint32_t value;
    uint32_t state;
};

void idmap_init(struct idmap *m)
{
    *m = (struct idmap){0};
}

void idmap_done(struct idmap *m)
{
    free(m->slots);
    idmap_init(m);
}

static size_t hash(uint64_t id)
{
    id ^= id >> 32;
    id *= 0x9e3779b97f4a7c15u;
    return (size_t)(id ^ id >> 29);
}

static struct idmap_slot *find(const struct idmap *m, uint64_t id)
{
    if (m->cap == 0)
        return NULL;
    for (size_t i = hash(id) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct idmap_slot *s = &m->slots[i];
        if (s->state == SLOT_FREE)
            return NULL;
        if (s->state == SLOT_USED && s->id == id)
            return s;
    }
}

static void rebuild(struct idmap *m, size_t cap)
{
    struct idmap old = *m;

    *m = (struct idmap){.slots = xmem_new(cap, sizeof *m->slots), .cap = cap};
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].state == SLOT_USED)
            idmap_put(m, old.slots[i].id, old.slots[i].value);
    free(old.slots);
}

void idmap_clear(struct idmap *m, size_t expect)
{
    size_t cap = 64;

    while (cap < expect * 2)
        cap *= 2;
    if (cap > m->cap) {
        free(m->slots);
        *m = (struct idmap){.slots = xmem_new(cap, sizeof *m->slots), .cap = cap};
        return;
    }
    memset(m->slots, 0, m->cap * sizeof *m->slots);
    m->n = m->used = 0;
}

void idmap_put(struct idmap *m, uint64_t id, uint32_t value)
{
    struct idmap_slot *s = find(m, id);

    if (s) {
        s->value = value;
        return;
    }
    if (m->used + 1 > m->cap / 2 + m->cap / 8)
        rebuild(m, m->cap == 0 ? 64 : m->n + 1 > m->cap / 3 ? m->cap * 2 : m->cap);
    size_t i = hash(id) & (m->cap - 1);
    while (m->slots[i].state == SLOT_USED)
        i = (i + 1) & (m->cap - 1);
    if (m->slots[i].state == SLOT_FREE)
        m->used++;
    m->slots[i] = (struct idmap_slot){id, value, SLOT_USED};
    m->n++;
}

void idmap_expect(const struct idmap *m, uint64_t id)
{
    if (m->cap > 0)
        __builtin_prefetch(&m->slots[hash(id) & (m->cap - 1)]);
}

bool idmap_get(const struct idmap *m, uint64_t id, uint32_t *ret)
{
    const struct idmap_slot *s = find(m, id);

    if (s)
        *ret = s->value;
    return s != NULL;
}

bool idmap_has(const struct idmap *m, uint64_t id)
{
    return find(m, id) != NULL;
}

bool idmap_remove(struct idmap *m, uint64_t id)
{
    struct idmap_slot *s = find(m, id);

    if (!s)
        return false;
    s->state = SLOT_DELETED;
    m->n--;
    return true;
}

bool idmap_next(const struct idmap *m, size_t *at, uint64_t *ret_id, uint32_t *ret_value)
{
    for (; *at < m->cap; ++*at) {
        const struct idmap_slot *s = &m->slots[*at];
        if (s->state != SLOT_USED)
            continue;
        *ret_id = s->id;
        *ret_value = s->value;
        ++*at;
        return true;
    }
    return false;
}
