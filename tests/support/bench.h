#ifndef MESHDECK_TESTS_BENCH_H
#define MESHDECK_TESTS_BENCH_H
/*
 * Figures of the benchmarks: the best of several runs of ours against the best of the other tool's,
 * taken in turn, so that both meet the same machine. One line a figure, for tests/bench/run.
 */
#include <stdbool.h>
#include <stdint.h>

double bench_now_ms(void); /* monotonic */

/* Prints the line, unit like "ms"; false when ours / other is above target. */
bool bench_ratio(const char *name, double ours, double other, double target, const char *unit);
/* The same for a figure with a fixed limit and no other tool. */
bool bench_limit(const char *name, double ours, double limit, const char *unit);
/* Prints that it cannot run here and why; returns 0 for main. */
int bench_skip(const char *name, const char *why);

#endif
