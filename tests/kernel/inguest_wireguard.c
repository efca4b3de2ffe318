/*
 * Our WireGuard device in a kernel that knows WireGuard: runs as root inside a guest that is thrown
 * away afterwards (test_wireguard.sh), in its one network namespace and another that it makes.
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
#include <unistd.h>
#include <uv.h>

#include "backend/host/address.h"
#include "backend/host/link.h"
#include "backend/host/route.h"
#include "backend/host/wireguard.h"
#include "backend/model/text.h"
#include "backend/observe/rtnl_rows.h"
#include "tests/support/netns.h"

static uv_loop_t loop;

struct answer {
    bool came;
    struct err err;
    struct wg_device device; /* shares the reader's arrays */
};

static bool came(void *arg)
{
    return ((struct answer *)arg)->came;
}

static void on_done(const struct err *failed, void *arg)
{
    struct answer *a = arg;
    a->came = true;
    a->err = failed ? *failed : (struct err){0};
}

static void on_read(const struct wg_device *d, const struct err *failed, void *arg)
{
    on_done(failed, arg);
    if (d)
        ((struct answer *)arg)->device = *d;
}

static struct wg_host *host_new(const char *name)
{
    char alias[64];
    struct wg_host *h;
    struct err e = {0};
    (void)snprintf(alias, sizeof alias, "meshdeck:wireguard:%s", name);
    struct wg_host_spec spec = {.name = name, .alias = alias, .pid_file = "/run/wg.pid"};
    if (wg_host_new(&loop, &spec, NULL, NULL, &h, &e) != 0)
        fail_msg("%s", e.text);
    return h;
}

static int up(struct wg_host *h, struct err *e)
{
    struct answer a = {0};
    assert_int_equal(wg_host_up(h, on_done, &a, e), 0);
    assert_true(loop_until(&loop, came, &a, 30));
    *e = a.err;
    return a.err.code;
}

static void must_up(struct wg_host *h)
{
    struct err e = {0};
    if (up(h, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(wg_host_info(h)->backend, WG_BACKEND_KERNEL);
}

static void must_down(struct wg_host *h)
{
    struct answer a = {0};
    assert_int_equal(wg_host_down(h, on_done, &a, NULL), 0);
    assert_true(loop_until(&loop, came, &a, 30));
    if (a.err.code != 0)
        fail_msg("%s", a.err.text);
    assert_int_equal(if_nametoindex(wg_host_info(h)->name), 0);
}

static void must_change(struct wg_host *h, const struct wg_change *c)
{
    struct answer a = {0};
    assert_int_equal(wg_host_change(h, c, on_done, &a, NULL), 0);
    assert_true(loop_until(&loop, came, &a, 60));
    if (a.err.code != 0)
        fail_msg("%s", a.err.text);
}

/* The device as of now; the arrays are the reader's. */
static struct wg_device read_by(struct wg_reader *r)
{
    struct answer a = {0};
    assert_int_equal(wg_read(r, on_read, &a, NULL), 0);
    assert_true(loop_until(&loop, came, &a, 30));
    if (a.err.code != 0)
        fail_msg("%s", a.err.text);
    return a.device;
}

static struct wg_reader *reader(const char *name)
{
    struct wg_reader *r;
    assert_int_equal(wg_reader_new(&loop, name, WG_BACKEND_KERNEL, &r, NULL), 0);
    return r;
}

static struct addr ip(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, false, &a, NULL), 0);
    return a;
}

static void key_number(uint8_t key[static WG_KEY], unsigned n)
{
    memset(key, 0x11, WG_KEY);
    key[0] = (uint8_t)n;
    key[1] = (uint8_t)(n >> 8);
}

