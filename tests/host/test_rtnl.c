/*
 * The rtnetlink monitor and the host operations on a real kernel, in a network namespace of the
 * test. A small model keeps the rows that the monitor reports, and is compared with the kernel's
 * own tables as `ip` prints them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/address.h"
#include "backend/host/link.h"
#include "backend/host/route.h"
#include "backend/model/text.h"
#include "backend/observe/counters.h"
#include "backend/observe/rtnl.h"
#include "tests/support/netns.h"

enum { ROUTES_MAX = 70000 };

struct kept {
    struct rtnl_route route;
    unsigned sweep;
    bool live;
};

/* What the monitor said. Routes as an open hash by destination, table and hop. */
struct model {
    struct kept *slots;
    size_t live;
    unsigned sweep, dumps[RTNL_TABLE_COUNT], whole[RTNL_TABLE_COUNT];
    unsigned ends[RTNL_TABLE_COUNT], events;
    struct rtnl_link links[64];
    bool link_live[64];
    unsigned addrs, neighs;
    size_t rows; /* of the dump under way */
    bool in_dump;
    struct rtnl_health health[RTNL_TABLE_COUNT];
    char worst[128];
};

static uv_loop_t loop;
static struct model m;
static void (*in_mid_dump)(void); /* called once, after some thousand rows of a dump */
static struct rtnl *monitor;

static size_t hash(const struct rtnl_route *r)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < 16; i++)
        h = (h ^ r->dst.bytes[i]) * 1099511628211u;
    h = (h ^ r->dst.prefix_len ^ (r->table << 8)) * 1099511628211u;
    return (size_t)(h % (2 * ROUTES_MAX));
}

static bool same_place(const struct rtnl_route *a, const struct rtnl_route *b)
{
    return a->table == b->table && a->metric == b->metric && a->tos == b->tos &&
           addr_compare(&a->dst, &b->dst) == 0;
}

static bool same_hop(const struct rtnl_route *a, const struct rtnl_route *b)
{
    return a->oif == b->oif && addr_compare(&a->gateway, &b->gateway) == 0;
}

static void on_route(const struct rtnl_route *r, enum rtnl_what what, void *arg)
{
    (void)arg;
    struct kept *free_slot = NULL, *found = NULL;
    assert_true((what == RTNL_SEEN) == m.in_dump);
    m.events += what != RTNL_SEEN;
    m.rows += what == RTNL_SEEN;
    if (in_mid_dump && what == RTNL_SEEN && m.rows > 2000) {
        void (*fn)(void) = in_mid_dump;
        in_mid_dump = NULL;
        fn();
    }
    for (size_t i = hash(r);; i = (i + 1) % (2 * ROUTES_MAX)) {
        struct kept *k = &m.slots[i];
        if (!k->live && !free_slot)
            free_slot = k;
        if (!k->live && k->route.dst.family == 0)
            break;
        if (!k->live || !same_place(&k->route, r))
            continue;
        if (same_hop(&k->route, r)) {
            found = k;
        } else if (r->replaces && what == RTNL_SET) {
            k->live = false;
            m.live--;
        }
    }
    if (what == RTNL_GONE) {
        if (found) {
            found->live = false;
            m.live--;
        }
        return;
    }
    struct kept *k = found ? found : free_slot;
    m.live += !found;
    *k = (struct kept){*r, m.sweep, true};
}

static void on_link(const struct rtnl_link *l, enum rtnl_what what, void *arg)
{
    (void)arg;
    if (l->ifindex >= ARRAY_LEN(m.links))
        return;
    m.links[l->ifindex] = *l;
    m.link_live[l->ifindex] = what != RTNL_GONE;
}

static void on_addr(const struct rtnl_addr *a, enum rtnl_what what, void *arg)
{
    (void)a, (void)arg;
    m.addrs += what != RTNL_GONE;
}

static void on_neigh(const struct rtnl_neigh *n, enum rtnl_what what, void *arg)
{
    (void)n, (void)arg;
    m.neighs += what != RTNL_GONE;
}

