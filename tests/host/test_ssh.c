/* SSH sessions against real servers. This program is its own worker. */
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
#include <unistd.h>

#include "backend/guest/ssh_worker.h"
#include "tests/support/netns.h"
#include "tests/support/sshd.h"

enum { OPENSSH = 2201, DROPBEAR = 2202 };

static struct ssh_fixture f;

static int close_views(void **state)
{
    (void)state;
    views_done(&f);
    return 0;
}
static const uint16_t servers[] = {OPENSSH, DROPBEAR};

static bool under_sanitizer(void)
{
    const char *build = getenv("MESHDECK_BUILD");
    return build && strstr(build, "san");
}

static void tells_status_and_signal(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct {
            const char *command;
            bool has_status;
            uint32_t status;
            const char *signal;
        } cases[] = {
            {"true", true, 0, ""},
            {"exit 3", true, 3, ""},
            {"exit 255", true, 255, ""},
            {"kill -TERM $$", false, 0, "TERM"},
            {"no-such-command-at-all", true, 127, ""},
        };
        for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
            struct ssh_view *v;
            struct session_spec spec = ssh_spec(&f, servers[i], cases[c].command);
            v = view_open(&f, &spec, NULL, 0);
            view_finish(&f, v);
            if (v->end.result != SESSION_OK)
                fail_msg("%s", v->end.err.text);
            assert_true(v->has_exit);
            assert_int_equal(v->exit.has_status, cases[c].has_status);
            assert_int_equal(v->exit.status, cases[c].status);
            assert_string_equal(v->exit.signal, cases[c].signal);
            assert_int_equal(v->end.exit.status, cases[c].status);
            assert_string_equal(v->end.exit.signal, cases[c].signal);
            assert_string_equal(v->message, "");
            view_done(&f, v);
        }
    }
}

static void keeps_words_apart(void **state)
{
    (void)state;
    static const char *const argv[] = {"printf", "%s|", "a b", "it's", "", "$HOME;`id`", "\\n\n\"*?",
                                       "--", "-x=1", "\xff\xc3\xbc", NULL};
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, OPENSSH, NULL);

    spec.argv = argv;
    v = view_open(&f, &spec, NULL, 0);
    view_finish(&f, v);
    assert_int_equal(v->exit.status, 0);
    assert_string_equal(v->out, "a b|it's||$HOME;`id`|\\n\n\"*?|--|-x=1|\xff\xc3\xbc|");
    view_done(&f, v);
}

static void keeps_the_flows_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ssh_view *v;
        struct session_spec spec = ssh_spec(&f, servers[i], "echo out; echo err >&2; exit 7");
        v = view_open(&f, &spec, NULL, 0);
        view_finish(&f, v);
        assert_string_equal(v->out, "out\n");
        assert_string_equal(v->err, "err\n");
        assert_int_equal(v->exit.status, 7);
        view_done(&f, v);
    }
}

static void carries_a_mebibyte_each_way_unchanged(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    char *data = malloc(SIZE);
    uint32_t x = 1;

    for (size_t i = 0; i < SIZE; i++) { /* every byte value, no pattern of a packet's length */
        x = x * 1664525u + 1013904223u;
        data[i] = (char)(x >> 24);
    }
    for (size_t i = 0; i < 2; i++) {
        struct ssh_view *v;
        struct session_spec spec = ssh_spec(&f, servers[i], "tee /dev/stderr");
        v = view_open(&f, &spec, data, SIZE);
        view_finish(&f, v);
        assert_int_equal(v->end.result, SESSION_OK);
        assert_int_equal(v->out_len, SIZE);
        assert_int_equal(v->err_len, SIZE);
        assert_memory_equal(v->out, data, SIZE);
        assert_memory_equal(v->err, data, SIZE);
        assert_int_equal(v->exit.status, 0);
        view_done(&f, v);
    }
    free(data);
}

