#ifndef MESHDECK_ENGINE_OWNED_H
#define MESHDECK_ENGINE_OWNED_H
/*
 * The owned end: starts the engine thread in this process and stands between it and the front end.
 * The functions here are the engine thread's side of it; the front end uses engine.h.
 */
#include "backend/engine/core.h"

struct owned;
struct uv_async_s;

enum owned_wish { OWNED_STAY, OWNED_LEAVE, OWNED_LEAVE_NOW };

/* What the front end has asked of the thread. */
enum owned_wish owned_wish(const struct owned *o);
/* Once, from the thread: it runs (wake is then used to reach it), or e says why not. */
void owned_started(struct owned *o, struct uv_async_s *wake, const struct err *e);
/* From the thread, before its loop ends: it can no longer be woken. */
void owned_closing(struct owned *o);
/* Once, as the thread's last act. */
void owned_ended(struct owned *o);

#endif
