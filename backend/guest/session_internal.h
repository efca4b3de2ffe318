#ifndef MESHDECK_GUEST_SESSION_INTERNAL_H
#define MESHDECK_GUEST_SESSION_INTERNAL_H
/* What session.c and session_probe.c share. Engine thread. */
#include <limits.h>
#include <uv.h>

#include "backend/guest/session.h"

/* Probes log in at the same time, at most so many: a hundred guests that boot at once must not
 * take the processors that they boot with. */
enum { PROBE_WORKERS_MAX = 8 };

struct session_pool {
    uv_loop_t *loop;
    char worker[PATH_MAX];
    unsigned uid, gid;
    struct session *sessions;
    struct session_probe *probes;
    size_t n_sessions, n_probes, n_probe_workers;
};

/* A timer on the heap that is freed by its own close; NULL when memory ran out. */
uv_timer_t *session_timer_new(struct session_pool *p, void *data);
void session_timer_free(uv_timer_t *t); /* NULL is fine */

void session_probes_free(struct session_pool *p);

#endif
