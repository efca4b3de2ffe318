#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/nl.h"
#include "backend/host/sysctl.h"
#include "backend/host/tap.h"
#include "tests/support/netns.h"

static void takes_the_next_free_name(void **state)
{
    struct tap a, b, c;
    unsigned next = 0, again = 0;
    struct err e = { 0 };

    (void)state;
    run_ok("ip", "link", "add", "tap1", "type", "bridge"); /* somebody else's */
    run_ok("ip", "tuntap", "add", "tap2", "mode", "tap");  /* unused, but not ours to take */
    assert_int_equal(tap_create(NULL, &next, (uid_t)-1, &a, &e), 0);
    assert_string_equal(a.name, "tap0");
    assert_int_equal(tap_create("", &next, 65534, &b, &e), 0);
    assert_string_equal(b.name, "tap3");
    assert_int_equal(next, 4);
    assert_int_equal(b.ifindex, (int)if_nametoindex("tap3"));
    assert_true(fcntl(b.fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(b.fd, F_GETFL) & O_NONBLOCK);
    close(a.fd);
    assert_int_equal(if_nametoindex("tap0"), 0); /* gone with its descriptor */
    assert_int_equal(tap_create(NULL, &again, (uid_t)-1, &c, &e), 0);
    assert_string_equal(c.name, "tap0");
    close(b.fd);
    close(c.fd);
    run_ok("ip", "link", "del", "tap1");
    run_ok("ip", "link", "del", "tap2");
}

static void says_who_has_the_name(void **state)
{
    struct tap a, b;
    struct err e = { 0 };
    char want[64];

    (void)state;
    assert_int_equal(tap_create("vm-web", NULL, (uid_t)-1, &a, &e), 0);
    assert_int_equal(tap_create("vm-web", NULL, (uid_t)-1, &b, &e), -EBUSY);
    (void)snprintf(want, sizeof(want), "(pid %d)", (int)getpid());
    assert_non_null(strstr(e.text, want));
    assert_non_null(strstr(e.text, "test_tap"));
    close(a.fd);
    run_ok("ip", "link", "add", "vm-web", "type", "bridge");
    assert_int_equal(tap_create("vm-web", NULL, (uid_t)-1, &b, &e), -EEXIST);
    assert_non_null(strstr(e.text, "bridge"));
    run_ok("ip", "link", "del", "vm-web");
    run_ok("ip", "tuntap", "add", "vm-web", "mode", "tap");
    assert_int_equal(tap_create("vm-web", NULL, (uid_t)-1, &b, &e), -EBUSY);
    assert_non_null(strstr(e.text, "no visible process"));
    run_ok("ip", "link", "del", "vm-web");
    assert_int_equal(tap_create("lo", NULL, (uid_t)-1, &b, &e), -EEXIST);
}

static void refuses_bad_names(void **state)
{
    static const char *const bad[] = { "sixteen-letters-", "a/b", "..", "a b", "tap%d", "a:1" };
    struct tap t;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(tap_create(bad[i], NULL, (uid_t)-1, &t, &e), -EINVAL);
    }
}

static void is_made_ready_for_a_routed_guest(void **state)
{
    struct err e = { 0 };
    struct nl *n;
    struct tap t;
    char out[4096];

    (void)state;
    assert_int_equal(nl_open(NETLINK_ROUTE, &n, &e), 0);
    assert_int_equal(tap_create("tap5", NULL, (uid_t)-1, &t, &e), 0);
    assert_int_equal(sysctl_prepare_tap(t.name, NULL, &e), 0);
    tap_queue_prepare(n, &t, "meshdeck:vm:7", 1420);
    assert_int_equal(nl_run(n, NULL, NULL, &e), 0);
    tap_queue_prepare(n, &t, "meshdeck:vm:7", 1420); /* again is fine */
    assert_int_equal(nl_run(n, NULL, NULL, &e), 0);
    assert_int_equal(run_io((const char *const[]){"ip", "addr", "show", "dev", "tap5", NULL}, NULL,
                            out, sizeof(out)), 0);
    assert_non_null(strstr(out, ",UP"));
    assert_non_null(strstr(out, "mtu 1420"));
    assert_non_null(strstr(out, "inet 169.254.1.1/32 scope link"));
    assert_non_null(strstr(out, "inet6 fe80::1/64 scope link nodad"));
    char *only = strstr(out, "inet6 ");
    assert_null(strstr(only + 1, "inet6 ")); /* and no address that the kernel made up */
    assert_int_equal(run_io((const char *const[]){"ip", "link", "show", "dev", "tap5", NULL}, NULL,
                            out, sizeof(out)), 0);
    assert_non_null(strstr(out, "alias meshdeck:vm:7"));
    close(t.fd);
    nl_free(n);
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

static bool is_true(void *arg)
{
    return *(bool *)arg;
}

static void many_go_at_once_off_the_loop(void **state)
{
    enum { MANY = 200 };
    int fds[MANY];
    unsigned next = 0;
    bool done = false;
    uv_loop_t loop;
    struct err e = { 0 };
    struct tap t;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(tap_create(NULL, &next, (uid_t)-1, &t, &e), 0);
        fds[i] = t.fd;
    }
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(tap_close_many(&loop, fds, MANY, set_true, &done, &e), 0);
    assert_false(done);
    assert_true(loop_until(&loop, is_true, &done, 60));
    assert_int_equal(if_nametoindex("tap0"), 0);
    assert_int_equal(if_nametoindex("tap199"), 0);
    done = false;
    assert_int_equal(tap_close_many(&loop, fds, 0, set_true, &done, &e), 0);
    assert_true(loop_until(&loop, is_true, &done, 60));
    loop_close(&loop);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_next_free_name),
        cmocka_unit_test(says_who_has_the_name),
        cmocka_unit_test(refuses_bad_names),
        cmocka_unit_test(is_made_ready_for_a_routed_guest),
        cmocka_unit_test(many_go_at_once_off_the_loop),
    };
    const char *why = netns_enter();
    if (!why && access("/dev/net/tun", R_OK | W_OK) != 0) {
        why = "no /dev/net/tun";
    }
    return why ? netns_skip_all("taps", why) : cmocka_run_group_tests(tests, NULL, NULL);
}
