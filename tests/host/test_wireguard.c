/*
 * Our WireGuard device on a real wireguard-go (this machine's kernel has none), in network and
 * mount namespaces of the test: made, configured peer by peer, read, adopted, killed, made again;
 * two of them in two namespaces shake hands.
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
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/address.h"
#include "backend/host/link.h"
#include "backend/host/wireguard.h"
#include "backend/model/text.h"
#include "backend/observe/uapi.h"
#include "tests/support/netns.h"

static uv_loop_t loop;

struct answer {
    bool came;
    struct err err;
    struct wg_device device; /* a copy */
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
    struct answer *a = arg;
    on_done(failed, arg);
    if (failed)
        return;
    a->device = *d;
    a->device.peers = calloc(d->n_peers + 1, sizeof *d->peers);
    a->device.ips = calloc(d->n_ips + 1, sizeof *d->ips);
    for (size_t i = 0; i < d->n_peers; i++)
        a->device.peers[i] = d->peers[i];
    for (size_t i = 0; i < d->n_ips; i++)
        a->device.ips[i] = d->ips[i];
}

static char ended_because[160];

static void on_ended(const char *reason, void *arg)
{
    (void)arg;
    (void)str_copy(ended_because, sizeof ended_because, reason);
}

static bool has_ended(void *arg)
{
    (void)arg;
    return ended_because[0] != '\0';
}

static struct wg_host *host_new(const char *name)
{
    char pid_file[64], alias[64];
    struct wg_host *h;
    struct err e = {0};
    (void)snprintf(pid_file, sizeof pid_file, "/run/%s.pid", name);
    (void)snprintf(alias, sizeof alias, "meshdeck:wireguard:%s", name);
    struct wg_host_spec spec = {
        .name = name, .alias = alias, .pid_file = pid_file, .log_file = "/run/wg.log"};
    if (wg_host_new(&loop, &spec, on_ended, NULL, &h, &e) != 0)
        fail_msg("%s", e.text);
    return h;
}

static int up(struct wg_host *h, struct err *e)
{
    struct answer a = {0};
    assert_int_equal(wg_host_up(h, on_done, &a, e), 0);
    assert_true(loop_until(&loop, came, &a, 20));
    *e = a.err;
    return a.err.code;
}

static void must_up(struct wg_host *h)
{
    struct err e = {0};
    if (up(h, &e) != 0)
        fail_msg("%s", e.text);
}

static void must_down(struct wg_host *h)
{
    struct answer a = {0};
    assert_int_equal(wg_host_down(h, on_done, &a, NULL), 0);
    assert_true(loop_until(&loop, came, &a, 20));
    assert_int_equal(a.err.code, 0);
    assert_int_equal(wg_host_info(h)->backend, WG_BACKEND_NONE);
}

static int change(struct wg_host *h, const struct wg_change *c, struct err *e)
{
    struct answer a = {0};
    assert_int_equal(wg_host_change(h, c, on_done, &a, e), 0);
    assert_true(loop_until(&loop, came, &a, 20));
    *e = a.err;
    return a.err.code;
}

static void must_change(struct wg_host *h, const struct wg_change *c)
{
    struct err e = {0};
    if (change(h, c, &e) != 0)
        fail_msg("%s", e.text);
}

static struct wg_device read_device(const char *name)
{
    struct answer a = {0};
    struct wg_reader *r;
    assert_int_equal(wg_reader_new(&loop, name, WG_BACKEND_USERSPACE, &r, NULL), 0);
    assert_int_equal(wg_read(r, on_read, &a, NULL), 0);
    assert_int_equal(wg_read(r, on_read, &a, NULL), -EBUSY);
    assert_true(loop_until(&loop, came, &a, 10));
    if (a.err.code != 0)
        fail_msg("%s", a.err.text);
    wg_reader_free(r);
    return a.device;
}