static void gives_a_terminal_that_follows_the_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ssh_view *v;
        struct session_spec spec = ssh_spec(&f, servers[i], NULL);
        spec.mode = SESSION_SHELL;
        spec.cols = 101;
        spec.rows = 37;
        v = view_open(&f, &spec, NULL, 0);
        view_type(v, "PS1=; stty -echo; echo term=$TERM; stty size; echo d''one1\n");
        view_await(&f, v, "done1");
        assert_non_null(strstr(v->out, "term=xterm-256color"));
        assert_non_null(strstr(v->out, "37 101"));
        for (uint16_t n = 1; n <= 500; n++) /* a storm of sizes: the last one counts */
            while (stream_send_size(v->fd, n, (uint16_t)(n + 1)) == -EAGAIN)
                (void)uv_run(&f.loop, UV_RUN_NOWAIT);
        view_type(v, "while [ \"$(stty size)\" != '501 500' ]; do sleep 0.1; done; echo d''one2\n");
        view_await(&f, v, "done2");
        assert_int_equal(stream_send_size(v->fd, 1, 1), 0);
        assert_int_equal(stream_send_size(v->fd, 0, 70), 0); /* impossible sizes are passed over */
        view_type(v, "while [ \"$(stty size)\" != '1 1' ]; do sleep 0.1; done; echo d''one3\n");
        view_await(&f, v, "done3");
        view_type(v, "exit 5\n");
        view_finish(&f, v);
        assert_int_equal(v->end.result, SESSION_OK);
        assert_int_equal(v->exit.status, 5);
        view_done(&f, v);
    }
}

static void a_flood_neither_grows_nor_holds_keys_back(void **state)
{
    (void)state;
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, OPENSSH, NULL);
    char path[64], line[128];
    unsigned long peak_kib = 0;

    spec.mode = SESSION_SHELL;
    v = view_open(&f, &spec, NULL, 0);
    view_type(v, "PS1=; stty -echo; yes\n");
    view_await(&f, v, "y\r\ny\r\n");
    v->hold = true; /* a viewer that looks away */
    for (int i = 0; i < 30; i++) {
        (void)usleep(20000);
        (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    }
    (void)snprintf(path, sizeof path, "/proc/%d/status", session_worker_pid(v->session));
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        (void)sscanf(line, "VmHWM: %lu kB", &peak_kib);
    (void)fclose(status);
    assert_true(peak_kib > 0);
    if (!under_sanitizer())
        assert_true(peak_kib < 64 * 1024);
    view_type(v, "\003"); /* Ctrl-C goes in while nothing comes out */
    view_type(v, "echo stop''ped\n");
    v->hold = false;
    view_await(&f, v, "stopped");
    view_type(v, "exit\n");
    view_finish(&f, v);
    view_done(&f, v);
}

static void many_at_once_and_not_more(void **state)
{
    (void)state;
    enum { AT_ONCE = 8 };
    struct ssh_view *v[SESSIONS_MAX];
    struct session *one_more;
    struct err e = {0};
    char want[32];
    int fd;

    for (int i = 0; i < AT_ONCE; i++) {
        char command[64];
        (void)snprintf(command, sizeof command, "echo %d; cat; exit %d", i, i);
        struct session_spec spec = ssh_spec(&f, servers[i % 2], command);
        v[i] = view_open(&f, &spec, "x", 1);
    }
    assert_int_equal(session_pool_count(f.pool), AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        view_finish(&f, v[i]);
        (void)snprintf(want, sizeof want, "%d\nx", i);
        assert_string_equal(v[i]->out, want);
        assert_int_equal(v[i]->exit.status, i);
        view_done(&f, v[i]);
    }
    assert_int_equal(session_pool_count(f.pool), 0);

    struct session_spec spec = ssh_spec(&f, OPENSSH, "true");
    for (int i = 0; i < SESSIONS_MAX; i++)
        v[i] = view_open(&f, &spec, NULL, 0);
    assert_int_equal(session_open(f.pool, &spec, &(struct session_events){0}, NULL, &one_more, &fd,
                                  &e), -EUSERS);
    assert_non_null(strstr(e.text, "64 sessions"));
    for (int i = 0; i < SESSIONS_MAX; i++)
        view_done(&f, v[i]);
    assert_int_equal(session_pool_count(f.pool), 0);
}

