/*
 * 1,000 WireGuard peers of a real wireguard-go: asked, read, parsed and handed over, against
 * `wg show all dump` started as a process, as a script would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/wireguard.h"
#include "tests/support/bench.h"
#include "tests/support/netns.h"

enum { PEERS = 1000, ROUNDS = 15 };

static bool done;
static size_t peers_seen;
static struct err last;

static bool is_done(void *arg)
{
    (void)arg;
    return done;
}

static void on_done(const struct err *failed, void *arg)
{
    (void)arg;
    done = true;
    if (failed)
        last = *failed;
}

static void on_read(const struct wg_device *d, const struct err *failed, void *arg)
{
    on_done(failed, arg);
    peers_seen = d ? d->n_peers : 0;
}

static void wait_done(uv_loop_t *loop)
{
    while (!done)
        uv_run(loop, UV_RUN_ONCE);
}

static int fill(struct wg_host *h, uv_loop_t *loop)
{
    static struct wg_peer_change p[PEERS];
    static struct addr ips[PEERS][2];
    struct wgkey_secret key;

    if (wgkey_generate(&key, &last) != 0)
        return -1;
    for (unsigned i = 0; i < PEERS; i++) {
        p[i] = (struct wg_peer_change){.op = WG_PEER_ADD,
                                       .set_ips = true,
                                       .ips_b = ips[i],
                                       .n_ips = 2,
                                       .set_keepalive = true,
                                       .keepalive_s = 25};
        memset(p[i].public_key, 7, WG_KEY);
        p[i].public_key[0] = (uint8_t)i;
        p[i].public_key[1] = (uint8_t)(i >> 8);
        ips[i][0] = addr_ip4(0x0ad20000u + (i << 8), 24);
        (void)addr_parse("fd00::/64", true, &ips[i][1], NULL);
        ips[i][1].bytes[6] = (uint8_t)(i >> 8);
        ips[i][1].bytes[7] = (uint8_t)i;
    }
    done = false;
    struct wg_change c = {.private_key_b = &key, .peers_b = p, .n_peers = PEERS};
    if (wg_host_change(h, &c, on_done, NULL, &last) != 0)
        return -1;
    wait_done(loop);
    return last.code;
}

int main(void)
{
    static char dump[4 << 20];
    const char *why = netns_enter();
    struct wg_host_spec spec = {.name = "mdbench",
                                .alias = "meshdeck:wireguard:mdbench",
                                .pid_file = "/run/mdbench.pid",
                                .no_kernel = true};
    struct wg_host *h;
    struct wg_reader *r;
    uv_loop_t loop;
    double ours = 1e9, other = 1e9;
    bool ok = false;

    if (!why && access("/dev/net/tun", R_OK | W_OK) != 0)
        why = "no /dev/net/tun";
    if (why)
        return bench_skip("1,000 WireGuard peers", why);
    uv_loop_init(&loop);
    if (wg_host_new(&loop, &spec, NULL, NULL, &h, &last) != 0 ||
        wg_host_up(h, on_done, NULL, &last) != 0)
        goto out;
    (void)loop_until(&loop, is_done, NULL, 20);
    if (last.code || fill(h, &loop) != 0 ||
        wg_reader_new(&loop, "mdbench", WG_BACKEND_USERSPACE, &r, &last) != 0)
        goto out;
    const char *const argv[] = {"wg", "show", "all", "dump", NULL};
    for (int i = 0; i < ROUNDS; i++) {
        double began = bench_now_ms();
        if (run_io(argv, NULL, dump, sizeof dump) != 0)
            goto out;
        double took = bench_now_ms() - began;
        other = took < other ? took : other;
        done = false;
        began = bench_now_ms();
        if (wg_read(r, on_read, NULL, &last) != 0)
            goto out;
        wait_done(&loop);
        took = bench_now_ms() - began;
        ours = took < ours ? took : ours;
    }
    wg_reader_free(r);
    ok = last.code == 0 && peers_seen == PEERS;
    if (ok)
        ok = bench_ratio("1,000 WireGuard peers read and parsed", ours, other, 1.0, "ms");
    done = false;
    if (wg_host_down(h, on_done, NULL, &last) == 0)
        (void)loop_until(&loop, is_done, NULL, 20);
    wg_host_free(h);
    loop_close(&loop);
out:
    if (last.code)
        fprintf(stderr, "%s\n", last.text);
    return ok ? 0 : 1;
}