static void makes_reads_changes_removes(void **state)
{
    (void)state;
    struct wg_host *h = host_new("mesh0");
    struct wgkey_secret secret;
    uint8_t public_key[WG_KEY];
    static const uint8_t psk[WG_KEY] = {9};
    struct addr ips[] = {ip("10.210.1.0/24"), ip("fd00:0:0:2::/64")};
    struct err e = {0};
    char text[ADDR_ENDPOINT_TEXT];

    must_up(h);
    struct wg_reader *r = reader("mesh0");
    assert_int_equal(wgkey_generate(&secret, &e), 0);
    assert_int_equal(wgkey_public(&secret, public_key, &e), 0);
    struct wg_peer_change p[] = {{.op = WG_PEER_ADD,
                                  .psk_b = psk,
                                  .set_keepalive = true,
                                  .keepalive_s = 25,
                                  .set_ips = true,
                                  .ips_b = ips,
                                  .n_ips = 2},
                                 {.op = WG_PEER_ADD, .set_ips = true}};
    key_number(p[0].public_key, 1);
    key_number(p[1].public_key, 2);
    (void)addr_endpoint_parse("192.0.2.2:51820", &p[0].endpoint, NULL);
    (void)addr_endpoint_parse("[2001:db8::2]:51821", &p[1].endpoint, NULL);
    must_change(h, &(struct wg_change){.private_key_b = &secret,
                                       .set_port = true,
                                       .port = 51820,
                                       .set_fwmark = true,
                                       .fwmark = 7,
                                       .peers_b = p,
                                       .n_peers = 2});
    struct wg_device d = read_by(r);
    assert_true(d.has_key);
    assert_memory_equal(d.public_key, public_key, WG_KEY);
    assert_int_equal(d.listen_port, 51820);
    assert_int_equal(d.fwmark, 7);
    assert_int_equal(d.ifindex, wg_host_info(h)->ifindex);
    assert_int_equal(d.n_peers, 2);
    assert_true(d.peers[0].has_psk && !d.peers[1].has_psk);
    assert_int_equal(d.peers[0].keepalive_s, 25);
    assert_int_equal(d.peers[0].n_ips, 2);
    assert_int_equal(addr_compare(&d.ips[d.peers[0].first_ip], &ips[0]), 0);
    assert_string_equal(addr_endpoint_format(&d.peers[0].endpoint, text), "192.0.2.2:51820");
    assert_string_equal(addr_endpoint_format(&d.peers[1].endpoint, text), "[2001:db8::2]:51821");

    struct wg_peer_change q[] = {{.op = WG_PEER_REMOVE},
                                 {.op = WG_PEER_UPDATE, .endpoint = p[0].endpoint},
                                 {.op = WG_PEER_UPDATE, .set_ips = true, .ips_b = ips, .n_ips = 1}};
    key_number(q[0].public_key, 2);
    key_number(q[1].public_key, 2);
    key_number(q[2].public_key, 1);
    must_change(h, &(struct wg_change){.peers_b = q, .n_peers = 3});
    d = read_by(r);
    assert_int_equal(d.n_peers, 1);
    assert_int_equal(d.peers[0].n_ips, 1);
    assert_true(d.peers[0].has_psk);
    wg_reader_free(r);
    must_down(h);
    wg_host_free(h);
}

static void splits_what_is_large(void **state)
{
    (void)state;
    enum { PEERS = 400, IPS = 5000 };
    struct wg_host *h = host_new("mesh0");
    struct wg_peer_change *p = calloc(PEERS, sizeof *p);
    struct addr *ips = calloc(IPS + PEERS, sizeof *ips);
    for (unsigned i = 0; i < PEERS; i++) {
        key_number(p[i].public_key, i);
        p[i].set_ips = true;
        p[i].ips_b = &ips[IPS + i];
        p[i].n_ips = 1;
        ips[IPS + i] = addr_ip4(0x0a000000u + i, 32);
    }
    for (unsigned i = 0; i < IPS; i++) {
        ips[i] = ip("fd00::");
        ips[i].bytes[14] = (uint8_t)(i >> 8);
        ips[i].bytes[15] = (uint8_t)i;
    }
    p[300].ips_b = ips;
    p[300].n_ips = IPS;
    must_up(h);
    struct wg_reader *r = reader("mesh0");
    for (int round = 0; round < 2; round++) { /* the second changes nothing */
        must_change(h, &(struct wg_change){.peers_b = p, .n_peers = PEERS});
        struct wg_device d = read_by(r);
        assert_int_equal(d.n_peers, PEERS);
        assert_int_equal(d.n_ips, IPS + PEERS - 1);
        assert_int_equal(wg_device_peer(&d, p[300].public_key)->n_ips, IPS);
        assert_int_equal(wg_device_peer(&d, p[301].public_key)->n_ips, 1);
    }
    wg_reader_free(r);
    must_down(h);
    wg_host_free(h);
    free(p);
    free(ips);
}

