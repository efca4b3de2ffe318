#ifndef MESHDECK_HOST_BALLAST_H
#define MESHDECK_HOST_BALLAST_H
/*
 * STATE/ballast: room on the disk that is ours already, given up when the disk is full, so that what
 * is there can still be written down, deleted and cleaned up. It waits for the disk: start-up or a
 * pool thread.
 */
#include <stddef.h>

#include "backend/model/err.h"

enum { BALLAST_BYTES = 16 * 1024 * 1024 };

/* Makes it again if it is missing or short. -ENOSPC when the disk has no room (nothing is left). */
int ballast_make(const char *state_dir, struct err *e);
/* Gives the room up; *ret_bytes (may be NULL) is what it held, 0 when there was none. */
int ballast_drop(const char *state_dir, size_t *ret_bytes, struct err *e);

#endif
