#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "backend/host/sysctl.h"
#include "backend/host/tap.h"
#include "tests/support/frames.h"
#include "tests/support/netns.h"

static const char *value(const char *key)
{
    static char text[SYSCTL_VALUE_MAX];
    struct err e;

    if (sysctl_read(key, text, sizeof(text), &e) < 0) {
        fail_msg("%s", e.text);
    }
    return text;
}

static void writes_and_undoes(void **state)
{
    struct sysctl_log log = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(sysctl_write("net/ipv4/conf/lo/rp_filter", "2", &log, &e), 1);
    assert_int_equal(sysctl_write("net/ipv4/conf/lo/rp_filter", "2", &log, &e), 0);
    assert_int_equal(sysctl_write("net/ipv4/conf/lo/rp_filter", "1", &log, &e), 1);
    assert_int_equal(log.count, 2);
    assert_string_equal(log.changes[0].old_value, "0");
    assert_string_equal(log.changes[1].old_value, "2");
    assert_int_equal(sysctl_undo(&log, &e), 0);
    assert_string_equal(value("net/ipv4/conf/lo/rp_filter"), "0");
    assert_int_equal(sysctl_write("net/ipv4/conf/lo/rp_filter", "x", &log, &e), -EINVAL);
    assert_non_null(strstr(e.text, "rp_filter"));
    assert_int_equal(sysctl_write("net/ipv4/conf/none/rp_filter", "1", &log, &e), -ENOENT);
    assert_int_equal(log.count, 0);
}

static void stays_below_net(void **state)
{
    static const char *const bad[] = { "kernel/panic", "net/../kernel/panic", "/net/x", "",
                                       "net/./../kernel/panic" };
    struct err e;
    char text[SYSCTL_VALUE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sysctl_read(bad[i], text, sizeof(text), &e), -EINVAL);
        assert_int_equal(sysctl_write(bad[i], "0", NULL, &e), -EINVAL);
    }
    assert_int_equal(sysctl_prepare_tap("../all", NULL, &e), -EINVAL);
    assert_int_equal(sysctl_prepare_tap("a/b", NULL, &e), -EINVAL);
}

static void prepares_a_tap(void **state)
{
    struct sysctl_log log = { 0 };
    struct err e = { 0 };
    struct tap t;

    (void)state;
    assert_int_equal(tap_create("tap.7", NULL, (uid_t)-1, &t, &e), 0);
    assert_int_equal(sysctl_prepare_tap(t.name, &log, &e), 0);
    assert_string_equal(value("net/ipv6/conf/tap.7/accept_ra"), "0");
    assert_string_equal(value("net/ipv6/conf/tap.7/addr_gen_mode"), "1");
    assert_string_equal(value("net/ipv6/conf/tap.7/accept_redirects"), "0");
    assert_string_equal(value("net/ipv6/conf/tap.7/accept_dad"), "0");
    assert_string_equal(value("net/ipv4/conf/tap.7/rp_filter"), "1");
    assert_string_equal(value("net/ipv4/conf/tap.7/send_redirects"), "0");
    assert_true(log.count > 4);
    assert_int_equal(sysctl_undo(&log, &e), 0);
    assert_string_equal(value("net/ipv6/conf/tap.7/accept_ra"), "1");
    assert_int_equal(sysctl_prepare_tap(t.name, &log, &e), 0);
    close(t.fd);
    assert_int_equal(sysctl_undo(&log, &e), 0); /* the link is gone: nothing left to undo */
    assert_int_equal(log.count, 0);
}

static bool has_ra_route(void)
{
    char out[4096];

    assert_int_equal(run_io((const char *const[]){"ip", "-6", "route", "show", "default", NULL},
                            NULL, out, sizeof(out)), 0);
    return strstr(out, "proto ra") != NULL;
}

/* An uplink whose router advertises itself; the other end of the wire is t->fd. */
static void advertised_uplink(struct tap *t)
{
    static const struct frame_ends ends = { "02:00:00:00:00:99", "33:33:00:00:00:01", "fe80::99",
                                            "ff02::1" };
    uint8_t frame[FRAME_MAX];
    struct err e = { 0 };

    assert_int_equal(tap_create("wan0", NULL, (uid_t)-1, t, &e), 0);
    run_ok("ip", "link", "set", "wan0", "up");
    for (int i = 0; i < 100 && !has_ra_route(); i++) {
        assert_true(frame_send(t->fd, frame, frame_nd(frame, &ends, 134, NULL,
                                                      "02:00:00:00:00:99")));
        (void)usleep(50000);
    }
    assert_true(has_ra_route());
}

static int in_fresh_ns(void)
{
    int ns = netns_make();

    assert_true(ns >= 0);
    return netns_switch(ns);
}

static void plain_forwarding_would_cut_the_operator_off(void **state)
{
    int before = in_fresh_ns();
    struct tap t;

    (void)state;
    advertised_uplink(&t);
    run_ok("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    assert_false(has_ra_route()); /* so the next test can fail */
    close(t.fd);
    netns_back(before);
}

static void forwarding_keeps_what_was_learned(void **state)
{
    int before = in_fresh_ns();
    struct sysctl_log log = { 0 };
    struct sysctl_forwarding f;
    struct err e = { 0 };
    char plan[512];
    struct tap t;

    (void)state;
    advertised_uplink(&t);
    assert_int_equal(sysctl_plan_forwarding_text(plan, sizeof(plan), &e), 0);
    assert_string_equal(plan, "sysctl -w net/ipv6/conf/wan0/accept_ra=2\n"
                              "sysctl -w net/ipv6/conf/all/forwarding=1\n"
                              "sysctl -w net/ipv4/ip_forward=1\n");
    assert_int_equal(sysctl_enable_forwarding(&log, &f, &e), 0);
    assert_true(has_ra_route());
    assert_false(f.was_on4 || f.was_on6);
    assert_int_equal(f.n_kept, 1);
    assert_string_equal(f.kept[0], "wan0");
    assert_string_equal(value("net/ipv6/conf/wan0/accept_ra"), "2");
    assert_string_equal(value("net/ipv6/conf/lo/accept_ra"), "1");
    assert_string_equal(value("net/ipv4/ip_forward"), "1");
    assert_string_equal(log.changes[0].key, "net/ipv6/conf/wan0/accept_ra");
    /* again: nothing to do */
    struct sysctl_log none = { 0 };
    assert_int_equal(sysctl_enable_forwarding(&none, &f, &e), 0);
    assert_int_equal(none.count, 0);
    assert_true(f.was_on4 && f.was_on6);
    assert_int_equal(sysctl_plan_forwarding_text(plan, sizeof(plan), &e), 0);
    assert_string_equal(plan, "");
    assert_int_equal(sysctl_undo(&log, &e), 0);
    assert_string_equal(value("net/ipv4/ip_forward"), "0");
    assert_string_equal(value("net/ipv6/conf/all/forwarding"), "0");
    close(t.fd);
    netns_back(before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_undoes),
        cmocka_unit_test(stays_below_net),
        cmocka_unit_test(prepares_a_tap),
        cmocka_unit_test(plain_forwarding_would_cut_the_operator_off),
        cmocka_unit_test(forwarding_keeps_what_was_learned),
    };
    const char *why = netns_enter();
    if (!why && access("/dev/net/tun", R_OK | W_OK) != 0) {
        why = "no /dev/net/tun";
    }
    return why ? netns_skip_all("network settings", why)
               : cmocka_run_group_tests(tests, NULL, NULL);
}