static void adopts_its_own_only(void **state)
{
    (void)state;
    struct err e = {0};
    struct nl *n;
    struct rtnl_link link;
    struct wg_host *h = host_new("mesh0");
    must_up(h);
    assert_false(wg_host_info(h)->adopted);
    wg_host_free(h);
    h = host_new("mesh0");
    must_up(h);
    assert_true(wg_host_info(h)->adopted);
    assert_int_equal(nl_open(NETLINK_ROUTE, &n, &e), 0);
    assert_int_equal(link_get(n, "mesh0", 0, &link, &e), 0);
    assert_string_equal(link.alias, "meshdeck:wireguard:mesh0");
    /* as after a crash between making and marking: the group tells */
    assert_int_equal(
        link_change(n, &(struct link_change){.ifindex = link.ifindex, .alias_b = ""}, &e), 0);
    must_up(h);
    assert_int_equal(
        link_change(n, &(struct link_change){.ifindex = link.ifindex, .alias_b = "somebody"}, &e),
        0);
    assert_int_equal(up(h, &e), -EEXIST);
    assert_non_null(strstr(e.text, "somebody"));
    assert_int_equal(link_delete(n, link.ifindex, &e), 0);
    nl_free(n);
    wg_host_free(h);
}

struct end {
    int ns;
    const char *name, *inner;
    struct endpoint outer;
    struct wgkey_secret secret;
    uint8_t public_key[WG_KEY];
    struct wg_host *host;
};

static void end_make(struct end *x, const struct end *other, uint16_t keepalive)
{
    struct addr ips[] = {ip(other->inner)};
    struct wg_peer_change p = {.op = WG_PEER_ADD,
                               .set_ips = true,
                               .ips_b = ips,
                               .n_ips = 1,
                               .endpoint = other->outer,
                               .set_keepalive = true,
                               .keepalive_s = keepalive};
    memcpy(p.public_key, other->public_key, WG_KEY);
    x->host = host_new(x->name);
    must_up(x->host);
    must_change(x->host, &(struct wg_change){.private_key_b = &x->secret,
                                             .set_port = true,
                                             .port = x->outer.port,
                                             .peers_b = &p,
                                             .n_peers = 1});
    struct nl *n;
    struct err e = {0};
    uint32_t ifindex = wg_host_info(x->host)->ifindex;
    assert_int_equal(nl_open(NETLINK_ROUTE, &n, &e), 0);
    struct address_spec a = {.ifindex = ifindex, .local = ip(x->inner)};
    struct route_spec route = {.oif = ifindex, .dst = ip(other->inner)};
    if (address_add(n, &a, &e) != 0 ||
        link_change(n,
                    &(struct link_change){.ifindex = ifindex, .mtu = 1420, .state = LINK_STATE_UP},
                    &e) != 0 ||
        route_add(n, &route, &e) != 0)
        fail_msg("%s", e.text);
    nl_free(n);
}

static struct wg_reader *first_reader;

static bool shaken(void *arg)
{
    (void)arg;
    struct wg_device d = read_by(first_reader);
    return d.n_peers >= 1 && d.peers[0].handshake_sec > 0 && d.peers[0].rx_bytes > 0;
}

/* Both ends of a tunnel over lo; sessions of one stay while others come and go. */
static void shakes_hands(void **state)
{
    (void)state;
    struct err e = {0};
    struct end a = {.name = "wga", .inner = "10.9.0.1/32"},
               b = {.name = "wgb", .inner = "10.9.0.2/32"};
    struct wg_peer_change p[40]; /* each removal waits for a grace period */
    (void)addr_endpoint_parse("127.0.0.1:51001", &a.outer, NULL);
    (void)addr_endpoint_parse("127.0.0.1:51002", &b.outer, NULL);
    assert_int_equal(wgkey_generate(&a.secret, &e), 0);
    assert_int_equal(wgkey_public(&a.secret, a.public_key, &e), 0);
    assert_int_equal(wgkey_generate(&b.secret, &e), 0);
    assert_int_equal(wgkey_public(&b.secret, b.public_key, &e), 0);
    end_make(&b, &a, 0);
    end_make(&a, &b, 1);
    first_reader = reader("wga");
    assert_true(loop_until(&loop, shaken, NULL, 30));
    struct wg_device d = read_by(first_reader);
    struct wg_peer before = d.peers[0];
    for (unsigned i = 0; i < 40; i++) {
        p[i] = (struct wg_peer_change){.op = WG_PEER_ADD};
        key_number(p[i].public_key, i);
    }
    must_change(a.host, &(struct wg_change){.peers_b = p, .n_peers = 40});
    for (unsigned i = 0; i < 40; i++)
        p[i].op = WG_PEER_REMOVE;
    must_change(a.host, &(struct wg_change){.peers_b = p, .n_peers = 40});
    d = read_by(first_reader);
    assert_int_equal(d.n_peers, 1);
    assert_true(d.peers[0].rx_bytes >= before.rx_bytes && d.peers[0].tx_bytes >= before.tx_bytes);
    assert_true(d.peers[0].handshake_sec >= before.handshake_sec);
    wg_reader_free(first_reader);
    must_down(a.host);
    must_down(b.host);
    wg_host_free(a.host);
    wg_host_free(b.host);
}

