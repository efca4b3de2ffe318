/* The serial line against a guest made of this test: lines, floods, slow watchers, logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "backend/guest/serial.h"
#include "backend/model/text.h"
#include "backend/vmm/sock.h"
#include "tests/support/netns.h"
#include "tests/support/tmpdir.h"

struct watcher {
    size_t room, got; /* takes at most room */
    unsigned calls;
    char last;
};

struct fixture {
    uv_loop_t loop;
    char *dir;
    int listening, guest;
    struct serial *s;
    int lines, closed;
    char line[600];
    struct watcher w[2];
};

static void on_line(struct serial *s, const char *text, void *arg)
{
    struct fixture *f = arg;
    (void)s;
    f->lines++;
    (void)str_copy(f->line, sizeof f->line, text);
}
static void on_closed(struct serial *s, void *arg)
{
    (void)s;
    ((struct fixture *)arg)->closed++;
}

static size_t on_data(const void *bytes, size_t len, void *arg)
{
    struct watcher *w = arg;
    const size_t n = len < w->room ? len : w->room;
    w->calls++;
    w->got += n;
    w->room -= n;
    if (n > 0)
        w->last = ((const char *)bytes)[n - 1];
    return n;
}

static void connect_guest(struct fixture *f)
{
    struct err e;
    if (serial_connect(f->s, getpid(), &e) < 0)
        fail_msg("%s", e.text);
    f->guest = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(f->guest >= 0);
}

static void begin(struct fixture *f)
{
    const struct serial_events events = {on_line, on_closed};
    struct err e;

    memset(f, 0, sizeof *f);
    f->dir = tmpdir_new();
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->listening = sock_listen(f->dir, "serial.sock", &e);
    assert_true(f->listening >= 0);
    assert_int_equal(serial_new(&f->loop, f->dir, &events, f, &f->s, &e), 0);
    connect_guest(f);
}

static void finish(struct fixture *f)
{
    serial_free(f->s);
    loop_close(&f->loop);
    if (f->guest >= 0)
        close(f->guest);
    close(f->listening);
    tmpdir_remove(f->dir);
}

static bool has_line(void *arg)
{
    return ((struct fixture *)arg)->lines > 0;
}
static bool has_closed(void *arg)
{
    return ((struct fixture *)arg)->closed > 0;
}

static void says(struct fixture *f, const char *text)
{
    assert_int_equal(write(f->guest, text, strlen(text)), strlen(text));
}

static void test_lines_and_cleaning(void **state)
{
    struct fixture f;
    char buf[2000], typed[20] = {0};

    (void)state;
    begin(&f);
    says(&f, "one\r\n\x1b]52;c;evil\x07two \xe2\x80\xaemirrored\r\nthird unfinished");
    f.lines = 0;
    assert_true(loop_until(&f.loop, has_line, &f, 10));
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.lines, 2);
    assert_string_equal(f.line, "?]52;c;evil?two ?mirrored");
    const size_t len = serial_last_lines(f.s, 2, buf, sizeof buf);
    assert_int_equal(len, strlen(buf));
    assert_string_equal(buf, "?]52;c;evil?two ?mirrored\nthird unfinished");
    (void)serial_last_lines(f.s, 50, buf, sizeof buf);
    assert_memory_equal(buf, "one\n", 4);
    (void)serial_last_lines(f.s, 50, buf, 6); /* a small buffer is not overrun */
    assert_true(strlen(buf) < 6);
    assert_int_equal(serial_last_lines(f.s, 0, buf, sizeof buf), 0);

    assert_int_equal(serial_write(f.s, "ls\n", 3), 3);
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(read(f.guest, typed, sizeof typed), 3);
    assert_string_equal(typed, "ls\n");
    for (size_t all = 0, n = 1; n > 0;
         all += n) { /* a guest that does not read fills up, no more */
        n = serial_write(f.s, buf, 100);
        assert_true(all < 4 << 20);
    }
    close(f.guest);
    f.guest = -1;
    assert_true(loop_until(&f.loop, has_closed, &f, 10));
    assert_false(serial_is_connected(f.s));
    assert_int_equal(serial_write(f.s, "x", 1), 0);
    connect_guest(&f); /* as after an adoption */
    f.lines = 0;
    says(&f, "\nback\n");
    assert_true(loop_until(&f.loop, has_line, &f, 10));
    finish(&f);
}

