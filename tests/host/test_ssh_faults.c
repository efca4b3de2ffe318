/* SSH sessions that go wrong: other keys, refusals, servers that stall or lie, workers that die. Real
 * servers where there is a real way; where the server must misbehave, a mock of one (or of the path
 * to a real one). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/guest/ssh_worker.h"
#include "tests/support/netns.h"
#include "tests/support/sshd.h"

enum { OPENSSH = 2211, OTHER = 2212, MOCK = 2213, NOBODY_THERE = 2214, LATE = 2215 };

static struct ssh_fixture f;

static int close_views(void **state)
{
    (void)state;
    views_done(&f);
    return 0;
}

static struct ssh_view *fails_with(const struct session_spec *spec,
                       enum session_result result)
{
    struct ssh_view *v = view_open(&f, spec, NULL, 0);
    view_finish(&f, v);
    if (v->end.result != result)
        fail_msg("result %d, not %d: %s", (int)v->end.result, (int)result, v->end.err.text);
    if (!v->has_exit || v->exit.has_status || !*v->message)
        fail_msg("no exit or message: %s | %s | %s", v->stages, v->message, v->end.err.text);
    assert_true(v->end.err.code < 0);
    assert_null(strchr(v->message, '\x1b'));
    return v;
}

static const char *server_log(uint16_t port)
{
    static char text[65536];
    char path[256];
    (void)snprintf(path, sizeof path, "%s/server-%u.log", f.host.dir, port);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void a_changed_host_key_is_refused(void **state)
{
    (void)state;
    struct ssh_view *v;
    char pinned[KEYS_PUBLIC_TEXT], want[KEYS_FINGERPRINT_TEXT], shown[KEYS_FINGERPRINT_TEXT];
    struct session_spec spec = ssh_spec(&f, OTHER, "true");

    pid_t server = sshd_start(&f.host, OTHER, "");
    spec.host_key = keys_public_format(f.host.other.pub, NULL, pinned);
    v = fails_with(&spec, SESSION_HOST_KEY);
    assert_non_null(strstr(v->message, keys_fingerprint(f.host.other.pub, want)));
    assert_non_null(strstr(v->message, keys_fingerprint(f.host.key.pub, shown)));
    assert_non_null(strstr(v->end.err.text, want));
    assert_non_null(strstr(v->end.err.text, shown));
    assert_null(strstr(server_log(OTHER), "publickey")); /* it never saw our key */
    assert_null(strstr(v->stages, "logging in"));
    view_done(&f, v);
    server_stop(server);
}

static void a_host_key_of_another_type_is_refused(void **state)
{
    (void)state;
    struct ssh_view *v;
    char path[256], config[512];
    struct session_spec spec = ssh_spec(&f, OTHER, "true");

    (void)snprintf(path, sizeof path, "%s/host_ecdsa", f.host.dir);
    run_ok("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", path);
    (void)snprintf(config, sizeof config, "HostKey %s\nHostKeyAlgorithms ecdsa-sha2-nistp256", path);
    pid_t server = sshd_start(&f.host, OTHER, config);
    v = fails_with(&spec, SESSION_HOST_KEY);
    assert_non_null(strstr(v->message, "Pinned: ssh-ed25519 SHA256:"));
    assert_non_null(strstr(v->message, "Shown: ecdsa"));
    view_done(&f, v);
    server_stop(server);
}

static void a_refusal_says_what_was_tried(void **state)
{
    (void)state;
    struct ssh_view *v;
    char print[KEYS_FINGERPRINT_TEXT];
    struct session_spec spec = ssh_spec(&f, OPENSSH, "true");

    spec.key = &f.host.other;
    v = fails_with(&spec, SESSION_AUTH);
    assert_non_null(strstr(v->message, "refused root. Tried: publickey"));
    assert_non_null(strstr(v->message, keys_fingerprint(f.host.other.pub, print)));
    assert_non_null(strstr(v->message, "It takes: publickey"));
    view_done(&f, v);

    pid_t server = sshd_start(&f.host, OTHER,
                              "PubkeyAuthentication no\nKbdInteractiveAuthentication no");
    spec = ssh_spec(&f, OTHER, "true");
    v = fails_with(&spec, SESSION_AUTH);
    assert_non_null(strstr(v->message, "It takes: password"));
    view_done(&f, v);
    server_stop(server);
}

