#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "backend/model/text.h"
#include "backend/observe/hostload.h"

static void processor(void **state)
{
    (void)state;
    struct hostload h = {0};
    assert_int_equal(hostload_parse_stat("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3 4\n", &h), 0);
    assert_int_equal(h.cpu_permille, 0); /* nothing to compare with yet */
    assert_int_equal(hostload_parse_stat("cpu  150 0 100 820 30 0 0 0 0 0\n", &h), 0);
    assert_int_equal(h.cpu_permille, 500);
    assert_int_equal(hostload_parse_stat("cpu  0 0 0 0 0 0 0 0\n", &h),
                     0); /* counters that go back say nothing */
    assert_int_equal(h.cpu_permille, 500);
    assert_int_equal(hostload_parse_stat("", &h), -EBADMSG);
    assert_int_equal(hostload_parse_stat("intr 5 6 7 8 9", &h), -EBADMSG);
    assert_int_equal(hostload_parse_stat("cpu  1 2 3", &h), -EBADMSG);
}

static void memory(void **state)
{
    (void)state;
    struct hostload h = {0};
    assert_int_equal(
        hostload_parse_meminfo("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n", &h),
        0);
    assert_int_equal(h.mem_permille, 750);
    assert_true(h.mem_total_bytes == 1024000);
    assert_int_equal(hostload_parse_meminfo("MemTotal:  1000 kB\nMemAvailable:  2000 kB\n", &h), 0);
    assert_int_equal(h.mem_permille, 0);
    assert_int_equal(hostload_parse_meminfo("MemTotal:  1000 kB\n", &h), -EBADMSG);
    assert_int_equal(hostload_parse_meminfo("", &h), -EBADMSG);
}

static void this_machine(void **state)
{
    (void)state;
    struct hostload h = {0};
    struct err e = {0};
    if (hostload_read(&h, "/", &e) != 0)
        fail_msg("%s", e.text);
    assert_true(h.cores >= 1);
    assert_true(h.mem_total_bytes > 0 && h.mem_available_bytes <= h.mem_total_bytes);
    assert_true(h.disk_total_bytes > 0 && h.disk_permille <= 1000);
    assert_int_equal(hostload_read(&h, "/no/such/folder", &e), -ENOENT);
    assert_non_null(strstr(e.text, "/no/such/folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processor),
        cmocka_unit_test(memory),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