static void on_begin(enum rtnl_table t, void *arg)
{
    (void)arg;
    assert_false(m.in_dump);
    m.in_dump = true;
    m.dumps[t]++;
    m.rows = 0;
    m.sweep++;
}

static void on_end(enum rtnl_table t, bool whole, void *arg)
{
    (void)arg;
    assert_true(m.in_dump);
    m.in_dump = false;
    m.ends[t]++;
    m.whole[t] += whole;
    if (!whole || (t != RTNL_ROUTES4 && t != RTNL_ROUTES6))
        return;
    uint8_t family = t == RTNL_ROUTES4 ? AF_INET : AF_INET6;
    for (size_t i = 0; i < 2 * ROUTES_MAX; i++) {
        struct kept *k = &m.slots[i];
        if (k->live && k->sweep != m.sweep && k->route.dst.family == family) {
            k->live = false;
            m.live--;
        }
    }
}

static void on_health(enum rtnl_table t, const struct rtnl_health *h, void *arg)
{
    (void)arg;
    m.health[t] = *h;
    if (strstr(h->error, "partial"))
        (void)str_copy(m.worst, sizeof m.worst, h->error);
}

static const struct rtnl_consumer consumer = {.begin_dump = on_begin,
                                              .end_dump = on_end,
                                              .link = on_link,
                                              .addr = on_addr,
                                              .route = on_route,
                                              .neigh = on_neigh,
                                              .health = on_health};

static bool all_whole(void *arg)
{
    (void)arg;
    for (int t = 0; t < RTNL_TABLE_COUNT; t++)
        if (!rtnl_health_of(monitor, (enum rtnl_table)t)->whole)
            return false;
    return true;
}

/* The route to dst in the model, or NULL. */
static const struct rtnl_route *route_to(const char *dst)
{
    struct addr a;
    assert_int_equal(addr_parse(dst, true, &a, NULL), 0);
    for (size_t i = 0; i < 2 * ROUTES_MAX; i++)
        if (m.slots[i].live && addr_compare(&m.slots[i].route.dst, &a) == 0)
            return &m.slots[i].route;
    return NULL;
}

static size_t kernel_routes(void)
{
    static char out[8 << 20];
    size_t lines = 0;
    static const char *const families[] = {"-4", "-6"};
    for (int f = 0; f < 2; f++) {
        const char *const argv[] = {"ip", families[f], "-o", "route", "show", "table", "all", NULL};
        assert_int_equal(run_io(argv, NULL, out, sizeof out), 0);
        for (const char *p = out; (p = strchr(p, '\n')); p++)
            lines++;
    }
    return lines;
}

static bool model_is_kernel(void *arg)
{
    (void)arg;
    return all_whole(NULL) && m.live == kernel_routes();
}

static void start(const struct rtnl_options *o)
{
    struct err e = {0};
    memset(m.slots, 0, sizeof *m.slots * 2 * ROUTES_MAX);
    struct kept *slots = m.slots;
    m = (struct model){.slots = slots};
    if (rtnl_new(&loop, &consumer, NULL, o, &monitor, &e) != 0)
        fail_msg("%s", e.text);
}

