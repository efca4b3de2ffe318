/* The monitor protocol against a monitor that lies: lines as they may come, then a whole
 * conversation over a real socket. */
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
#include <jansson.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/model/text.h"
#include "backend/vmm/qmp.h"
#include "backend/vmm/sock.h"
#include "tests/support/netns.h"
#include "tests/support/tmpdir.h"

static void count_message(const json_t *m, void *arg)
{
    assert_true(json_is_object(m));
    ++*(int *)arg;
}

static void test_lines(void **state)
{
    static const struct {
        const char *text;
        int messages;
        uint64_t dropped;
    } cases[] = {
        {"{\"a\":1}\r\n", 1, 0},
        {"{\"a\":1}\n{\"b\":2}\n", 2, 0},
        {"{\"a\":", 0, 0},
        {"garbage\n{}\n", 1, 1},
        {"[1]\n1\n\"x\"\nnull\n{}\n", 1, 4},
        {"\n\r\n\n", 0, 0},
        {"{\"a\":1,\"a\":2}\n", 0, 1},
        {"\x80\xff{}\n{\"a\":\"\xff\"}\n{}\n", 1, 2},
        {"{\"a\":\"{[{[{[\\\"{[\"}\n", 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1; step < 12; step += 5) { /* whatever pieces it comes in */
            struct qmp_lines *l = qmp_lines_new();
            const size_t len = strlen(cases[i].text);
            int messages = 0;
            for (size_t at = 0; at < len; at += step)
                qmp_lines_feed(l, cases[i].text + at, len - at < step ? len - at : step,
                               count_message, &messages);
            assert_int_equal(messages, cases[i].messages);
            assert_int_equal(qmp_lines_dropped(l), cases[i].dropped);
            qmp_lines_free(l);
        }
}

static void test_bounds(void **state)
{
    struct qmp_lines *l = qmp_lines_new();
    const size_t long_len = 1 << 20;
    char *text = malloc(long_len);
    int messages = 0;

    (void)state;
    memset(text, 'x', long_len); /* a line of a megabyte, then a good one */
    qmp_lines_feed(l, text, long_len, count_message, &messages);
    qmp_lines_feed(l, "\n{}\n", 4, count_message, &messages);
    assert_int_equal(messages, 1);
    assert_int_equal(qmp_lines_dropped(l), 1);

    for (int depth = QMP_DEPTH_MAX - 1; depth <= QMP_DEPTH_MAX; depth++) { /* inside {"a": } */
        size_t n = 0;
        memcpy(text, "{\"a\":", 5);
        n = 5;
        memset(text + n, '[', (size_t)depth);
        memset(text + n + depth, ']', (size_t)depth);
        n += 2 * (size_t)depth;
        memcpy(text + n, "}\n", 2);
        qmp_lines_feed(l, text, n + 2, count_message, &messages);
    }
    assert_int_equal(messages, 2);
    assert_int_equal(qmp_lines_dropped(l), 2);
    memset(text, '[', long_len);
    text[QMP_LINE_MAX - 1] = '\n';
    qmp_lines_feed(l, text, QMP_LINE_MAX, count_message, &messages);
    assert_int_equal(qmp_lines_dropped(l), 3);
    qmp_lines_free(l);
    free(text);
}

/* A monitor made of this test: what it says is written here, what it hears is read. */
struct fixture {
    uv_loop_t loop;
    char *dir;
    int listening, monitor;
    struct qmp *q;
    int ready, events, closed, replies;
    bool silent;
    char event[64], result[200];
    struct err e;
};

static void on_ready(struct qmp *q, void *arg)
{
    (void)q;
    ((struct fixture *)arg)->ready++;
}
static void on_event(struct qmp *q, const char *name, const json_t *data, void *arg)
{
    struct fixture *f = arg;
    (void)q;
    assert_true(data == NULL || json_is_object(data));
    f->events++;
    (void)str_copy(f->event, sizeof f->event, name);
}
static void on_silence(struct qmp *q, bool silent, void *arg)
{
    (void)q;
    ((struct fixture *)arg)->silent = silent;
}
static void on_closed(struct qmp *q, void *arg)
{
    (void)q;
    ((struct fixture *)arg)->closed++;
}
static const struct qmp_events events = {on_ready, on_event, on_silence, on_closed};

static void on_reply(struct qmp *q, const json_t *result, const struct err *e, void *arg)
{
    struct fixture *f = arg;
    char *text = result ? json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    (void)q;
    f->replies++;
    f->e = *e;
    (void)str_copy(f->result, sizeof f->result, text ? text : "");
    free(text);
}

static bool is_ready(void *arg)
{
    return ((struct fixture *)arg)->ready > 0;
}
static bool has_reply(void *arg)
{
    return ((struct fixture *)arg)->replies > 0;
}
static bool has_event(void *arg)
{
    return ((struct fixture *)arg)->events > 0;
}
static bool has_closed(void *arg)
{
    return ((struct fixture *)arg)->closed > 0;
}
static bool is_silent(void *arg)
{
    return ((struct fixture *)arg)->silent;
}
static bool is_heard(void *arg)
{
    return !((struct fixture *)arg)->silent;
}

static void says(struct fixture *f, const char *text)
{
    assert_int_equal(write(f->monitor, text, strlen(text)), strlen(text));
}

static int64_t hears(struct fixture *f, const char *command)
{
    char line[1000], *end;
    ssize_t n = -1;
    json_t *m;
    int64_t id;

    for (int i = 0; i < 1000 && n <= 0; i++) {
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        n = recv(f->monitor, line, sizeof line - 1, MSG_DONTWAIT);
        if (n <= 0)
            usleep(5000);
    }
    assert_true(n > 0);
    line[n] = '\0';
    end = strchr(line, '\n');
    assert_non_null(end);
    m = json_loadb(line, (size_t)(end - line), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(m, "execute")), command);
    id = json_integer_value(json_object_get(m, "id"));
    json_decref(m);
    return id;
}