static void nobody_there_is_said_plainly(void **state)
{
    (void)state;
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, NOBODY_THERE, "true");

    v = fails_with(&spec, SESSION_UNREACHABLE);
    assert_string_equal(v->message, "127.0.0.1 port 2214: Connection refused");
    view_done(&f, v);
    spec.addrs[0] = addr_ip4(0x0a636363, 32); /* no route in this namespace */
    v = fails_with(&spec, SESSION_UNREACHABLE);
    assert_non_null(strstr(v->message, "Network is unreachable"));
    view_done(&f, v);
}

enum lie {
    LIE_SILENT,
    LIE_CLOSE,
    LIE_GARBAGE,
    LIE_FLOOD,
    LIE_LINES,
    LIE_TRICKLE,
    LIE_BANNER,
    LIE_ESCAPES,
    LIE_HUGE_PACKET,
    LIE_NO_KEX,
    LIE_COUNT
};

static bool put(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void tell_lie(int fd, enum lie lie)
{
    static const char banner[] = "SSH-2.0-mock\r\n";
    uint8_t junk[4096];
    uint32_t x = 7;

    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    switch (lie) {
    case LIE_SILENT:
    case LIE_COUNT:
        break;
    case LIE_CLOSE:
        return;
    case LIE_GARBAGE:
        (void)put(fd, junk, sizeof junk);
        break;
    case LIE_FLOOD:
        (void)put(fd, banner, sizeof banner - 1);
        while (put(fd, junk, sizeof junk))
            continue;
        break;
    case LIE_LINES:
        while (put(fd, "a line before the banner\r\n", 26))
            continue;
        break;
    case LIE_TRICKLE:
        while (put(fd, "x", 1))
            (void)usleep(20000);
        break;
    case LIE_BANNER:
        (void)put(fd, banner, sizeof banner - 1);
        break;
    case LIE_ESCAPES:
        (void)put(fd, "SSH-9.\x1b]0;owned\a\x1b[2J\r\n", 22);
        break;
    case LIE_HUGE_PACKET:
        (void)put(fd, banner, sizeof banner - 1);
        (void)put(fd, "\xff\xff\xff\xf0\x04\x14", 6);
        break;
    case LIE_NO_KEX: /* a disconnect message instead, with a text to be shown */
        (void)put(fd, banner, sizeof banner - 1);
        (void)put(fd, "\0\0\0\x1c\x06\x01\0\0\0\x02\0\0\0\x08go\x1b[2Jaa\0\0\0\0\0\0\0\0\0\0", 32);
        break;
    }
    while (recv(fd, junk, sizeof junk, 0) > 0)
        continue;
}

/* Forwards to the real server, but no more than `limit` bytes of what it says. */
static void forward(int client, size_t limit)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(OPENSSH),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint8_t bytes[4096];

    if (connect(server, (const struct sockaddr *)&to, sizeof to) != 0)
        return;
    for (;;) {
        struct pollfd fds[2] = {{.fd = client, .events = POLLIN},
                                {.fd = limit ? server : -1, .events = POLLIN}};
        (void)poll(fds, 2, -1);
        if (fds[0].revents) {
            ssize_t n = recv(client, bytes, sizeof bytes, 0);
            if (n <= 0)
                break;
            (void)put(server, bytes, (size_t)n);
        }
        if (fds[1].revents) {
            ssize_t n = recv(server, bytes, limit < sizeof bytes ? limit : sizeof bytes, 0);
            if (n <= 0)
                break;
            (void)put(client, bytes, (size_t)n);
            limit -= (size_t)n;
        }
    }
    (void)close(server);
}

