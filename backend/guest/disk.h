#ifndef MESHDECK_GUEST_DISK_H
#define MESHDECK_GUEST_DISK_H
/*
 * qcow2 disks: an overlay for each VM over its image's base disk, made here without running
 * anything, and the checks that every disk passes before a monitor may open it. A header is hostile
 * input. They wait for the disk: libuv's pool.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

enum { DISK_CHAIN_MAX = 8, DISK_BACKING_MAX = 1023, DISK_GIB_MAX = 65536 };

struct disk_info {
    const char *format;     /* "qcow2" or "raw"; static */
    uint64_t virtual_bytes; /* what the guest sees */
    uint64_t used_bytes;    /* what it takes on the host */
    char backing[DISK_BACKING_MAX + 1];
    char backing_format[16];
};

/* What is in the first `len` bytes of a file of file_bytes bytes. Pure. Refused: a qcow2 that is
 * truncated, encrypted, has an external data file or lies about its tables. */
int disk_parse(const uint8_t *head, size_t len, uint64_t file_bytes, struct disk_info *ret,
               struct err *e);

/* A new overlay of `bytes` over `backing` (relative to dir or absolute; NULL: none), 0600 and
 * uid's; it grows as it is used. -EEXIST when there is one; the backing disk is checked first. */
int disk_create(const char *dir, const char *name, const char *backing, uint64_t bytes, uid_t uid,
                gid_t gid, struct err *e);

/* Makes a disk of ours larger; never smaller (-EINVAL). Only while no monitor has it open. */
int disk_grow(const char *dir, const char *name, uint64_t bytes, struct err *e);

/* dir/name and all that it stands on: regular files, no links; the first may lie in dir, every
 * backing file in dir or below store_dir. */
int disk_check(const char *dir, const char *name, const char *store_dir, struct disk_info *ret,
               struct err *e);

#endif
