/* Numbers and instants as the console writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/fmt.h"

static void rates(void **state)
{
    static const struct {
        uint64_t bps;
        const char *text;
    } all[] = {{0, "0"},          {237, "237"},        {999, "999"},         {1000, "1.0k"},
               {1200, "1.2k"},    {9949, "9.9k"},      {9950, "10k"},        {88000, "88k"},
               {402000, "402k"},  {999499, "999k"},    {999500, "1.0M"},     {9900000, "9.9M"},
               {12400000, "12.4M"}, {99949999, "99.9M"}, {123000000, "123M"}, {1500000000, "1.5G"}};
    char buf[FMT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_string_equal(fmt_rate(buf, all[i].bps), all[i].text);
    assert_true(strlen(fmt_rate(buf, UINT64_MAX)) <= 6);
}

static void counts_and_sizes(void **state)
{
    char buf[FMT_MAX];

    (void)state;
    assert_string_equal(fmt_count(buf, 0), "0");
    assert_string_equal(fmt_count(buf, 999), "999");
    assert_string_equal(fmt_count(buf, 64000), "64,000");
    assert_string_equal(fmt_count(buf, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(fmt_mib(buf, 311), "311 MiB");
    assert_string_equal(fmt_mib(buf, 10240), "10 GiB");
    assert_string_equal(fmt_mib(buf, 1740), "1.7 GiB");
    assert_string_equal(fmt_bytes(buf, 0), "0 B");
    assert_string_equal(fmt_bytes(buf, 38u << 20), "38 MiB");
    assert_string_equal(fmt_bytes(buf, 466ull << 30), "466 GiB");
    assert_string_equal(fmt_bytes(buf, 1288490188), "1.2 GiB");
    assert_true(strlen(fmt_bytes(buf, UINT64_MAX)) < FMT_MAX);
}

static void took(void **state)
{
    char buf[FMT_MAX];

    (void)state;
    assert_string_equal(fmt_took(buf, -5), "0 ms");
    assert_string_equal(fmt_took(buf, 43), "43 ms");
    assert_string_equal(fmt_took(buf, 1100), "1.1 s");
    assert_string_equal(fmt_took(buf, 12400), "12 s");
    assert_string_equal(fmt_took(buf, 125000), "2m 05s");
}

static void ages(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
        int wait_ms;
    } all[] = {{0, "0s", 1000},       {42, "42s", 1000},     {59, "59s", 1000},   {95, "1m 35s", 5000},
               {97, "1m 35s", 3000},  {505, "8m 25s", 5000}, {600, "10m", 60000}, {659, "10m", 1000},
               {11520, "3h 12m", 60000}, {90000, "1d 01h", 60000}};
    const int64_t now = 1793491200000;
    char buf[FMT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int64_t then = now - all[i].s * 1000;
        assert_string_equal(fmt_age(buf, then, now), all[i].text);
        assert_int_equal(fmt_age_wait_ms(then, now), all[i].wait_ms);
        /* The text stands until then, and is another after it. */
        char before[FMT_MAX], after[FMT_MAX];
        fmt_age(before, then, now + all[i].wait_ms - 1);
        assert_string_equal(before, all[i].text);
        if (all[i].s < 3600) {
            fmt_age(after, then, now + all[i].wait_ms);
            assert_string_not_equal(after, all[i].text);
        }
    }
    assert_string_equal(fmt_age(buf, now + 5000, now), "0s");
    assert_int_equal(fmt_age_wait_ms(0, now), -1);
    /* Instants within a second turn over together, on the second. */
    assert_int_equal(fmt_age_wait_ms(now - 10300, now + 400), fmt_age_wait_ms(now - 10900, now + 400));
}

static void times(void **state)
{
    struct fmt_clock k = {.now_ms = 1795269987000, .utc = true}; /* 2026-11-21 14:06:27 */
    char buf[FMT_MAX];

    (void)state;
    assert_string_equal(fmt_hms(buf, &k, k.now_ms), "14:06:27");
    assert_string_equal(fmt_hm(buf, &k, k.now_ms), "14:06");
    assert_string_equal(fmt_hms(buf, &k, k.now_ms - 86400000), "11-20 14:06");
    assert_string_equal(fmt_short(buf, &k, k.now_ms - 86400000), "11-20");
    assert_string_equal(fmt_day_hms(buf, &k, k.now_ms), "11-21 14:06:27");
    assert_string_equal(fmt_hms(buf, &k, 0), "-");
    k.utc = false;
    setenv("TZ", "America/New_York", 1);
    tzset();
    assert_string_equal(fmt_hms(buf, &k, k.now_ms), "09:06:27");
}

static void keys(void **state)
{
    uint8_t key[32];
    char buf[FMT_KEY];

    (void)state;
    memset(key, 1, sizeof key);
    assert_string_equal(fmt_key(buf, key), "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    memset(key, 0xff, sizeof key);
    assert_string_equal(fmt_key(buf, key), "//////////////////////////////////////////8=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates), cmocka_unit_test(counts_and_sizes), cmocka_unit_test(took),
        cmocka_unit_test(ages),  cmocka_unit_test(times),            cmocka_unit_test(keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