/* A mock server in a process of its own: lie, or with LIE_COUNT the path that stalls after limit. */
static pid_t mock_start(enum lie lie, size_t limit)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(MOCK),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (lie == LIE_COUNT)
                forward(fd, limit);
            else
                tell_lie(fd, lie);
            (void)close(fd);
        }
    }
    (void)close(listener);
    return pid;
}

static void mock_stop(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void lying_servers_end_in_an_error(void **state)
{
    (void)state;
    for (int lie = 0; lie < LIE_COUNT; lie++) {
        struct ssh_view *v;
        struct session_spec spec = ssh_spec(&f, MOCK, "true");
        spec.stage_ms = 700;
        pid_t mock = mock_start((enum lie)lie, 0);
        v = view_open(&f, &spec, NULL, 0);
        view_finish(&f, v);
        if (v->end.result != SESSION_STALLED && v->end.result != SESSION_PROTOCOL)
            fail_msg("lie %d: result %d, %s", lie, (int)v->end.result, v->end.err.text);
        if (lie == LIE_SILENT || lie == LIE_BANNER || lie == LIE_TRICKLE)
            assert_int_equal(v->end.result, SESSION_STALLED);
        assert_string_not_equal(v->message, "");
        assert_null(strchr(v->message, '\x1b'));
        assert_null(strchr(v->end.err.text, '\x1b'));
        assert_true(v->has_exit);
        view_done(&f, v);
        mock_stop(mock);
    }
}

static void a_stall_at_any_stage_ends_in_time(void **state)
{
    (void)state;
    static const size_t limits[] = {10, 41, 200, 1100, 1160, 1400, 1600, 1700, 1780, 1840, 1900};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct ssh_view *v;
        struct session_spec spec = ssh_spec(&f, MOCK, "echo hello; head -c 100000 /dev/zero");
        spec.stage_ms = 700;
        pid_t mock = mock_start(LIE_COUNT, limits[i]);
        v = view_open(&f, &spec, NULL, 0);
        view_finish(&f, v);
        assert_int_equal(v->end.result, SESSION_STALLED);
        assert_non_null(strstr(v->message, "said nothing more for 1 s while "));
        view_done(&f, v);
        mock_stop(mock);
    }
}

static void a_dead_worker_costs_its_own_session(void **state)
{
    (void)state;
    struct ssh_view *first, *second;
    struct session_spec spec = ssh_spec(&f, OPENSSH, "echo up; cat");

    first = view_open(&f, &spec, NULL, 0);
    second = view_open(&f, &spec, NULL, 0);
    first->input_ends = second->input_ends = false;
    view_await(&f, first, "up\n");
    view_await(&f, second, "up\n");
    assert_int_equal(kill(session_worker_pid(first->session), SIGKILL), 0);
    view_finish(&f, first);
    assert_int_equal(first->end.result, SESSION_WORKER);
    assert_non_null(strstr(first->message, "worker of this session died: killed by signal 9 (KILL)"));
    assert_true(first->has_exit && !first->exit.has_status);
    assert_string_equal(first->end.err.text, first->message);
    view_type(second, "still\n");
    view_await(&f, second, "still\n");
    second->input_ends = true;
    view_finish(&f, second);
    assert_int_equal(second->end.result, SESSION_OK);
    view_done(&f, first);
    view_done(&f, second);
}

static void a_lost_connection_is_told(void **state)
{
    (void)state;
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, MOCK, "echo up; sleep 1000");

    pid_t mock = mock_start(LIE_COUNT, SIZE_MAX);
    v = view_open(&f, &spec, NULL, 0);
    view_await(&f, v, "up\n");
    mock_stop(mock);
    view_finish(&f, v);
    assert_int_equal(v->end.result, SESSION_LOST);
    assert_non_null(strstr(v->message, "the connection to the guest ended"));
    assert_true(v->has_exit && !v->exit.has_status);
    view_done(&f, v);
}

