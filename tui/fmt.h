#ifndef MESHDECK_TUI_FMT_H
#define MESHDECK_TUI_FMT_H
/*
 * Numbers and instants as the console writes them: rates in bits a second with k M G of 1000,
 * memory and disk in MiB and GiB, local times in 24 hours with the day once it is not today.
 * Pure; every function ends buf with NUL and returns it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FMT_MAX = 32, FMT_KEY = 48 };

struct fmt_clock {
    int64_t now_ms;
    bool utc;
};

const char *fmt_rate(char buf[static FMT_MAX], uint64_t bps);          /* "237", "1.2k", "12.4M" */
const char *fmt_count(char buf[static FMT_MAX], uint64_t n);           /* "64,000" */
const char *fmt_mib(char buf[static FMT_MAX], uint64_t mib);           /* "311 MiB", "10 GiB" */
const char *fmt_bytes(char buf[static FMT_MAX], uint64_t bytes);       /* "1.2 GiB" */
const char *fmt_took(char buf[static FMT_MAX], int64_t ms);            /* "43 ms", "1.1 s" */

/* A WireGuard key in base64. */
const char *fmt_key(char buf[static FMT_KEY], const uint8_t key[static 32]);

/* An age for people: each second below 60 s, 5 s steps to 10 min, then minutes. */
const char *fmt_age(char buf[static FMT_MAX], int64_t then_ms, int64_t now_ms);
/* Milliseconds from now until fmt_age of it says something else. */
int fmt_age_wait_ms(int64_t then_ms, int64_t now_ms);

const char *fmt_hms(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms);
const char *fmt_hm(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms);
/* In 8 columns: "14:06:02" today, else "11-19". */
const char *fmt_short(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms);
const char *fmt_day_hms(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms);
const char *fmt_day(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms);
bool fmt_is_today(const struct fmt_clock *k, int64_t ms);

#endif
