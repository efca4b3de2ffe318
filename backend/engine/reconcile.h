#ifndef MESHDECK_ENGINE_RECONCILE_H
#define MESHDECK_ENGINE_RECONCILE_H
/*
 * Desired against actual, for everything: once at start, and again whenever something is seen that
 * may be drift. When the planner finds work, it becomes a ticket "repair"; when not, nothing is
 * written. Objects with a ticket of their own at work are left to it. Engine thread.
 */
#include <stdbool.h>

struct core;

int reconcile_init(struct core *c);
void reconcile_done(struct core *c);
void reconcile_soon(struct core *c);  /* gathered: at most once in 200 ms */
void reconcile_first(struct core *c); /* the start's: when it has ended, the engine is ready */

#endif
