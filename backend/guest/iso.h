#ifndef MESHDECK_GUEST_ISO_H
#define MESHDECK_GUEST_ISO_H
/*
 * Writes a small ISO 9660 volume with Rock Ridge names: some files in the root folder, each at most
 * a few hundred KiB, owned by root and read-only. Pure; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

enum { ISO_FILES_MAX = 8, ISO_BLOCK = 2048, ISO_SYSTEM_BYTES = 16 * ISO_BLOCK };

struct iso_file {
    const char *name;       /* as Linux shows it, at most 64 bytes */
    const char *short_name; /* "META.;1": distinct, given in ascending order */
    const void *bytes;      /* borrowed */
    size_t len;
};

/* *ret is malloc'd, a multiple of 2048 and at least min_bytes long. `system` (may be NULL) goes to
 * the very beginning, at most ISO_SYSTEM_BYTES, which ISO 9660 leaves to others. */
int iso_build(const char *label, const struct iso_file *files, size_t n_files, const void *system,
              size_t system_len, size_t min_bytes, uint8_t **ret, size_t *ret_len, struct err *e);

#endif
