/* Links, addresses and routes changed on a real kernel, in a network namespace of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <uv.h>

#include "backend/host/address.h"
#include "backend/host/link.h"
#include "backend/host/route.h"
#include "backend/model/text.h"
#include "backend/observe/rtnl_rows.h"
#include "tests/support/netns.h"

static struct nl *n;
static uint32_t v0;
static uv_loop_t loop;

static struct addr ip(const char *text)
{
    struct addr a;
    struct err e = {0};
    if (addr_parse(text, false, &a, &e) != 0)
        fail_msg("%s", e.text);
    return a;
}

static bool ip_shows(const char *family, const char *what, const char *want)
{
    char out[16384];
    const char *const argv[] = {"ip", family, what, "show", NULL};
    const char *const table[] = {"ip", family, what, "show", "table", "all", NULL};
    assert_int_equal(run_io(strcmp(what, "route") == 0 ? table : argv, NULL, out, sizeof out), 0);
    return strstr(out, want) != NULL;
}

static int make_link(void **state)
{
    (void)state;
    struct rtnl_link l;
    run_ok("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1");
    run_ok("ip", "link", "set", "v1", "up");
    if (link_get(n, "v0", 0, &l, NULL) != 0)
        return -1;
    v0 = l.ifindex;
    return 0;
}

static int drop_link(void **state)
{
    (void)state;
    (void)run("ip", "link", "del", "v0");
    return 0;
}

static void links(void **state)
{
    (void)state;
    struct err e = {0};
    struct rtnl_link l;
    struct link_change c = {.ifindex = v0,
                            .state = LINK_STATE_UP,
                            .mtu = 1420,
                            .group = 7,
                            .alias_b = "meshdeck:tap:1",
                            .no_link_local = true};
    if (link_change(n, &c, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(link_get(n, NULL, v0, &l, &e), 0);
    assert_string_equal(l.name, "v0");
    assert_string_equal(l.alias, "meshdeck:tap:1");
    assert_int_equal(l.mtu, 1420);
    assert_int_equal(l.group, 7);
    assert_true(l.flags & IFF_UP);
    char out[4096];
    const char *const argv[] = {"ip", "-6", "addr", "show", "dev", "v0", NULL};
    assert_int_equal(run_io(argv, NULL, out, sizeof out), 0);
    assert_null(strstr(out, "fe80::"));
    c = (struct link_change){.ifindex = v0, .state = LINK_STATE_DOWN};
    assert_int_equal(link_change(n, &c, &e), 0);
    assert_int_equal(link_get(n, "v0", 0, &l, &e), 0);
    assert_false(l.flags & IFF_UP);
    assert_int_equal(link_get(n, "nosuch", 0, &l, &e), -ENODEV);
    assert_non_null(strstr(e.text, "nosuch"));
    assert_int_equal(link_get(n, "a-name-that-is-too-long", 0, &l, &e), -EINVAL);
    assert_int_equal(link_add(n, "w0", "no-such-kind", 0, &e), -EOPNOTSUPP);
    assert_int_equal(link_add(n, "v0", "veth", 0, &e), -EEXIST);
    assert_int_equal(link_delete(n, v0, &e), 0);
    assert_int_equal(link_delete(n, v0, &e), 0);
    assert_int_equal(link_get(n, "v0", 0, &l, &e), -ENODEV);
}

static void addresses(void **state)
{
    (void)state;
    struct err e = {0};
    struct address_spec all[] = {
        {.ifindex = v0, .local = ip("169.254.1.1/32"), .no_prefix_route = true, .link_scope = true},
        {.ifindex = v0, .local = ip("fe80::1/64"), .no_prefix_route = true},
        {.ifindex = 1, .local = ip("fd00::53/128")},
        {.ifindex = 1, .local = ip("10.210.255.53/32")},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            address_queue_add(n, &all[i]);
        if (nl_run(n, NULL, NULL, &e) != 0)
            fail_msg("%s", e.text);
    }
    assert_true(ip_shows("-4", "addr", "169.254.1.1/32 scope link noprefixroute v0"));
    assert_true(ip_shows("-6", "addr", "fe80::1/64 scope link nodad noprefixroute"));
    assert_true(ip_shows("-6", "addr", "fd00::53/128"));
    assert_true(ip_shows("-4", "addr", "10.210.255.53/32"));
    struct address_spec other = {.ifindex = v0, .local = ip("fe80::1/10")};
    assert_int_equal(address_add(n, &other, &e), -EEXIST);
    assert_non_null(strstr(e.text, "fe80::1/64"));
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            assert_int_equal(address_remove(n, &all[i], &e), 0);
    assert_false(ip_shows("-4", "addr", "169.254.1.1"));
    other.ifindex = 4000;
    assert_int_equal(address_remove(n, &other, &e), 0);
    assert_int_equal(address_add(n, &other, &e), -ENODEV);
}

static void routes(void **state)
{
    (void)state;
    struct err e = {0};
    run_ok("ip", "link", "set", "v0", "up");
    run_ok("ip", "addr", "add", "10.210.0.1/32", "dev", "lo");
    run_ok("ip", "addr", "add", "fd00:0:0:1::1/128", "dev", "lo", "nodad");
    struct route_spec all[] = {
        {.dst = ip("10.210.0.2/32"), .oif = v0, .prefsrc = ip("10.210.0.1")},
        {.dst = ip("fd00:0:0:1:0:2:0:10/128"), .oif = v0, .prefsrc = ip("fd00:0:0:1::1")},
        {.dst = ip("fd00:0:0:2::/64"), .oif = v0, .gateway = ip("fe80::2"), .metric = 50},
        {.dst = ip("10.99.0.0/16"), .blackhole = true},
        {.dst = ip("fd00:0:0:3::/64"), .blackhole = true, .table = 1000},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            route_queue_add(n, &all[i]);
        if (nl_run(n, NULL, NULL, &e) != 0)
            fail_msg("%s", e.text);
    }
    assert_true(ip_shows("-4", "route", "10.210.0.2 dev v0 proto 77 scope link src 10.210.0.1"));
    assert_true(
        ip_shows("-6", "route", "fd00::1:0:2:0:10 dev v0 proto 77 src fd00:0:0:1::1 metric 1024"));
    assert_true(ip_shows("-6", "route", "fd00:0:0:2::/64 via fe80::2 dev v0 proto 77 metric 50"));
    assert_true(ip_shows("-4", "route", "blackhole 10.99.0.0/16 proto 77"));
    assert_true(ip_shows("-6", "route", "blackhole fd00:0:0:3::/64 dev lo table 1000 proto 77"));
    /* another route in its place is named, replaced only by replace, and never removed */
    run_ok("ip", "route", "add", "10.5.0.0/16", "dev", "v1", "proto", "static");
    struct route_spec r = {.dst = ip("10.5.0.0/16"), .oif = v0};
    assert_int_equal(route_add(n, &r, &e), -EEXIST);
    assert_non_null(strstr(e.text, "10.5.0.0/16"));
    assert_non_null(strstr(e.text, "protocol 4"));
    assert_int_equal(route_remove(n, &r, &e), 0);
    assert_true(ip_shows("-4", "route", "10.5.0.0/16 dev v1 proto static"));
    assert_int_equal(route_replace(n, &r, &e), 0);
    assert_true(ip_shows("-4", "route", "10.5.0.0/16 dev v0 proto 77"));
    assert_int_equal(route_remove(n, &r, &e), 0);
    assert_false(ip_shows("-4", "route", "10.5.0.0/16"));
    /* the kernel's own words */
    r.gateway = ip("203.0.113.9");
    assert_true(route_add(n, &r, &e) < 0);
    assert_non_null(strstr(e.text, "Nexthop has invalid gateway"));
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            assert_int_equal(route_remove(n, &all[i], &e), 0);
    assert_false(ip_shows("-4", "route", "proto 77"));
    assert_false(ip_shows("-6", "route", "proto 77"));
    run_ok("ip", "addr", "flush", "dev", "lo");
}