static void stop(void)
{
    rtnl_free(monitor);
    monitor = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* `ip -batch` with text made by the caller. */
static void batch(const char *text)
{
    const char *const argv[] = {"ip", "-force", "-batch", "-", NULL};
    (void)run_io(argv, text, NULL, 0);
}

static char *routes_text(const char *verb, unsigned from, unsigned to)
{
    char *text = malloc((size_t)(to - from) * 80 + 1);
    size_t len = 0;
    for (unsigned i = from; i < to; i++)
        len += (size_t)sprintf(text + len, "route %s fd77:%x:%x::/64 dev v0 proto 4\n", verb,
                               i >> 8, i & 255);
    text[len] = '\0';
    return text;
}

static int make_links(void **state)
{
    (void)state;
    run_ok("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1");
    run_ok("ip", "link", "set", "v0", "alias", "meshdeck:test:v0", "up");
    run_ok("ip", "link", "set", "v1", "up");
    run_ok("ip", "addr", "add", "192.0.2.1/24", "dev", "v0");
    return 0;
}

static int drop_links(void **state)
{
    (void)state;
    if (monitor)
        stop();
    (void)run("ip", "link", "del", "v0");
    return 0;
}

static void reads_all_tables(void **state)
{
    (void)state;
    run_ok("ip", "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "v0");
    run_ok("ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.9", "proto", "77", "metric",
           "7");
    start(NULL);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 10));
    const struct rtnl_route *r = route_to("198.51.100.0/24");
    assert_non_null(r);
    assert_int_equal(r->protocol, 77);
    assert_int_equal(r->metric, 7);
    assert_int_equal(r->table, RT_TABLE_MAIN);
    assert_int_equal(r->gateway.bytes[3], 9);
    const struct rtnl_link *l = &m.links[r->oif];
    assert_string_equal(l->name, "v0");
    assert_string_equal(l->kind, "veth");
    assert_string_equal(l->alias, "meshdeck:test:v0");
    assert_true(m.neighs >= 1);
    assert_true(m.health[RTNL_ROUTES4].checked_ms > 0);
}

static bool route_is_there(void *dst)
{
    return route_to(dst) != NULL;
}

static bool route_is_gone(void *dst)
{
    return route_to(dst) == NULL;
}

static void follows_events(void **state)
{
    (void)state;
    start(NULL);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 10));
    unsigned before = m.dumps[RTNL_ROUTES6];
    run_ok("ip", "route", "add", "fd01::/64", "dev", "v0");
    assert_true(loop_until(&loop, route_is_there, "fd01::/64", 5));
    run_ok("ip", "route", "replace", "fd01::/64", "via", "fe80::9", "dev", "v0");
    assert_true(loop_until(&loop, model_is_kernel, NULL, 5));
    assert_int_equal(route_to("fd01::/64")->gateway.family, AF_INET6);
    run_ok("ip", "route", "del", "fd01::/64");
    assert_true(loop_until(&loop, route_is_gone, "fd01::/64", 5));
    assert_int_equal(m.dumps[RTNL_ROUTES6], before);
}

/* The kernel removes IPv4 routes of a downed link, of a deleted link and of a lost source address
 * without an event. */
static void sees_what_the_kernel_does_not_say(void **state)
{
    (void)state;
    start(NULL);
    run_ok("ip", "addr", "add", "203.0.113.1/32", "dev", "lo");
    run_ok("ip", "route", "add", "10.1.0.0/16", "dev", "v0");
    run_ok("ip", "route", "add", "10.2.0.0/16", "dev", "v1", "src", "203.0.113.1");
    assert_true(loop_until(&loop, model_is_kernel, NULL, 10));
    assert_non_null(route_to("10.1.0.0/16"));
    run_ok("ip", "addr", "del", "203.0.113.1/32", "dev", "lo");
    assert_true(loop_until(&loop, route_is_gone, "10.2.0.0/16", 5));
    run_ok("ip", "link", "set", "v0", "down");
    assert_true(loop_until(&loop, route_is_gone, "10.1.0.0/16", 5));
    run_ok("ip", "link", "set", "v0", "up");
    run_ok("ip", "route", "add", "10.1.0.0/16", "dev", "v0");
    assert_true(loop_until(&loop, route_is_there, "10.1.0.0/16", 5));
    run_ok("ip", "link", "del", "v0");
    assert_true(loop_until(&loop, model_is_kernel, NULL, 5));
    assert_null(route_to("10.1.0.0/16"));
}

static void follows_several_hops(void **state)
{
    (void)state;
    start(NULL);
    run_ok("ip", "-6", "route", "add", "fd02::/64", "nexthop", "via", "fe80::1", "dev", "v0",
           "nexthop", "via", "fe80::2", "dev", "v0");
    assert_true(loop_until(&loop, route_is_there, "fd02::/64", 5));
    assert_true(route_to("fd02::/64")->multipath);
    assert_int_equal(route_to("fd02::/64")->hops, 2);
    run_ok("ip", "-6", "route", "del", "fd02::/64", "via", "fe80::2", "dev", "v0");
    uint64_t end = uv_hrtime() + 5000000000u;
    const struct rtnl_route *r;
    while (((r = route_to("fd02::/64")) == NULL || r->multipath) && uv_hrtime() < end)
        uv_run(&loop, UV_RUN_ONCE);
    assert_non_null(r);
    assert_false(r->multipath);
}