static struct addr ip(const char *text)
{
    struct addr a;
    struct err e = {0};
    if (addr_parse(text, false, &a, &e) != 0)
        fail_msg("%s", e.text);
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
    struct wg_host *h = host_new("md0");
    struct wgkey_secret secret;
    uint8_t public_key[WG_KEY];
    struct err e = {0};
    assert_int_equal(wg_host_change(h, &(struct wg_change){0}, on_done, NULL, &e), -ENODEV);
    must_up(h);
    assert_int_equal(wg_host_info(h)->backend, WG_BACKEND_USERSPACE);
    assert_false(wg_host_info(h)->adopted);
    assert_true(wg_host_info(h)->pid > 0);
    assert_true(wg_host_info(h)->ifindex > 0);
    assert_non_null(strstr(wg_host_info(h)->why, "kernel knows no WireGuard"));
    struct wg_device d = read_device("md0");
    assert_false(d.has_key);
    assert_int_equal(d.n_peers, 0);
    wg_device_done(&d);

    assert_int_equal(wgkey_generate(&secret, &e), 0);
    assert_int_equal(wgkey_public(&secret, public_key, &e), 0);
    static const uint8_t psk[WG_KEY] = {9};
    struct addr ips[] = {ip("fd00:0:0:2::/64"), ip("10.210.1.0/24")};
    struct wg_peer_change p[2] = {{.op = WG_PEER_ADD,
                                   .psk_b = psk,
                                   .set_keepalive = true,
                                   .keepalive_s = 25,
                                   .set_ips = true,
                                   .ips_b = ips,
                                   .n_ips = 2},
                                  {.op = WG_PEER_ADD, .set_ips = true}};
    key_number(p[0].public_key, 1);
    key_number(p[1].public_key, 2);
    assert_int_equal(addr_endpoint_parse("192.0.2.2:51820", &p[0].endpoint, &e), 0);
    assert_int_equal(addr_endpoint_parse("[2001:db8::2]:51821", &p[1].endpoint, &e), 0);
    must_change(h, &(struct wg_change){.private_key_b = &secret,
                                       .set_port = true,
                                       .port = 51820,
                                       .set_fwmark = true,
                                       .fwmark = 7,
                                       .peers_b = p,
                                       .n_peers = 2});
    d = read_device("md0");
    assert_true(d.has_key);
    assert_memory_equal(d.public_key, public_key, WG_KEY);
    assert_int_equal(d.listen_port, 51820);
    assert_int_equal(d.fwmark, 7);
    assert_int_equal(d.n_peers, 2);
    assert_int_equal(d.ifindex, wg_host_info(h)->ifindex);
    const struct wg_peer *q = wg_device_peer(&d, p[0].public_key);
    assert_non_null(q);
    assert_true(q->has_psk);
    assert_int_equal(q->keepalive_s, 25);
    assert_int_equal(q->handshake_sec, 0);
    assert_int_equal(q->n_ips, 2);
    assert_int_equal(addr_compare(&d.ips[q->first_ip], &ips[1]), 0);
    char text[ADDR_ENDPOINT_TEXT];
    assert_string_equal(addr_endpoint_format(&q->endpoint, text), "192.0.2.2:51820");
    q = wg_device_peer(&d, p[1].public_key);
    assert_false(q->has_psk);
    assert_string_equal(addr_endpoint_format(&q->endpoint, text), "[2001:db8::2]:51821");
    wg_device_done(&d);

    /* one changed, one removed; an update of the removed one does not bring it back */
    struct wg_peer_change r[] = {{.op = WG_PEER_REMOVE},
                                 {.op = WG_PEER_UPDATE, .endpoint = p[0].endpoint},
                                 {.op = WG_PEER_UPDATE, .set_ips = true, .ips_b = ips, .n_ips = 1}};
    key_number(r[0].public_key, 2);
    key_number(r[1].public_key, 2);
    key_number(r[2].public_key, 1);
    must_change(h, &(struct wg_change){.peers_b = r, .n_peers = 3});
    d = read_device("md0");
    assert_int_equal(d.n_peers, 1);
    assert_int_equal(d.peers[0].n_ips, 1);
    assert_int_equal(d.peers[0].keepalive_s, 25);
    wg_device_done(&d);
    struct stat st;
    must_down(h);
    assert_int_equal(stat("/var/run/wireguard/md0.sock", &st), -1);
    assert_int_equal(if_nametoindex("md0"), 0);
    wg_host_free(h);
}

