/*
 * The speed of the time-stamp counter, measured once against the monotonic clock. Any thread: two
 * that come at once measure twice and find the same.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "backend/vmm/probe.h"

#ifdef __x86_64__
#include <x86intrin.h>

enum { MEASURE_NS = 10000000 };

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &t); /* cannot fail for this clock */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

unsigned probe_tsc_khz(void)
{
    static atomic_uint known;
    unsigned khz = atomic_load(&known);

    if (khz == 0) {
        const int64_t from = now_ns();
        const uint64_t first = __rdtsc();
        int64_t to = from;
        while (to - from < MEASURE_NS)
            to = now_ns();
        khz = (unsigned)((__rdtsc() - first) * 1000000 / (uint64_t)(to - from));
        atomic_store(&known, khz);
    }
    return khz;
}
#else
unsigned probe_tsc_khz(void)
{
    return 0;
}
#endif
