/* Numbers and instants as text. Pure; any thread. */
#include "tui/fmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SECOND = 1000, MINUTE = 60, HOUR = 3600, DAY = 86400 };

const char *fmt_rate(char buf[static FMT_MAX], uint64_t bps)
{
    static const char unit[] = " kMGTPE";
    double v = (double)bps;
    unsigned u = 0;

    while (v >= 999.5 && u < sizeof unit - 2) {
        v /= 1000;
        u++;
    }
    if (u == 0)
        snprintf(buf, FMT_MAX, "%" PRIu64, bps);
    else if (v < 9.95 || (u > 1 && v < 99.95))
        snprintf(buf, FMT_MAX, "%.1f%c", v, unit[u]);
    else
        snprintf(buf, FMT_MAX, "%.0f%c", v, unit[u]);
    return buf;
}

const char *fmt_count(char buf[static FMT_MAX], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
    return buf;
}

const char *fmt_mib(char buf[static FMT_MAX], uint64_t mib)
{
    if (mib < 1024)
        snprintf(buf, FMT_MAX, "%" PRIu64 " MiB", mib);
    else if (mib % 1024 == 0 || mib >= 100 * 1024)
        snprintf(buf, FMT_MAX, "%" PRIu64 " GiB", mib / 1024);
    else
        snprintf(buf, FMT_MAX, "%.1f GiB", (double)mib / 1024);
    return buf;
}

const char *fmt_bytes(char buf[static FMT_MAX], uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)bytes;
    unsigned u = 0;

    while (v >= 1000 && u < 5) {
        v /= 1024;
        u++;
    }
    if (u < 3 || v >= 99.95)
        snprintf(buf, FMT_MAX, "%.0f %s", v, unit[u]);
    else
        snprintf(buf, FMT_MAX, "%.1f %s", v, unit[u]);
    return buf;
}

const char *fmt_took(char buf[static FMT_MAX], int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms < SECOND)
        snprintf(buf, FMT_MAX, "%" PRId64 " ms", ms);
    else if (ms < 9950)
        snprintf(buf, FMT_MAX, "%.1f s", (double)ms / SECOND);
    else if (ms < 120 * SECOND)
        snprintf(buf, FMT_MAX, "%" PRId64 " s", (ms + 500) / SECOND);
    else
        snprintf(buf, FMT_MAX, "%" PRId64 "m %02" PRId64 "s", ms / SECOND / MINUTE,
                 ms / SECOND % MINUTE);
    return buf;
}

const char *fmt_key(char buf[static FMT_KEY], const uint8_t key[static 32])
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (int i = 0; i < 11; i++) {
        const uint8_t *p = key + i * 3;
        uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | (i < 10 ? p[2] : 0u);
        for (int k = 0; k < 4; k++)
            buf[i * 4 + k] = digit[bits >> (18 - 6 * k) & 63];
    }
    buf[43] = '=';
    buf[44] = '\0';
    return buf;
}

/* Seconds of an age as shown, and when the next step is due. Whole seconds of the clock, so that
 * all ages on a screen change in one frame. */
static int64_t shown_age(int64_t then_ms, int64_t now_ms, int64_t *ret_next)
{
    int64_t s = now_ms / SECOND - then_ms / SECOND;
    int64_t step = s < MINUTE ? 1 : s < 10 * MINUTE ? 5 : MINUTE;

    if (s < 0)
        s = 0;
    s -= s % step;
    *ret_next = s + step;
    return s;
}

const char *fmt_age(char buf[static FMT_MAX], int64_t then_ms, int64_t now_ms)
{
    int64_t next, s = shown_age(then_ms, now_ms, &next);

    if (s < MINUTE)
        snprintf(buf, FMT_MAX, "%" PRId64 "s", s);
    else if (s < 10 * MINUTE)
        snprintf(buf, FMT_MAX, "%" PRId64 "m %02" PRId64 "s", s / MINUTE, s % MINUTE);
    else if (s < HOUR)
        snprintf(buf, FMT_MAX, "%" PRId64 "m", s / MINUTE);
    else if (s < DAY)
        snprintf(buf, FMT_MAX, "%" PRId64 "h %02" PRId64 "m", s / HOUR, s % HOUR / MINUTE);
    else
        snprintf(buf, FMT_MAX, "%" PRId64 "d %02" PRId64 "h", s / DAY, s % DAY / HOUR);
    return buf;
}

int fmt_age_wait_ms(int64_t then_ms, int64_t now_ms)
{
    int64_t next;

    if (then_ms <= 0)
        return -1;
    shown_age(then_ms, now_ms, &next);
    int64_t due = (then_ms / SECOND + next) * SECOND - now_ms;
    return due < 1 ? 1 : due > MINUTE * SECOND ? MINUTE * SECOND : (int)due;
}

static void split(const struct fmt_clock *k, int64_t ms, struct tm *ret)
{
    time_t t = (time_t)(ms / SECOND);

    memset(ret, 0, sizeof *ret);
    if (k->utc)
        gmtime_r(&t, ret);
    else
        localtime_r(&t, ret);
}

bool fmt_is_today(const struct fmt_clock *k, int64_t ms)
{
    struct tm a, b;

    split(k, ms, &a);
    split(k, k->now_ms, &b);
    return a.tm_yday == b.tm_yday && a.tm_year == b.tm_year;
}

static const char *put(char *buf, const struct fmt_clock *k, int64_t ms, const char *today,
                       const char *else_)
{
    struct tm t;

    if (ms <= 0) {
        snprintf(buf, FMT_MAX, "-");
        return buf;
    }
    split(k, ms, &t);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (strftime(buf, FMT_MAX, fmt_is_today(k, ms) ? today : else_, &t) == 0)
        buf[0] = '\0';
#pragma GCC diagnostic pop
    return buf;
}

const char *fmt_hms(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms)
{
    return put(buf, k, ms, "%H:%M:%S", "%m-%d %H:%M");
}

const char *fmt_hm(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms)
{
    return put(buf, k, ms, "%H:%M", "%m-%d %H:%M");
}

const char *fmt_short(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms)
{
    return put(buf, k, ms, "%H:%M:%S", "%m-%d");
}

const char *fmt_day_hms(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms)
{
    return put(buf, k, ms, "%m-%d %H:%M:%S", "%m-%d %H:%M:%S");
}

const char *fmt_day(char buf[static FMT_MAX], const struct fmt_clock *k, int64_t ms)
{
    return put(buf, k, ms, "%m-%d", "%m-%d");
}