static void answers(struct fixture *f, const char *before_id, int64_t id)
{
    char text[200];
    (void)snprintf(text, sizeof text, "%s, \"id\": %lld}\r\n", before_id, (long long)id);
    says(f, text);
}

static void connect_monitor(struct fixture *f, unsigned greeting_ms)
{
    struct err e;
    if (qmp_connect(f->q, f->dir, "m.sock", 0, greeting_ms, &e) < 0)
        fail_msg("%s", e.text);
    f->monitor = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(f->monitor >= 0);
}

static void begin(struct fixture *f, unsigned greeting_ms)
{
    struct err e;

    memset(f, 0, sizeof *f);
    f->dir = tmpdir_new();
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->listening = sock_listen(f->dir, "m.sock", &e);
    assert_true(f->listening >= 0);
    assert_int_equal(qmp_new(&f->loop, &events, f, &f->q, &e), 0);
    connect_monitor(f, greeting_ms);
}

static void greet(struct fixture *f)
{
    says(f, "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n");
    answers(f, "{\"return\": {}", hears(f, "qmp_capabilities"));
    assert_true(loop_until(&f->loop, is_ready, f, 10));
}

static void finish(struct fixture *f)
{
    qmp_free(f->q);
    loop_close(&f->loop);
    close(f->monitor);
    close(f->listening);
    tmpdir_remove(f->dir);
}

static void ask(struct fixture *f)
{
    struct err e;
    f->replies = 0;
    if (qmp_send(f->q, "query-status", NULL, on_reply, f, &e) < 0)
        fail_msg("%s", e.text);
}