struct outcome {
    size_t ok, failed, at;
};

static void count(size_t index, const struct err *failed, void *arg)
{
    struct outcome *o = arg;
    o->ok += !failed;
    o->failed += failed != NULL;
    if (failed)
        o->at = index;
}

static void a_large_batch(void **state)
{
    (void)state;
    struct err e = {0};
    run_ok("ip", "link", "set", "v0", "up");
    for (int round = 0; round < 2; round++) { /* the second finds all of them equal */
        struct outcome o = {0};
        for (uint32_t i = 0; i < 5000; i++) {
            struct route_spec r = {.dst = addr_ip4(0x0a000000u + i * 4, 32),
                                   .oif = i == 1234 ? 999999 : v0};
            route_queue_add(n, &r);
        }
        assert_int_equal(nl_run(n, count, &o, &e), -ENODEV);
        assert_int_equal(o.ok, 4999);
        assert_int_equal(o.failed, 1);
        assert_int_equal(o.at, 1234);
        assert_non_null(strstr(e.text, "10.0.19.72/32"));
    }
    assert_int_equal(nl_queued(n), 0);
}

static bool is_set(void *arg)
{
    return *(int *)arg != 0;
}

static void on_deleted(const struct err *failed, void *arg)
{
    *(int *)arg = failed ? -1 : 1;
    if (failed)
        assert_non_null(strstr(failed->text, "t7"));
}

static void many_links_deleted(void **state)
{
    (void)state;
    enum { COUNT = 150 };
    char(*names)[IFNAMSIZ] = calloc(COUNT + 1, sizeof *names);
    char *text = malloc(COUNT * 100);
    size_t len = 0;
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], IFNAMSIZ, "t%d", i);
        len += (size_t)sprintf(text + len, "tuntap add %s mode tap\nlink set %s alias %s:tap:%d\n",
                               names[i], names[i], i == 7 ? "foreign" : "meshdeck", i);
    }
    (void)snprintf(names[COUNT], IFNAMSIZ, "nosuch");
    const char *const argv[] = {"ip", "-batch", "-", NULL};
    assert_int_equal(run_io(argv, text, NULL, 0), 0);
    int done = 0;
    struct err e = {0};
    assert_int_equal(link_delete_many(&loop, (const char(*)[IFNAMSIZ])names, COUNT + 1,
                                      "meshdeck:", on_deleted, &done, &e),
                     0);
    assert_true(loop_until(&loop, is_set, &done, 30));
    assert_int_equal(done, -1); /* t7 is not ours, and still there */
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(if_nametoindex(names[i]) != 0, i == 7);
    run_ok("ip", "link", "del", "t7");
    free(names);
    free(text);
}

int main(void)
{
    const char *why = netns_enter();
    if (why)
        return netns_skip_all("hostnet", why);
    uv_loop_init(&loop);
    if (nl_open(NETLINK_ROUTE, &n, NULL) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(links, make_link, drop_link),
        cmocka_unit_test_setup_teardown(addresses, make_link, drop_link),
        cmocka_unit_test_setup_teardown(routes, make_link, drop_link),
        cmocka_unit_test_setup_teardown(a_large_batch, make_link, drop_link),
        cmocka_unit_test(many_links_deleted),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nl_free(n);
    loop_close(&loop);
    return failed;
}