static void is_adopted_and_restarted(void **state)
{
    (void)state;
    struct wg_host *h = host_new("md0");
    must_up(h);
    pid_t pid = wg_host_info(h)->pid;
    struct wg_peer_change p = {.op = WG_PEER_ADD};
    key_number(p.public_key, 5);
    must_change(h, &(struct wg_change){.peers_b = &p, .n_peers = 1});
    wg_host_free(h); /* as when the engine ends */

    h = host_new("md0");
    must_up(h);
    assert_true(wg_host_info(h)->adopted);
    assert_int_equal(wg_host_info(h)->pid, pid);
    struct wg_device d = read_device("md0");
    assert_int_equal(d.n_peers, 1);
    wg_device_done(&d);

    ended_because[0] = '\0';
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(loop_until(&loop, has_ended, NULL, 10));
    assert_non_null(strstr(ended_because, "md0"));
    assert_int_equal(wg_host_info(h)->backend, WG_BACKEND_NONE);
    struct stat st;
    assert_int_equal(stat("/var/run/wireguard/md0.sock", &st), 0); /* stale */
    must_up(h);
    assert_false(wg_host_info(h)->adopted);
    assert_true(wg_host_info(h)->pid != pid);
    must_down(h);
    wg_host_free(h);
}

static void refuses_what_is_not_ours(void **state)
{
    (void)state;
    struct wg_host *h = host_new("md3");
    struct err e = {0};
    run_ok("ip", "link", "add", "md3", "type", "veth", "peer", "name", "md4");
    assert_int_equal(up(h, &e), -EEXIST);
    assert_non_null(strstr(e.text, "md3"));
    run_ok("ip", "link", "del", "md3");
    run_ok("wireguard-go", "md3"); /* somebody else's */
    assert_int_equal(up(h, &e), -EEXIST);
    assert_int_equal(wg_host_info(h)->backend, WG_BACKEND_NONE);
    run_ok("ip", "link", "del", "md3");
    /* and one of the same name in another network namespace */
    struct stat st;
    for (int i = 0; i < 500 && stat("/var/run/wireguard/md3.sock", &st) == 0; i++)
        usleep(10000);
    int other = netns_make(), back = netns_switch(other);
    run_ok("wireguard-go", "md3");
    netns_back(back);
    assert_int_equal(up(h, &e), -EXDEV);
    assert_non_null(strstr(e.text, "another network namespace"));
    struct wg_reader *r;
    struct answer a = {0};
    assert_int_equal(wg_reader_new(&loop, "md3", WG_BACKEND_USERSPACE, &r, NULL), 0);
    assert_int_equal(wg_read(r, on_read, &a, &e), -EXDEV);
    wg_reader_free(r);
    back = netns_switch(other);
    run_ok("ip", "link", "del", "md3");
    netns_back(back);
    close(other);
    wg_host_free(h);
}

/* A device in its namespace, with key, port, address, and the other as its peer. */
struct end {
    int ns;
    const char *name, *outer, *inner, *link;
    struct wgkey_secret secret;
    uint8_t public_key[WG_KEY];
    struct wg_host *host;
};

