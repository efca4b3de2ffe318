#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/dnsmasq.h"
#include "backend/model/text.h"
#include "tests/support/netns.h"

#define DNS4 "10.210.255.53"
#define DNS6 "fd12:3456:789a::53"

struct fixture {
    uv_loop_t loop;
    struct dnsmasq *d;
    int up, died, failed, upstream, done;
    struct dnsmasq_event last[4]; /* of each kind */
    struct err error;
};

static char dir[64], resolv[96];
static int guest_ns;
static pid_t upstream_pid;

static struct addr a(const char *text)
{
    struct addr ret;

    assert_int_equal(addr_parse(text, true, &ret, NULL), 0);
    return ret;
}

static void on_event(const struct dnsmasq_event *ev, void *arg)
{
    struct fixture *f = arg;

    f->last[ev->kind] = *ev;
    switch (ev->kind) {
    case DNSMASQ_EVENT_UP:
        f->up++;
        break;
    case DNSMASQ_EVENT_DIED:
        f->died++;
        break;
    case DNSMASQ_EVENT_FAILED:
        f->failed++;
        break;
    case DNSMASQ_EVENT_UPSTREAM:
        f->upstream++;
        break;
    }
}

static void on_done(const struct err *e, void *arg)
{
    struct fixture *f = arg;

    f->done++;
    f->error = e ? *e : (struct err){ 0 };
}

struct goal {
    const int *counter;
    int want;
};

static bool reached(void *arg)
{
    const struct goal *g = arg;
    return *g->counter >= g->want;
}

