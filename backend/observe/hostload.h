#ifndef MESHDECK_OBSERVE_HOSTLOAD_H
#define MESHDECK_OBSERVE_HOSTLOAD_H
/*
 * How busy this node is: processor, memory, and the file system of the state folder. Called by a
 * timer (every two seconds is plenty) on the engine thread: two small reads of /proc and a statvfs.
 */
#include <stdint.h>

#include "backend/model/err.h"

struct hostload {
    uint32_t cores;
    uint32_t cpu_permille;  /* of all cores together, since the call before; 0 at the first */
    uint32_t mem_permille;  /* not available for new work, of all memory */
    uint32_t disk_permille; /* used, as df counts it */
    uint64_t mem_total_bytes, mem_available_bytes;
    uint64_t disk_total_bytes, disk_available_bytes;
    uint64_t cpu_busy, cpu_all; /* ticks so far: the state for the next call */
};

/* Renews *h, which is zeroed before the first call. What could not be read is left as it was and
 * the first such is the error. */
int hostload_read(struct hostload *h, const char *state_dir, struct err *e);

/* The parsers, for tests: text of /proc/stat and /proc/meminfo. */
int hostload_parse_stat(const char *text, struct hostload *h);
int hostload_parse_meminfo(const char *text, struct hostload *h);

#endif