static void a_missing_worker_is_told(void **state)
{
    (void)state;
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, OPENSSH, "true");
    struct session_pool *good = f.pool;

    f.pool = session_pool_new(&f.loop, "/no/such/meshdeck", 0, 0);
    v = fails_with(&spec, SESSION_WORKER);
    assert_non_null(strstr(v->message, "/no/such/meshdeck: No such file"));
    view_done(&f, v);
    session_pool_free(f.pool);
    f.pool = good;
}

struct probed {
    bool done;
    struct session_end end;
};

static void on_probed(struct session_probe *p, const struct session_end *end, void *arg)
{
    struct probed *r = arg;
    (void)p;
    r->done = true;
    r->end = *end;
}

static bool is_done(void *arg)
{
    return ((struct probed *)arg)->done;
}

static struct session_probe *probe(struct probed *r, const struct session_spec *spec, unsigned ms)
{
    struct session_probe *p;
    struct err e = {0};
    memset(r, 0, sizeof *r);
    if (session_probe_start(f.pool, spec, ms, on_probed, r, &p, &e) != 0)
        fail_msg("%s", e.text);
    return p;
}

static void a_probe_waits_for_the_guest(void **state)
{
    (void)state;
    struct probed r;
    char pinned[KEYS_PUBLIC_TEXT];
    struct session_spec spec = ssh_spec(&f, LATE, NULL);

    (void)probe(&r, &spec, 2000);
    assert_true(loop_until(&f.loop, is_done, &r, 60));
    assert_string_equal(r.end.err.text,
                        "SSH was not ready within 2 s: 127.0.0.1 port 2215: Connection refused");

    (void)probe(&r, &spec, 120000);
    for (int i = 0; i < 20; i++) {
        (void)uv_run(&f.loop, UV_RUN_NOWAIT);
        (void)usleep(10000);
    }
    assert_false(r.done);
    pid_t server = sshd_start(&f.host, LATE, "");
    assert_true(loop_until(&f.loop, is_done, &r, 120));
    assert_int_equal(r.end.result, SESSION_OK);
    assert_int_equal(r.end.err.code, 0);

    spec.host_key = keys_public_format(f.host.other.pub, NULL, pinned);
    (void)probe(&r, &spec, 120000);
    assert_true(loop_until(&f.loop, is_done, &r, 120));
    assert_int_equal(r.end.result, SESSION_HOST_KEY);
    server_stop(server);

    struct probed never;
    struct session_probe *p = probe(&never, &spec, 120000);
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    session_probe_cancel(p);
    session_probe_cancel(NULL);
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_false(never.done);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--worker") == 0 && strcmp(argv[2], "ssh") == 0)
        return ssh_worker_main(3);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_changed_host_key_is_refused, close_views),
        cmocka_unit_test_teardown(a_host_key_of_another_type_is_refused, close_views),
        cmocka_unit_test_teardown(a_refusal_says_what_was_tried, close_views),
        cmocka_unit_test_teardown(nobody_there_is_said_plainly, close_views),
        cmocka_unit_test_teardown(lying_servers_end_in_an_error, close_views),
        cmocka_unit_test_teardown(a_stall_at_any_stage_ends_in_time, close_views),
        cmocka_unit_test_teardown(a_dead_worker_costs_its_own_session, close_views),
        cmocka_unit_test_teardown(a_lost_connection_is_told, close_views),
        cmocka_unit_test_teardown(a_missing_worker_is_told, close_views),
        cmocka_unit_test_teardown(a_probe_waits_for_the_guest, close_views),
    };
    const char *why = netns_enter();
    if (why)
        return netns_skip_all("SSH faults", why);
    ssh_fixture_init(&f);
    pid_t openssh = sshd_start(&f.host, OPENSSH, "");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_stop(openssh);
    ssh_fixture_done(&f);
    return failed;
}