static bool events_were_lost(void *arg)
{
    (void)arg;
    return m.health[RTNL_ROUTES6].lost > 0;
}

static void recovers_from_lost_events(void **state)
{
    (void)state;
    start(&(struct rtnl_options){.receive_buffer = 4096});
    assert_true(loop_until(&loop, all_whole, NULL, 10));
    char *text = routes_text("add", 0, 3000); /* while nobody reads */
    batch(text);
    free(text);
    assert_true(loop_until(&loop, events_were_lost, NULL, 10));
    assert_true(loop_until(&loop, model_is_kernel, NULL, 20));
    assert_true(m.live >= 3000);
    text = routes_text("del", 0, 3000);
    batch(text);
    free(text);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 20));
}

static void remove_some_add_one(void)
{
    char *text = routes_text("del", 0, 100);
    batch(text);
    free(text);
    run_ok("ip", "route", "add", "fd99::/64", "dev", "v0");
}

/* A change to the tree makes the kernel count its way back to where it was, past rows that are
 * still there, and it does not say that it was interrupted. */
static void believes_no_absence_after_removals(void **state)
{
    (void)state;
    char *text = routes_text("add", 0, 10000);
    batch(text);
    free(text);
    start(NULL);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 20));
    unsigned ends = m.ends[RTNL_ROUTES6], whole = m.whole[RTNL_ROUTES6];
    in_mid_dump = remove_some_add_one;
    rtnl_resync(monitor, RTNL_ROUTES6);
    assert_true(loop_until(&loop, route_is_there, "fd99::/64", 10));
    assert_null(in_mid_dump);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 20));
    assert_true(m.ends[RTNL_ROUTES6] - ends >= 2);
    assert_true(m.ends[RTNL_ROUTES6] - ends > m.whole[RTNL_ROUTES6] - whole);
    assert_non_null(route_to("fd77:26:1::/64"));
}

/* Changes routes in another thread, while dumps are read. */
struct churn {
    uv_thread_t thread;
    volatile bool end;
    uint32_t oif;
};

static void churn_run(void *arg)
{
    struct churn *c = arg;
    struct nl *n = NULL;
    struct route_spec r = {.oif = c->oif};
    if (nl_open(NETLINK_ROUTE, &n, NULL) != 0)
        return;
    (void)addr_parse("fd99::/64", true, &r.dst, NULL);
    for (unsigned round = 0; !c->end; round++) {
        for (uint8_t i = 0; i < 200; i++) {
            r.dst.bytes[7] = i;
            if (round % 2)
                route_queue_remove(n, &r);
            else
                route_queue_add(n, &r);
        }
        (void)nl_run(n, NULL, NULL, NULL);
    }
    nl_free(n);
}

static bool is_partial(void *arg)
{
    (void)arg;
    return m.worst[0] != '\0';
}

static void stays_bounded_under_churn(void **state)
{
    (void)state;
    struct churn c = {.end = false};
    char *text = routes_text("add", 0, 20000);
    batch(text);
    free(text);
    struct nl *n;
    struct rtnl_link link;
    assert_int_equal(nl_open(NETLINK_ROUTE, &n, NULL), 0);
    assert_int_equal(link_get(n, "v0", 0, &link, NULL), 0);
    nl_free(n);
    c.oif = link.ifindex;
    assert_int_equal(uv_thread_create(&c.thread, churn_run, &c), 0);
    start(NULL);
    bool partial = loop_until(&loop, is_partial, NULL, 30);
    unsigned tries = m.ends[RTNL_ROUTES6];
    c.end = true;
    uv_thread_join(&c.thread);
    assert_true(partial);
    assert_true(tries <= 2 * RTNL_TRIES); /* it gave up for a while, and did not spin */
    assert_non_null(strstr(m.worst, "partial after 5 tries"));
    rtnl_resync(monitor, RTNL_TABLE_COUNT);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 30));
    text = routes_text("del", 0, 20000);
    batch(text);
    free(text);
    assert_true(loop_until(&loop, model_is_kernel, NULL, 30));
}

