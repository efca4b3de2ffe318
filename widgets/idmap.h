#ifndef MESHDECK_WIDGETS_IDMAP_H
#define MESHDECK_WIDGETS_IDMAP_H
/* A hash map from 64-bit ids to 32-bit values; also serves as a set. Grows, never shrinks. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap {
    struct idmap_slot *slots;
    size_t cap, n, used; /* used counts deleted slots as well */
};

void idmap_init(struct idmap *m);
void idmap_done(struct idmap *m);
void idmap_clear(struct idmap *m, size_t expect);
void idmap_put(struct idmap *m, uint64_t id, uint32_t value);
/* Says that the id is asked for or put soon: over many, memory is then not waited for. */
void idmap_expect(const struct idmap *m, uint64_t id);
bool idmap_get(const struct idmap *m, uint64_t id, uint32_t *ret);
bool idmap_has(const struct idmap *m, uint64_t id);
bool idmap_remove(struct idmap *m, uint64_t id);

/* Walks: *at is 0 at first; false at the end. */
bool idmap_next(const struct idmap *m, size_t *at, uint64_t *ret_id, uint32_t *ret_value);

#endif