struct churn {
    uv_loop_t loop;
    uv_thread_t thread;
    volatile bool end;
};

static void churn_run(void *arg)
{
    struct churn *c = arg;
    struct wg_host_spec spec = {
        .name = "mesh0", .alias = "meshdeck:wireguard:mesh0", .pid_file = "/run/wg.pid"};
    struct wg_host *h;
    struct answer a = {0};
    uv_loop_init(&c->loop);
    if (wg_host_new(&c->loop, &spec, NULL, NULL, &h, NULL) != 0 ||
        wg_host_up(h, on_done, &a, NULL) != 0)
        return;
    while (!a.came)
        uv_run(&c->loop, UV_RUN_ONCE);
    for (unsigned i = 0; !c->end; i++) {
        struct wg_peer_change p = {.op = i % 2 ? WG_PEER_REMOVE : WG_PEER_ADD};
        key_number(p.public_key, 9999);
        a.came = false;
        if (wg_host_change(h, &(struct wg_change){.peers_b = &p, .n_peers = 1}, on_done, &a,
                           NULL) != 0)
            break;
        while (!a.came)
            uv_run(&c->loop, UV_RUN_ONCE);
    }
    wg_host_free(h);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&c->loop);
}

/* Reads of a device that changes all the time end, with a whole answer or with "interrupted". */
static void stays_bounded_under_churn(void **state)
{
    (void)state;
    static struct wg_peer_change p[1000];
    struct wg_host *h = host_new("mesh0");
    struct churn c = {.end = false};
    unsigned whole = 0, interrupted = 0;
    must_up(h);
    for (unsigned i = 0; i < 1000; i++)
        key_number(p[i].public_key, i);
    must_change(h, &(struct wg_change){.peers_b = p, .n_peers = 1000});
    struct wg_reader *r = reader("mesh0");
    assert_int_equal(uv_thread_create(&c.thread, churn_run, &c), 0);
    for (int i = 0; i < 15; i++) {
        struct answer a = {0};
        assert_int_equal(wg_read(r, on_read, &a, NULL), 0);
        assert_true(loop_until(&loop, came, &a, 30));
        if (a.err.code == 0)
            assert_true(a.device.n_peers >= 1000 && a.device.n_peers <= 1001);
        else
            assert_int_equal(a.err.code, -EINTR);
        whole += a.err.code == 0;
        interrupted += a.err.code == -EINTR;
    }
    c.end = true;
    uv_thread_join(&c.thread);
    print_message("# %u whole, %u interrupted\n", whole, interrupted);
    assert_int_equal(read_by(r).n_peers & ~1u, 1000);
    wg_reader_free(r);
    must_down(h);
    wg_host_free(h);
}

static void says_what_is_not_there(void **state)
{
    (void)state;
    struct answer a = {0};
    struct wg_reader *r = reader("nosuch");
    assert_int_equal(wg_read(r, on_read, &a, NULL), 0);
    assert_true(loop_until(&loop, came, &a, 30));
    assert_int_equal(a.err.code, -ENODEV);
    wg_reader_free(r);
    r = reader("lo");
    a.came = false;
    assert_int_equal(wg_read(r, on_read, &a, NULL), 0);
    assert_true(loop_until(&loop, came, &a, 30));
    assert_int_equal(a.err.code, -EOPNOTSUPP);
    wg_reader_free(r);
}

int main(void)
{
    uv_loop_init(&loop);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_reads_changes_removes), cmocka_unit_test(splits_what_is_large),
        cmocka_unit_test(adopts_its_own_only),         cmocka_unit_test(shakes_hands),
        cmocka_unit_test(stays_bounded_under_churn),   cmocka_unit_test(says_what_is_not_there),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_close(&loop);
    return failed;
}
