#ifndef MESHDECK_ENGINE_DETAIL_H
#define MESHDECK_ENGINE_DETAIL_H
/* Building the answers of the *.detail commands: lines of {label, text}. Engine thread. */
#include "backend/model/addr.h"

struct json_t;

void detail_line(struct json_t *lines, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "14.1 kB", "3.4 GiB" as console.md's units. */
const char *detail_bytes(unsigned long long n, char buf[static 24]);
/* "14:02:11", with the day when it is not today; "never" for 0. */
const char *detail_time(long long ms, char buf[static 32]);

#endif
