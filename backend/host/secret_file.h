#ifndef MESHDECK_HOST_SECRET_FILE_H
#define MESHDECK_HOST_SECRET_FILE_H
/*
 * Secrets on disk: files of mode 0600 in STATE/secrets (0700). Links are never followed; a file or
 * folder of another user, or one that others may read, is refused. It waits for the disk: start-up
 * or a pool thread, not the engine's loop.
 */
#include "backend/model/err.h"
#include "backend/model/secret.h"

/* -ENOENT (no text) when there is none. */
int secret_file_read(const char *dir, const char *name, struct secret *ret, struct err *e);

/* Makes the file whole and on disk, or not at all; -EEXIST (no text) when there is one already, so
 * that of two makers both end up with the first one's. */
int secret_file_create(const char *dir, const char *name, const struct secret *s, struct err *e);

#endif