static bool await(struct fixture *f, const int *counter, int want)
{
    struct goal g = { counter, want };
    return loop_until(&f->loop, reached, &g, 20);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static struct dnsmasq_config config(void)
{
    static char folder[96];
    struct dnsmasq_config c = { .folder = folder, .uid = 65534, .gid = 65534, .n_listen = 2,
                                .n_local = 2, .resolv_conf = resolv };

    (void)snprintf(folder, sizeof(folder), "%s/dns", dir);
    c.listen[0] = a(DNS6);
    c.listen[1] = a(DNS4);
    c.local[0] = a("fd12:3456:789a::/48");
    c.local[1] = a("10.210.0.0/16");
    return c;
}

static void open_it(struct fixture *f)
{
    struct dnsmasq_config c = config();
    struct err e = { 0 };

    memset(f, 0, sizeof(*f));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    if (dnsmasq_open(&f->loop, &c, on_event, f, &f->d, &e) < 0) {
        fail_msg("%s", e.text);
    }
}

static void close_it(struct fixture *f, bool stop)
{
    if (stop) {
        pid_t pid = dnsmasq_pid(f->d);
        dnsmasq_stop(f->d);
        for (int i = 0; pid > 0 && i < 1000 && kill(pid, 0) == 0; i++) {
            uv_run(&f->loop, UV_RUN_NOWAIT);
            (void)usleep(10000);
        }
    }
    dnsmasq_free(f->d);
    loop_close(&f->loop);
}

/* What dig +short says; "" for an empty answer, ";;" for none at all. From the guest's side when `guest`. */
static const char *ask(bool guest, const char *server, const char *name, const char *type)
{
    static char out[1024];
    char at[64];
    int before = guest ? netns_switch(guest_ns) : -1;

    (void)snprintf(at, sizeof(at), "@%s", server);
    (void)run_io((const char *const[]){"dig", "+short", "+time=2", "+tries=2", at, name, type, NULL},
                 NULL, out, sizeof(out));
    if (guest) {
        netns_back(before);
    }
    if (strncmp(out, ";;", 2) == 0) {
        out[2] = '\0';
    }
    return out;
}

/* Names appear and go as soon as dnsmasq has read them. */
static bool answers(const char *name, const char *type, const char *want)
{
    for (int i = 0; i < 100; i++) {
        if (strcmp(ask(true, DNS4, name, type), want) == 0) {
            return true;
        }
        (void)usleep(50000);
    }
    print_message("%s %s: got %s, want %s\n", name, type, ask(true, DNS4, name, type), want);
    return false;
}

static void serves_guests_names(void **state)
{
    struct dnsmasq_host web = { "web", "mesh", a("10.210.0.2"), a("fd12:3456:789a:1:0:2:0:10") };
    struct fixture f;
    struct err e;

    (void)state;
    open_it(&f);
    assert_int_equal(dnsmasq_put_host(f.d, &web, on_done, &f, &e), 0);
    assert_true(await(&f, &f.up, 1));
    assert_true(await(&f, &f.done, 1));
    assert_int_equal(f.error.code, 0);
    assert_true(answers("web.internal", "A", "10.210.0.2\n"));
    assert_true(answers("web.mesh.internal", "AAAA", "fd12:3456:789a:1:0:2:0:10\n"));
    assert_string_equal(ask(true, DNS6, "web.internal", "AAAA"), "fd12:3456:789a:1:0:2:0:10\n");
    assert_string_equal(ask(false, DNS6, "web.internal", "A"), "10.210.0.2\n");
    assert_string_equal(ask(true, DNS4, "2.0.210.10.in-addr.arpa", "PTR"), "web.internal.\n");
    assert_string_equal(ask(true, DNS4,
                            "0.1.0.0.0.0.0.0.2.0.0.0.0.0.0.0.1.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa",
                            "PTR"), "web.internal.\n");
    /* another address under the same name, then none */
    web.ip4 = a("10.210.0.77");
    assert_int_equal(dnsmasq_put_host(f.d, &web, on_done, &f, &e), 0);
    assert_true(await(&f, &f.done, 2));
    assert_true(answers("web.internal", "A", "10.210.0.77\n"));
    assert_int_equal(dnsmasq_put_host(f.d, &web, NULL, NULL, &e), 0);
    assert_int_equal(dnsmasq_remove_host(f.d, "web", on_done, &f, &e), 0);
    assert_int_equal(dnsmasq_remove_host(f.d, "never-there", on_done, &f, &e), 0);
    assert_true(await(&f, &f.done, 4));
    assert_int_equal(f.error.code, 0);
    assert_true(answers("web.internal", "A", ""));
    assert_int_equal(dnsmasq_remove_host(f.d, "../dnsmasq.conf", NULL, NULL, &e), -EINVAL);
    close_it(&f, true);
}

static void asks_upstream_and_keeps_ours_to_us(void **state)
{
    struct fixture f;

    (void)state;
    write_text(resolv, "nameserver 127.0.0.9\nnameserver " DNS4 "\n");
    open_it(&f);
    assert_true(await(&f, &f.upstream, 1));
    assert_string_equal(f.last[DNSMASQ_EVENT_UPSTREAM].text, "127.0.0.9"); /* its own address would be a loop */
    assert_true(await(&f, &f.up, 1));
    assert_true(answers("example.com", "A", "192.0.2.1\n"));
    /* the upstream would have an answer to each of these */
    assert_string_equal(ask(true, DNS4, "nothing.internal", "A"), "");
    assert_string_equal(ask(true, DNS4, "9.9.210.10.in-addr.arpa", "PTR"), "");
    assert_string_equal(ask(true, DNS4, "plain", "A"), "");
    /* resolv.conf changes under it */
    write_text(resolv, "nameserver 127.0.0.10\n");
    assert_true(await(&f, &f.upstream, 2));
    assert_string_equal(f.last[DNSMASQ_EVENT_UPSTREAM].text, "127.0.0.10");
    assert_true(answers("example.org", "A", ";;"));
    write_text(resolv, "nameserver 127.0.0.9\n");
    assert_true(await(&f, &f.upstream, 3));
    assert_true(answers("example.net", "A", "192.0.2.1\n"));
    close_it(&f, true);
}

static void outlives_us_and_is_adopted(void **state)
{
    const struct dnsmasq_host hosts[] = {
        { "one", "mesh", a("10.210.0.11"), { 0 } },
        { "two", "mesh", a("10.210.0.12"), { 0 } },
    };
    struct fixture f;
    struct err e;

    (void)state;
    open_it(&f);
    assert_true(await(&f, &f.up, 1));
    pid_t pid = dnsmasq_pid(f.d);
    assert_int_equal(dnsmasq_set_hosts(f.d, hosts, 2, on_done, &f, &e), 0);
    assert_true(await(&f, &f.done, 1));
    close_it(&f, false);
    assert_int_equal(kill(pid, 0), 0);
    assert_true(answers("one.internal", "A", "10.210.0.11\n"));

    open_it(&f);
    assert_int_equal(dnsmasq_set_hosts(f.d, &hosts[1], 1, on_done, &f, &e), 0);
    assert_true(await(&f, &f.up, 1));
    assert_string_equal(f.last[DNSMASQ_EVENT_UP].text, "adopted");
    assert_int_equal(dnsmasq_pid(f.d), pid);
    assert_true(answers("one.internal", "A", ""));
    assert_true(answers("two.internal", "A", "10.210.0.12\n"));
    close_it(&f, false);

    /* with another configuration it is replaced */
    struct dnsmasq_config c = config();
    c.n_local = 1;
    memset(&f, 0, sizeof(f));
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(dnsmasq_open(&f.loop, &c, on_event, &f, &f.d, &e), 0);
    assert_true(await(&f, &f.up, 1));
    assert_int_not_equal(dnsmasq_pid(f.d), pid);
    assert_int_equal(f.died, 0);
    close_it(&f, true);
}

static void comes_back_when_killed(void **state)
{
    struct fixture f;

    (void)state;
    open_it(&f);
    assert_true(await(&f, &f.up, 1));
    pid_t pid = dnsmasq_pid(f.d);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(await(&f, &f.died, 1));
    assert_non_null(strstr(f.last[DNSMASQ_EVENT_DIED].text, "signal 9"));
    assert_true(await(&f, &f.up, 2));
    assert_int_not_equal(dnsmasq_pid(f.d), pid);
    assert_true(answers("example.com", "A", "192.0.2.1\n"));
    close_it(&f, true);
    assert_string_equal(ask(true, DNS4, "example.com", "A"), ";;"); /* stopped is stopped */
}

static void says_why_it_cannot_start(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct fixture f;
    struct err e;

    (void)state;
    (void)inet_pton(AF_INET, DNS4, &at.sin_addr);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
    open_it(&f);
    assert_true(await(&f, &f.failed, 1));
    assert_non_null(strstr(f.last[DNSMASQ_EVENT_FAILED].text, "Address already in use"));
    assert_int_equal(f.up, 0);
    close(s);
    assert_true(await(&f, &f.up, 1)); /* and goes on trying */
    close_it(&f, true);

    struct dnsmasq_config c = config();
    c.exe = "/nonexistent/dnsmasq";
    memset(&f, 0, sizeof(f));
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(dnsmasq_open(&f.loop, &c, on_event, &f, &f.d, &e), 0);
    assert_true(await(&f, &f.failed, 1));
    assert_non_null(strstr(f.last[DNSMASQ_EVENT_FAILED].text, "dnsmasq"));
    close_it(&f, false);
}

static void listens_once_the_address_is_there(void **state)
{
    struct fixture f;

    (void)state;
    run_ok("ip", "addr", "del", DNS4 "/32", "dev", "lo");
    open_it(&f);
    assert_true(await(&f, &f.up, 1));
    run_ok("ip", "addr", "add", DNS4 "/32", "dev", "lo");
    assert_true(answers("example.com", "A", "192.0.2.1\n"));
    close_it(&f, true);
}

/* A guest on a veth called tap0, and an upstream server that has an answer to everything. */
static int build_world(void **state)
{
    char path[64];

    (void)state;
    guest_ns = netns_make();
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), guest_ns);
    run_ok("ip", "addr", "add", DNS4 "/32", "dev", "lo");
    run_ok("ip", "addr", "add", DNS6 "/128", "dev", "lo");
    run_ok("ip", "link", "add", "tap0", "type", "veth", "peer", "name", "eth0", "netns", path);
    run_ok("ip", "addr", "add", "169.254.1.1/32", "dev", "tap0");
    run_ok("ip", "link", "set", "tap0", "addrgenmode", "none", "up");
    run_ok("ip", "addr", "add", "fe80::1/64", "dev", "tap0", "nodad");
    run_ok("ip", "route", "add", "10.210.0.2", "dev", "tap0");
    run_ok("ip", "-6", "route", "add", "fd12:3456:789a:1:0:2:0:10", "dev", "tap0");
    int before = netns_switch(guest_ns);
    run_ok("ip", "addr", "add", "10.210.0.2/32", "dev", "eth0");
    run_ok("ip", "addr", "add", "fd12:3456:789a:1:0:2:0:10/128", "dev", "eth0", "nodad");
    run_ok("ip", "link", "set", "eth0", "up");
    run_ok("ip", "route", "add", "169.254.1.1", "dev", "eth0");
    run_ok("ip", "route", "add", "default", "via", "169.254.1.1", "dev", "eth0");
    run_ok("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0");
    netns_back(before);
    upstream_pid = fork();
    if (upstream_pid == 0) {
        execlp("dnsmasq", "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
               "--no-hosts", "--pid-file=", "--user=root", "--bind-interfaces",
               "--listen-address=127.0.0.9", "--address=/#/192.0.2.1", "--no-ident",
               "--log-facility=/dev/null", (char *)NULL);
        _exit(127);
    }
    write_text(resolv, "nameserver 127.0.0.9\n");
    return upstream_pid < 0;
}

static int end_world(void **state)
{
    (void)state;
    (void)kill(upstream_pid, SIGTERM);
    (void)waitpid(upstream_pid, NULL, 0);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_guests_names),
        cmocka_unit_test(asks_upstream_and_keeps_ours_to_us),
        cmocka_unit_test(outlives_us_and_is_adopted),
        cmocka_unit_test(comes_back_when_killed),
        cmocka_unit_test(says_why_it_cannot_start),
        cmocka_unit_test(listens_once_the_address_is_there),
    };
    const char *why = netns_enter();
    if (why) {
        return netns_skip_all("dnsmasq", why);
    }
    (void)snprintf(dir, sizeof(dir), "/tmp/meshdeck-dns.XXXXXX");
    if (!mkdtemp(dir) || chmod(dir, 0711) != 0) {
        return 1;
    }
    (void)snprintf(resolv, sizeof(resolv), "%s/resolv.conf", dir);
    int failed = cmocka_run_group_tests(tests, build_world, end_world);
    (void)run("rm", "-rf", dir);
    return failed;
}