static bool is_filtered(void *arg)
{
    (void)arg;
    return m.health[RTNL_ROUTES6].filtered && m.health[RTNL_ROUTES6].checked_ms > 0;
}

static void reads_only_its_own_of_too_many(void **state)
{
    (void)state;
    char text[4000 * 64];
    size_t len = 0;
    for (unsigned i = 0; i < 2000; i++)
        len += (size_t)sprintf(text + len, "route add fd78:%x::/64 dev v0 proto 186\n", i);
    batch(text);
    run_ok("ip", "route", "add", "fd01::/64", "dev", "v0", "proto", "77");
    start(&(struct rtnl_options){.route_limit = 1000});
    assert_true(loop_until(&loop, is_filtered, NULL, 10));
    assert_non_null(route_to("fd01::/64"));
    assert_null(route_to("fd78:1::/64"));
    assert_false(m.health[RTNL_ROUTES6].whole);
    run_ok("ip", "route", "add", "fd03::/64", "dev", "v0", "proto", "186");
    run_ok("ip", "route", "add", "fd04::/64", "dev", "v0", "proto", "77");
    assert_true(loop_until(&loop, route_is_there, "fd04::/64", 5));
    assert_null(route_to("fd03::/64"));
}

static bool counted(void *arg)
{
    return *(int *)arg != 0;
}

static void on_counters(const struct link_counters *rows, size_t n, const struct err *failed,
                        void *arg)
{
    assert_null(failed);
    assert_int_equal(n, 2);
    assert_true(rows[0].ok);
    assert_true(rows[0].tx_packets > 0);
    assert_false(rows[1].ok);
    *(int *)arg = 1;
}

static void reads_counters(void **state)
{
    (void)state;
    struct counters *c;
    struct nl *n;
    struct rtnl_link link;
    int done = 0;
    assert_int_equal(nl_open(NETLINK_ROUTE, &n, NULL), 0);
    assert_int_equal(link_get(n, "v0", 0, &link, NULL), 0);
    nl_free(n);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc0000209)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    run_ok("ip", "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "v0");
    assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
    close(fd);
    assert_int_equal(counters_new(&loop, &c, NULL), 0);
    uint32_t ids[] = {link.ifindex, 4000000};
    assert_int_equal(counters_read(c, ids, 2, on_counters, &done, NULL), 0);
    assert_int_equal(counters_read(c, ids, 2, on_counters, &done, NULL), -EBUSY);
    assert_true(loop_until(&loop, counted, &done, 5));
    done = 0;
    assert_int_equal(counters_read(c, ids, 2, on_counters, &done, NULL), 0);
    counters_free(c); /* while a read is under way */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done, 0);
}

int main(void)
{
    const char *why = netns_enter();
    if (why)
        return netns_skip_all("rtnl", why);
    uv_loop_init(&loop);
    m.slots = calloc(2 * ROUTES_MAX, sizeof *m.slots);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_all_tables, make_links, drop_links),
        cmocka_unit_test_setup_teardown(follows_events, make_links, drop_links),
        cmocka_unit_test_setup_teardown(sees_what_the_kernel_does_not_say, make_links, drop_links),
        cmocka_unit_test_setup_teardown(follows_several_hops, make_links, drop_links),
        cmocka_unit_test_setup_teardown(recovers_from_lost_events, make_links, drop_links),
        cmocka_unit_test_setup_teardown(believes_no_absence_after_removals, make_links, drop_links),
        cmocka_unit_test_setup_teardown(stays_bounded_under_churn, make_links, drop_links),
        cmocka_unit_test_setup_teardown(reads_only_its_own_of_too_many, make_links, drop_links),
        cmocka_unit_test_setup_teardown(reads_counters, make_links, drop_links),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(m.slots);
    loop_close(&loop);
    return failed;
}