static void takes_the_second_address(void **state)
{
    (void)state;
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, DROPBEAR, "echo $SSH_CONNECTION");

    spec.addrs[1] = spec.addrs[0];
    spec.addrs[0] = addr_from_in6(&in6addr_loopback, 128); /* dropbear listens on IPv4 only */
    spec.n_addrs = 2;
    v = view_open(&f, &spec, NULL, 0);
    view_finish(&f, v);
    assert_int_equal(v->end.result, SESSION_OK);
    assert_non_null(strstr(v->stages, "connecting to ::1 port 2202\nconnecting to 127.0.0.1"));
    assert_non_null(strstr(v->stages, "exchanging keys\nlogging in\nstarting the command\nready\n"));
    assert_non_null(strstr(v->out, "127.0.0.1"));
    view_done(&f, v);

    spec.addrs[1] = spec.addrs[0];
    spec.port = OPENSSH;
    v = view_open(&f, &spec, NULL, 0);
    view_finish(&f, v);
    assert_int_equal(v->end.result, SESSION_OK);
    assert_non_null(strstr(v->out, "::1"));
    view_done(&f, v);
}

static void lives_through_keepalives(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ssh_view *v;
        struct session_spec spec = ssh_spec(&f, servers[i], "sleep 1; echo still here");
        spec.keepalive_ms = 50;
        v = view_open(&f, &spec, NULL, 0);
        view_finish(&f, v);
        if (v->end.result != SESSION_OK)
            fail_msg("%s", v->end.err.text);
        assert_string_equal(v->out, "still here\n");
        view_done(&f, v);
    }
}

static void the_worker_has_no_power(void **state)
{
    (void)state;
    struct ssh_view *v;
    struct session_spec spec = ssh_spec(&f, OPENSSH, "echo up; cat");
    char path[64], text[4096] = "";

    v = view_open(&f, &spec, NULL, 0);
    v->input_ends = false;
    view_await(&f, v, "up\n");
    int pid = session_worker_pid(v->session);
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    (void)fclose(file);
    assert_non_null(strstr(text, "\nUid:\t65534\t65534\t65534\t65534\n"));
    assert_non_null(strstr(text, "\nGid:\t65534\t65534\t65534\t65534\n"));
    assert_non_null(strstr(text, "\nGroups:\t \n"));
    assert_non_null(strstr(text, "\nCapEff:\t0000000000000000\n"));
    assert_non_null(strstr(text, "\nCapPrm:\t0000000000000000\n"));
    assert_non_null(strstr(text, "\nCapBnd:\t0000000000000000\n"));
    assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
    if (!under_sanitizer())
        assert_non_null(strstr(text, "\nSeccomp:\t2\n"));
    (void)snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    char where[8] = "";
    assert_int_equal(readlink(path, where, sizeof where), 1);
    assert_string_equal(where, "/");
    (void)snprintf(path, sizeof path, "/proc/%d/fd/7", pid); /* 0 to 3, TCP, stream: no more */
    assert_int_equal(access(path, F_OK), -1);

    (void)close(v->fd); /* and when nobody looks any more it goes */
    v->fd = -1;
    view_finish(&f, v);
    assert_int_equal(v->end.result, SESSION_LEFT);
    assert_int_equal(v->end.err.code, 0);
    view_done(&f, v);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--worker") == 0 && strcmp(argv[2], "ssh") == 0)
        return ssh_worker_main(3);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tells_status_and_signal, close_views),
        cmocka_unit_test_teardown(keeps_words_apart, close_views),
        cmocka_unit_test_teardown(keeps_the_flows_apart, close_views),
        cmocka_unit_test_teardown(carries_a_mebibyte_each_way_unchanged, close_views),
        cmocka_unit_test_teardown(gives_a_terminal_that_follows_the_window, close_views),
        cmocka_unit_test_teardown(a_flood_neither_grows_nor_holds_keys_back, close_views),
        cmocka_unit_test_teardown(many_at_once_and_not_more, close_views),
        cmocka_unit_test_teardown(takes_the_second_address, close_views),
        cmocka_unit_test_teardown(lives_through_keepalives, close_views),
        cmocka_unit_test_teardown(the_worker_has_no_power, close_views),
    };
    const char *why = netns_enter();
    if (why)
        return netns_skip_all("SSH sessions", why);
    ssh_fixture_init(&f);
    pid_t openssh = sshd_start(&f.host, OPENSSH, ""), dropbear = dropbear_start(&f.host, DROPBEAR);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_stop(openssh);
    server_stop(dropbear);
    ssh_fixture_done(&f);
    return failed;
}
