/*
 * The engine's reading of the kernel, from the request to the published snapshot: 65,536 IPv6 routes
 * against a bare libmnl dump that parses nothing, a change among them, the same from the start of a
 * whole engine, and 1,000 WireGuard peers against `wg show all dump`.
 */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/engine.h"
#include "backend/engine/base.h"
#include "backend/engine/core.h"
#include "backend/engine/peers.h"
#include "backend/engine/watch.h"
#include "backend/host/link.h"
#include "backend/host/route.h"
#include "tests/support/bench.h"
#include "tests/support/netns.h"

enum { ROUTES = 65536, ROUNDS = 7, ROUNDS_MAX = 25, PEERS = 1000 };
#define ROUTES_TARGET 1.4

static struct err err;

static void must(int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static int count_row(const struct nlmsghdr *m, void *arg)
{
    (void)m;
    ++*(size_t *)arg;
    return MNL_CB_OK;
}

/* The other tool: request, read, count. */
static double bare_dump(void)
{
    static char buffer[64 * 1024] __attribute__((aligned(8)));
    char request[128] __attribute__((aligned(8)));
    struct mnl_socket *s = mnl_socket_open(NETLINK_ROUTE);
    struct nlmsghdr *m = mnl_nlmsg_put_header(request);
    int rc = MNL_CB_OK;
    size_t rows = 0;

    if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
        exit(1);
    m->nlmsg_type = RTM_GETROUTE;
    m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct rtmsg *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
    head->rtm_family = AF_INET6;
    double began = bench_now_ms();
    if (mnl_socket_sendto(s, m, m->nlmsg_len) < 0)
        exit(1);
    while (rc > MNL_CB_STOP) {
        ssize_t n = mnl_socket_recvfrom(s, buffer, sizeof buffer);
        if (n <= 0)
            exit(1);
        rc = mnl_cb_run(buffer, (size_t)n, 0, mnl_socket_get_portid(s), count_row, &rows);
    }
    double took = bench_now_ms() - began;
    mnl_socket_close(s);
    if (rows < ROUTES)
        exit(1);
    return took;
}

/* An engine that only watches: the core's loop and publishing with the part to be measured. */
static void core_open(struct core *c)
{
    *c = (struct core){0};
    c->held_tail = &c->held;
    c->mail_b = mailbox_new(NULL, NULL);
    if (!c->mail_b || uv_loop_init(&c->loop) != 0 || publish_init(c) < 0)
        exit(1);
}

static void core_shut(struct core *c)
{
    publish_done(c);
    uv_close((uv_handle_t *)&c->publish, NULL);
    loop_close(&c->loop);
    mailbox_free(c->mail_b);
}

/* Until the newest published snapshot has so many rows. */
static void wait_published(struct core *c, enum table_id t, size_t rows)
{
    while (!c->last || c->last->tables[t]->n_rows < rows)
        uv_run(&c->loop, UV_RUN_ONCE);
}

static double watch_routes(double *ret_change, struct nl *nl, struct route_spec *change)
{
    struct core c;

    core_open(&c);
    double began = bench_now_ms();
    must(watch_start(&c, &err));
    wait_published(&c, TABLE_ROUTES, ROUTES);
    double took = bench_now_ms() - began;
    while (!watch_is_ready(&c))
        uv_run(&c.loop, UV_RUN_ONCE);
    size_t rows = table_count(c.tables[TABLE_ROUTES]);
    for (double quiet = bench_now_ms() + 100; bench_now_ms() < quiet;)
        uv_run(&c.loop, UV_RUN_NOWAIT);
    began = bench_now_ms();
    must(route_add(nl, change, &err));
    wait_published(&c, TABLE_ROUTES, rows + 1);
    *ret_change = bench_now_ms() - began;
    must(route_remove(nl, change, &err));
    watch_stop(&c);
    core_shut(&c);
    return took;
}

/* The whole engine, from nothing: folder, database, keys, kernel. */
static double whole_engine(void)
{
    char dir[] = "/tmp/meshdeck-bench.XXXXXX";
    struct engine_options o = {.who = "bench", .headless = true};
    struct engine *en;
    size_t rows = 0;

    if (!mkdtemp(dir))
        exit(1);
    o.state_dir = dir;
    double began = bench_now_ms();
    must(engine_open(&o, &en, &err));
    while (rows < ROUTES) {
        struct pollfd p = {.fd = engine_fd(en), .events = POLLIN};
        if (poll(&p, 1, 10000) <= 0)
            exit(1);
        engine_drain(en);
        struct snapshot *s = engine_snapshot(en);
        rows = s->tables[TABLE_ROUTES]->n_rows;
        snapshot_unref(s);
    }
    double took = bench_now_ms() - began;
    engine_close(en, true);
    run_ok("rm", "-rf", dir);
    return took;
}

/* Somebody else's routes: ours that no plan wants would be taken out by a whole engine. */
static void add_routes(void)
{
    const char *const argv[] = {"ip", "-6", "-batch", "-", NULL};
    size_t cap = ROUTES * 48u, len = 0;
    char *text = malloc(cap);

    for (unsigned i = 0; text && i < ROUTES; i++)
        len += (size_t)snprintf(text + len, cap - len, "route add fd00:%x:%x::/64 dev v0\n", i >> 8,
                                i & 255);
    if (!text || run_io(argv, text, NULL, 0) != 0)
        exit(1);
    free(text);
}

static bool bench_routes(void)
{
    struct nl *nl;
    struct rtnl_link link;
    double ours = 1e9, other = 1e9, change = 1e9, whole = 1e9, one;

    run_ok("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1");
    run_ok("ip", "link", "set", "v0", "up");
    must(nl_open(NETLINK_ROUTE, &nl, &err));
    must(link_get(nl, "v0", 0, &link, &err));
    add_routes();
    struct route_spec r = {.oif = link.ifindex, .metric = 4242};
    must(addr_parse("fd00:3:9::/64", true, &r.dst, &err));
    for (int i = 0; i < ROUNDS || (i < ROUNDS_MAX && ours > other * ROUTES_TARGET); i++) {
        other = least(other, bare_dump());
        ours = least(ours, watch_routes(&one, nl, &r));
        change = least(change, one);
    }
    bool ok = bench_ratio("65,536 IPv6 routes to the snapshot", ours, other, ROUTES_TARGET, "ms");
    ok &= bench_limit("one change among them published", change, 50, "ms");
    for (int i = 0; i < 3; i++)
        whole = least(whole, whole_engine());
    ok &= bench_ratio("65,536 routes from the engine's start", whole, other, ROUTES_TARGET, "ms");
    nl_free(nl);
    run_ok("ip", "link", "del", "v0");
    return ok;
}

static bool up;

static bool is_up(void *arg)
{
    (void)arg;
    return up;
}

static void on_up(const struct err *failed, void *arg)
{
    (void)arg;
    if (failed)
        err = *failed;
    up = true;
}

static void close_timer(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (handle->type == UV_TIMER && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* As `wg addconf` would have it: 1,000 peers of two prefixes. */
static char *peers_text(void)
{
    size_t cap = PEERS * 200u, len = 0;
    char *text = malloc(cap), key[WGKEY_BASE64];
    uint8_t raw[32] = {7};

    for (unsigned i = 0; text && i < PEERS; i++) {
        raw[0] = (uint8_t)i;
        raw[1] = (uint8_t)(i >> 8);
        wgkey_to_base64(raw, key);
        len += (size_t)snprintf(text + len, cap - len,
                                "[Peer]\nPublicKey = %s\nAllowedIPs = 10.%u.%u.0/24, fd00:0:0:%x::/64\n"
                                "PersistentKeepalive = 25\n",
                                key, 100 + (i >> 8), i & 255, i + 1);
    }
    return text;
}

static bool bench_peers(void)
{
    static char dump[4 << 20];
    const char *const argv[] = {"wg", "show", "all", "dump", NULL};
    struct wg_host_spec spec = {.name = "mdbench",
                                .alias = "meshdeck:wireguard:mdbench",
                                .pid_file = "/run/mdbench.pid",
                                .no_kernel = true};
    const char *const add[] = {"wg", "addconf", "mdbench", "/dev/stdin", NULL};
    char *text = peers_text();
    double ours = 1e9, other = 1e9;
    struct base base = {0};
    struct core c;

    core_open(&c);
    c.base = &base;
    if (journal_init(&c) < 0 || peers_init(&c) < 0)
        exit(1);
    must(wg_host_new(&c.loop, &spec, NULL, NULL, &base.wg, &err));
    must(wg_host_up(base.wg, on_up, NULL, &err));
    if (!loop_until(&c.loop, is_up, NULL, 20) || err.code || !text)
        must(-1);
    if (run_io(add, text, NULL, 0) != 0)
        exit(1);
    for (int i = 0; i < ROUNDS * 2; i++) {
        double began = bench_now_ms();
        if (run_io(argv, NULL, dump, sizeof dump) != 0)
            exit(1);
        other = least(other, bench_now_ms() - began);
        began = bench_now_ms();
        peers_device_up(&c);
        wait_published(&c, TABLE_PEERS, PEERS);
        ours = least(ours, bench_now_ms() - began);
        peers_device_down(&c);
        uv_timer_stop(&c.peers->timer);
        while (c.peers->first)
            peers_drop(&c, c.peers->first);
        publish_now(&c);
        c.last_publish_ms = 0; /* as if nothing had happened for a while */
    }
    up = false;
    if (wg_host_down(base.wg, on_up, NULL, &err) == 0)
        (void)loop_until(&c.loop, is_up, NULL, 20);
    wg_host_free(base.wg);
    uv_walk(&c.loop, close_timer, NULL);
    loop_close(&c.loop);
    peers_done(&c);
    journal_done(&c);
    publish_done(&c);
    mailbox_free(c.mail_b);
    free(text);
    return bench_ratio("1,000 WireGuard peers to the snapshot", ours, other, 1.0, "ms");
}

int main(void)
{
    const char *why = netns_enter();

    if (why)
        return bench_skip("65,536 IPv6 routes to the snapshot", why);
    bool ok = bench_routes();
    if (access("/dev/net/tun", R_OK | W_OK) != 0)
        (void)bench_skip("1,000 WireGuard peers to the snapshot", "no /dev/net/tun");
    else
        ok &= bench_peers();
    return ok ? 0 : 1;
}
