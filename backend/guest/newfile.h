#ifndef MESHDECK_GUEST_NEWFILE_H
#define MESHDECK_GUEST_NEWFILE_H
/*
 * A file that is there whole and on disk, or not at all: written under another name in the same
 * folder, synced, then given its name. No link is followed. Waits for the disk.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct newfile {
    const void *bytes;
    size_t len;
    uint64_t file_bytes; /* the file's length when it is more than len: the rest is a hole */
    mode_t mode;
    uid_t uid; /* (uid_t)-1: as it is */
    gid_t gid;
    bool replace; /* else -EEXIST when there is one */
};

/* A folder to work in: O_PATH, not a link itself; negative errno. */
int newfile_open_dir(const char *dir, struct err *e);
int newfile_write(const char *dir, const char *name, const struct newfile *f, struct err *e);

#endif
