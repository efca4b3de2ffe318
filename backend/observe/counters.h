#ifndef MESHDECK_OBSERVE_COUNTERS_H
#define MESHDECK_OBSERVE_COUNTERS_H
/*
 * Traffic counters of chosen links, read in the pool because the kernel answers under a lock that
 * the deletion of links holds for long. Engine thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

struct uv_loop_s;
struct counters;

struct link_counters {
    uint32_t ifindex;
    bool ok;                                             /* false: the link is gone */
    uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets; /* seen from the host */
};

/* Opens its socket in this thread's network namespace. */
int counters_new(struct uv_loop_s *loop, struct counters **ret, struct err *e);
void counters_free(struct counters *c); /* NULL is fine; `done` is not called any more */

/* Reads the counters of n links; `done` is called once, from the loop, with rows in the order asked
 * (valid during the call), or with `failed` set. -EBUSY while an earlier read is under way. */
typedef void counters_fn(const struct link_counters *rows, size_t n, const struct err *failed,
                         void *arg);
int counters_read(struct counters *c, const uint32_t *ifindexes, size_t n, counters_fn *done,
                  void *arg, struct err *e);

#endif