static void test_talk(void **state)
{
    struct fixture f;
    struct err e;

    (void)state;
    begin(&f, 5000);
    assert_int_equal(qmp_send(f.q, "stop", NULL, on_reply, &f, &e), -ENOTCONN);
    says(&f, "noise\n{\"event\": \"TOO_EARLY\"}\n");
    greet(&f);
    assert_int_equal(f.events, 0);

    ask(&f); /* wrong ids, a text for an id, no id, then the right one, twice */
    const int64_t id = hears(&f, "query-status");
    says(&f,
         "{\"return\": \"no id\"}\n{\"return\": 1, \"id\": \"7\"}\n{\"return\": 2, \"id\": -1}\n"
         "{\"return\": 3, \"id\": 99999}\n{\"error\": {\"class\": \"GenericError\"}}\n{\"id\":\n");
    answers(&f, "{\"return\": {\"status\": \"running\"}", id);
    answers(&f, "{\"return\": {\"status\": \"again\"}", id);
    assert_true(loop_until(&f.loop, has_reply, &f, 10));
    says(&f, "{\"event\": \"STOP\", \"data\": [1]}\n");
    assert_true(loop_until(&f.loop, has_event, &f, 10));
    assert_string_equal(f.event, "STOP");
    assert_int_equal(f.replies, 1);
    assert_string_equal(f.result, "{\"status\":\"running\"}");

    ask(&f); /* an error's text comes through cleaned */
    answers(&f, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"bad \\u001b[31m\\u202e\"}",
            hears(&f, "query-status"));
    assert_true(loop_until(&f.loop, has_reply, &f, 10));
    assert_int_equal(f.e.code, -EIO);
    assert_string_equal(f.e.text, "QMP: bad ?[31m?");
    finish(&f);
}

static void test_silence(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 5000);
    greet(&f);
    ask(&f);
    const int64_t id = hears(&f, "query-status");
    says(&f, "{\"return\": {"); /* half a line, then nothing */
    assert_true(loop_until(&f.loop, has_reply, &f, 20));
    assert_int_equal(f.e.code, -ETIMEDOUT);
    assert_true(loop_until(&f.loop, is_silent, &f, 5));
    answers(&f, "}", id); /* it comes after all: heard, but nobody waits */
    ask(&f);
    answers(&f, "{\"return\": {}", hears(&f, "query-status"));
    assert_true(loop_until(&f.loop, has_reply, &f, 10));
    assert_int_equal(f.e.code, 0);
    assert_true(loop_until(&f.loop, is_heard, &f, 5));

    ask(&f);
    (void)hears(&f, "query-status");
    close(f.monitor); /* gone in the middle, and back */
    assert_true(loop_until(&f.loop, has_closed, &f, 10));
    assert_int_equal(f.e.code, -ECONNRESET);
    assert_false(qmp_is_ready(f.q));
    f.ready = 0;
    connect_monitor(&f, 5000);
    greet(&f);
    finish(&f);
}

static void test_no_greeting(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 100);
    assert_true(loop_until(&f.loop, is_silent, &f, 10));
    greet(&f); /* late is not never */
    assert_true(is_heard(&f));
    finish(&f);
}

/* Freed with commands on their way: each is answered, so that nothing leaks. */
static void test_free_in_flight(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 5000);
    greet(&f);
    ask(&f);
    qmp_free(f.q);
    f.q = NULL;
    assert_int_equal(f.replies, 1);
    assert_int_equal(f.e.code, -ECANCELED);
    finish(&f);
}

/* No link is followed and a stranger's socket is refused. */
static void test_socket_trust(void **state)
{
    struct err e;
    char *dir = tmpdir_new();
    char path[200], target[220];
    const int fd = sock_listen(dir, "a.sock", &e);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(sock_connect(dir, "a.sock", getpid() + 1, &e), -EPERM);
    const int ok = sock_connect(dir, "a.sock", getpid(), &e);
    assert_true(ok >= 0);
    close(ok);
    (void)snprintf(path, sizeof path, "%s/b.sock", dir);
    (void)snprintf(target, sizeof target, "%s/a.sock", dir);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(sock_connect(dir, "b.sock", 0, &e), -ENOTSOCK);
    assert_int_equal(sock_connect(dir, "none.sock", 0, &e), -ENOENT);
    close(fd);
    assert_int_equal(sock_connect(dir, "a.sock", 0, &e), -ECONNREFUSED);
    tmpdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_talk),         cmocka_unit_test(test_silence),
        cmocka_unit_test(test_no_greeting),  cmocka_unit_test(test_free_in_flight),
        cmocka_unit_test(test_socket_trust),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