static void end_make(struct end *x, const struct end *other, bool keepalive)
{
    struct err e = {0};
    struct addr ips[] = {ip(other->inner)};
    struct wg_peer_change p = {.op = WG_PEER_ADD,
                               .set_ips = true,
                               .ips_b = ips,
                               .n_ips = 1,
                               .set_keepalive = keepalive,
                               .keepalive_s = 1};
    char endpoint[64];
    memcpy(p.public_key, other->public_key, WG_KEY);
    (void)snprintf(endpoint, sizeof endpoint, "%s:51820", other->outer);
    assert_int_equal(addr_endpoint_parse(endpoint, &p.endpoint, &e), 0);
    int back = netns_switch(x->ns);
    run_ok("ip", "addr", "add", x->outer, "peer", other->outer, "dev", x->link);
    run_ok("ip", "link", "set", x->link, "up");
    x->host = host_new(x->name);
    must_up(x->host);
    must_change(x->host, &(struct wg_change){.private_key_b = &x->secret,
                                             .set_port = true,
                                             .port = 51820,
                                             .peers_b = &p,
                                             .n_peers = 1});
    run_ok("ip", "addr", "add", x->inner, "peer", other->inner, "dev", x->name);
    run_ok("ip", "link", "set", x->name, "up");
    netns_back(back);
}

static bool shaken(void *arg)
{
    struct wg_device d = read_device(arg);
    bool yes = d.n_peers >= 1 && d.peers[0].handshake_sec > 0 && d.peers[0].rx_bytes > 0;
    wg_device_done(&d);
    return yes;
}

static void two_shake_hands(void **state)
{
    (void)state;
    struct err e = {0};
    struct end a = {
        .ns = netns_make(), .name = "mda", .outer = "192.0.2.1", .inner = "10.9.0.1", .link = "va"};
    struct end b = {
        .ns = netns_make(), .name = "mdb", .outer = "192.0.2.2", .inner = "10.9.0.2", .link = "vb"};
    char path_a[32], path_b[32];
    (void)snprintf(path_a, sizeof path_a, "/proc/%d/fd/%d", (int)getpid(), a.ns);
    (void)snprintf(path_b, sizeof path_b, "/proc/%d/fd/%d", (int)getpid(), b.ns);
    run_ok("ip", "link", "add", "va", "netns", path_a, "type", "veth", "peer", "name", "vb",
           "netns", path_b);
    assert_int_equal(wgkey_generate(&a.secret, &e), 0);
    assert_int_equal(wgkey_public(&a.secret, a.public_key, &e), 0);
    assert_int_equal(wgkey_generate(&b.secret, &e), 0);
    assert_int_equal(wgkey_public(&b.secret, b.public_key, &e), 0);
    end_make(&b, &a, false);
    end_make(&a, &b, true);
    int back = netns_switch(a.ns);
    assert_true(loop_until(&loop, shaken, "mda", 20));

    /* others come, change and go; this one's session and counters stay */
    struct wg_device before = read_device("mda");
    struct wg_peer_change p[600];
    struct addr ips[600];
    for (unsigned i = 0; i < 600; i++) {
        ips[i] = addr_ip4(0x0a0a0000u + i, 32);
        p[i] = (struct wg_peer_change){
            .op = WG_PEER_ADD, .set_ips = true, .ips_b = &ips[i], .n_ips = 1};
        key_number(p[i].public_key, i);
    }
    must_change(a.host, &(struct wg_change){.peers_b = p, .n_peers = 600});
    for (unsigned i = 0; i < 300; i++)
        p[i].op = WG_PEER_REMOVE;
    must_change(a.host, &(struct wg_change){.peers_b = p, .n_peers = 600});
    struct wg_device after = read_device("mda");
    assert_int_equal(after.n_peers, 301);
    const struct wg_peer *was = wg_device_peer(&before, b.public_key);
    const struct wg_peer *is = wg_device_peer(&after, b.public_key);
    assert_true(is->rx_bytes >= was->rx_bytes && is->tx_bytes >= was->tx_bytes && is->rx_bytes > 0);
    assert_true(is->handshake_sec >= was->handshake_sec);
    wg_device_done(&before);
    wg_device_done(&after);
    must_down(a.host);
    netns_back(back);
    back = netns_switch(b.ns);
    must_down(b.host);
    netns_back(back);
    wg_host_free(a.host);
    wg_host_free(b.host);
    close(a.ns);
    close(b.ns);
}

