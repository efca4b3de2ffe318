/* The lines of the benchmarks. */
#include "tests/support/bench.h"

#include <stdio.h>
#include <time.h>

double bench_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool line(const char *name, const char *ours, const char *other, double ratio, double target)
{
    bool ok = ratio <= target;
    printf("%-44s %14s %14s %7.2f %7.2f  %s\n", name, ours, other, ratio, target,
           ok ? "met" : "missed");
    fflush(stdout);
    return ok;
}

bool bench_ratio(const char *name, double ours, double other, double target, const char *unit)
{
    char a[32], b[32];
    (void)snprintf(a, sizeof a, "%.2f %s", ours, unit);
    (void)snprintf(b, sizeof b, "%.2f %s", other, unit);
    return line(name, a, b, other > 0 ? ours / other : 1e9, target);
}

bool bench_limit(const char *name, double ours, double limit, const char *unit)
{
    char a[32], b[32];
    (void)snprintf(a, sizeof a, "%.2f %s", ours, unit);
    (void)snprintf(b, sizeof b, "limit %g %s", limit, unit);
    return line(name, a, b, limit > 0 ? ours / limit : ours > 0 ? 1e9 : 0, 1.0);
}

int bench_skip(const char *name, const char *why)
{
    printf("%-44s SKIP %s\n", name, why);
    return 0;
}