/* Endless output: the turn of the loop and the second are bounded, the ring and the log too. */
static void test_flood(void **state)
{
    enum { FLOOD_MS = 600 };
    struct fixture f;
    static char noise[65536];
    uint64_t start, turn_from = 0, worst = 0;
    struct stat st;
    char path[300];

    (void)state;
    memset(noise, 'y', sizeof noise);
    for (size_t i = 79; i < sizeof noise; i += 80)
        noise[i] = '\n';
    begin(&f);
    start = uv_hrtime() / 1000000;
    while (uv_hrtime() / 1000000 - start < FLOOD_MS) {
        while (write(f.guest, noise, sizeof noise) > 0)
            ;
        turn_from = serial_bytes(f.s);
        (void)uv_run(&f.loop, UV_RUN_NOWAIT);
        if (serial_bytes(f.s) - turn_from > worst)
            worst = serial_bytes(f.s) - turn_from;
    }
    assert_true(worst <= 65536 + 16384);
    assert_true(serial_bytes(f.s) > 65536);
    start = uv_hrtime() / 1000000 - start; /* the machine may have been slow: so long it may be */
    assert_true(serial_bytes(f.s) <= ((uint64_t)start + 100) * (1 << 20) / 1000 + 2 * 65536);
    serial_free(f.s);
    f.s = NULL;
    close(f.guest);
    f.guest = -1;
    loop_close(&f.loop);
    assert_int_equal(uv_loop_init(&f.loop), 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f.dir, i ? "serial.log.1" : "serial.log");
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size > 0 && st.st_size <= SERIAL_LOG_MAX);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    finish(&f);
}

static bool is_full(void *arg)
{
    return serial_bytes(((struct fixture *)arg)->s) >= 100000;
}

/* A slow watcher loses what left the ring, and only it. */
static void test_watchers(void **state)
{
    struct fixture f;
    struct err e;
    struct serial_sub *slow, *fast, *more;
    char text[1000];
    size_t sent = 0;

    (void)state;
    begin(&f);
    f.w[0].room = 10;
    f.w[1].room = SIZE_MAX;
    assert_int_equal(serial_subscribe(f.s, 0, on_data, &f.w[0], &slow, &e), 0);
    assert_int_equal(serial_subscribe(f.s, 0, on_data, &f.w[1], &fast, &e), 0);
    memset(text, 'a', sizeof text);
    while (sent < 100000) {
        const ssize_t n = write(f.guest, text, sizeof text);
        sent += n > 0 ? (size_t)n : 0;
        if (n < 0)
            (void)uv_run(&f.loop, UV_RUN_ONCE);
    }
    says(&f, "z");
    assert_true(loop_until(&f.loop, is_full, &f, 10));
    (void)loop_until(&f.loop, has_closed, &f, 1);
    assert_int_equal(f.w[1].got, sent + 1);
    assert_int_equal(f.w[1].last, 'z');
    assert_int_equal(f.w[0].got, 10);
    assert_int_equal(f.w[0].calls, 1); /* not offered again before it wakes */
    f.w[0].room = SIZE_MAX;
    serial_sub_wake(slow);
    assert_int_equal(f.w[0].got + serial_sub_lost(slow), sent + 1);
    assert_int_equal(serial_sub_lost(slow), sent + 1 - 10 - SERIAL_RING);
    assert_int_equal(f.w[0].last, 'z');
    serial_unsubscribe(slow);

    memset(&f.w[0], 0, sizeof f.w[0]);
    f.w[0].room = SIZE_MAX; /* a new one sees what was last */
    assert_int_equal(serial_subscribe(f.s, 100, on_data, &f.w[0], &slow, &e), 0);
    assert_int_equal(f.w[0].got, 100);
    for (int i = 0; i < SERIAL_SUBS_MAX - 2; i++)
        assert_int_equal(serial_subscribe(f.s, 0, on_data, &f.w[1], &more, &e), 0);
    assert_int_equal(serial_subscribe(f.s, 0, on_data, &f.w[1], &more, &e), -EBUSY);
    serial_unsubscribe(fast);
    finish(&f);
}

static bool log_is_written(void *arg)
{
    struct fixture *f = arg;
    char path[300];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/serial.log", f->dir);
    return stat(path, &st) == 0 && st.st_size > 20;
}

/* The log can be shown as it is, and tells the last lines of a guest that an earlier engine heard.
 */
static void test_log(void **state)
{
    struct fixture f;
    struct err e;
    char path[300], buf[300] = {0};
    FILE *in;

    (void)state;
    begin(&f);
    says(&f, "plain\tline\r\n\x1b[2J\x9b\xc3\xa9\xff end\n");
    assert_true(loop_until(&f.loop, log_is_written, &f, 10));
    (void)snprintf(path, sizeof path, "%s/serial.log", f.dir);
    in = fopen(path, "re");
    assert_non_null(in);
    assert_true(fread(buf, 1, sizeof buf - 1, in) > 0);
    fclose(in);
    assert_string_equal(buf, "plain\tline\n\\033[2J\\233\xc3\xa9\\377 end\n");
    serial_free(f.s);
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(serial_new(&f.loop, f.dir, NULL, NULL, &f.s, &e), 0);
    (void)serial_last_lines(f.s, 1, buf, sizeof buf);
    assert_string_equal(buf, "\\033[2J\\233\xc3\xa9\\377 end");
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_cleaning),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_watchers),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