/* Answers that lie, from a server of ours behind the socket's name. */
struct liar {
    uv_pipe_t pipe, client;
    const char *text;
    size_t repeat;
};

static void on_written(uv_write_t *w, int status)
{
    (void)status;
    free(w);
}

static void on_client(uv_stream_t *s, int status)
{
    struct liar *l = s->data;
    assert_int_equal(status, 0);
    uv_pipe_init(&loop, &l->client, 0);
    assert_int_equal(uv_accept(s, (uv_stream_t *)&l->client), 0);
    for (size_t i = 0; i < l->repeat; i++) {
        uv_buf_t b = uv_buf_init((char *)(uintptr_t)l->text, (unsigned)strlen(l->text));
        uv_write(malloc(sizeof(uv_write_t)), (uv_stream_t *)&l->client, &b, 1, on_written);
    }
}

static int read_liar(const char *text, size_t repeat, struct err *e)
{
    struct liar l = {.text = text, .repeat = repeat};
    struct answer a = {0};
    struct wg_reader *r;
    (void)mkdir("/var/run/wireguard", 0700);
    (void)unlink("/var/run/wireguard/liar.sock");
    uv_pipe_init(&loop, &l.pipe, 0);
    l.pipe.data = &l;
    assert_int_equal(uv_pipe_bind(&l.pipe, "/var/run/wireguard/liar.sock"), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&l.pipe, 1, on_client), 0);
    assert_int_equal(wg_reader_new(&loop, "liar", WG_BACKEND_USERSPACE, &r, NULL), 0);
    assert_int_equal(wg_read(r, on_read, &a, e), 0);
    assert_true(loop_until(&loop, came, &a, 10));
    wg_reader_free(r);
    wg_device_done(&a.device);
    uv_close((uv_handle_t *)&l.client, NULL);
    uv_close((uv_handle_t *)&l.pipe, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    *e = a.err;
    return a.err.code;
}

static void survives_lies(void **state)
{
    (void)state;
    struct err e = {0};
    static char longest[2000];
    memset(longest, 'x', sizeof longest - 1);
    assert_int_equal(read_liar("errno=0\n\n", 1, &e), 0);
    assert_int_equal(read_liar("errno=-1\n\n", 1, &e), -EPERM);
    assert_int_equal(read_liar("listen_port=70000\nerrno=0\n\n", 1, &e), -EBADMSG);
    assert_int_equal(read_liar("\n", 1, &e), -EBADMSG);
    assert_int_equal(read_liar(longest, 10, &e), -EBADMSG);
    assert_int_equal(read_liar("allowed_ip=10.0.0.0/8\nerrno=0\n\n", 1, &e),
                     0); /* before any peer: unknown key */
    assert_int_equal(read_liar("public_key=zz\nerrno=0\n\n", 1, &e), -EBADMSG);
    assert_int_equal(read_liar("listen_port=1\n", 1, &e), -ETIMEDOUT); /* and then silence */
    assert_non_null(strstr(e.text, "does not answer"));
}

int main(void)
{
    const char *why = netns_enter();
    if (!why && access("/dev/net/tun", R_OK | W_OK) != 0)
        why = "no /dev/net/tun";
    if (!why && run("which", "wireguard-go") != 0)
        why = "wireguard-go is not installed";
    if (why)
        return netns_skip_all("wireguard", why);
    uv_loop_init(&loop);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_reads_changes_removes),
        cmocka_unit_test(is_adopted_and_restarted),
        cmocka_unit_test(refuses_what_is_not_ours),
        cmocka_unit_test(two_shake_hands),
        cmocka_unit_test(survives_lies),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_close(&loop);
    return failed;
}
