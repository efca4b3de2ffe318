#include "widgets/term.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "widgets/pane.h"
#include "widgets/xmem.h"

/* The operator's side: a pty, and the terminal pane as the terminal that shows what arrives. */
struct rig {
    int master, slave;
    struct term *t;
    struct canvas_grid *g;
    struct pane *screen;
    char *got; /* all bytes that came */
    size_t n, cap;
};

static void ignore(void *ctx, const char *bytes, size_t len)
{
    (void)ctx, (void)bytes, (void)len;
}

static void set_size(struct rig *r, int rows, int cols)
{
    struct winsize ws = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

    assert_int_equal(ioctl(r->slave, TIOCSWINSZ, &ws), 0);
}

static void pull(struct rig *r)
{
    char buf[65536];
    struct pollfd p = {.fd = r->master, .events = POLLIN};

    for (;;) {
        if (r->t)
            term_flush(r->t);
        if (poll(&p, 1, 20) != 1)
            break;
        ssize_t n = read(r->master, buf, sizeof buf);
        if (n <= 0)
            break;
        r->got = xmem_grow(r->got, &r->cap, r->n + (size_t)n + 1, 1);
        memcpy(r->got + r->n, buf, (size_t)n);
        r->n += (size_t)n;
        r->got[r->n] = '\0';
        for (ssize_t at = 0; at < n;)
            at += (ssize_t)pane_feed(r->screen, buf + at, (size_t)(n - at));
    }
}

static struct rig *start(const char *type, int colours, int rows, int cols)
{
    struct rig *r = xmem_new(1, sizeof *r);
    struct term_opts o = {.type = type, .colours = colours};
    char why[160] = "";

    assert_int_equal(openpty(&r->master, &r->slave, NULL, NULL, NULL), 0);
    set_size(r, rows, cols);
    o.in_fd = o.out_fd = r->slave;
    r->screen = pane_new(rows, cols, ignore, NULL);
    r->g = canvas_grid_new(rows, cols);
    if (term_new(&r->t, &o, why, sizeof why) != 0)
        fail_msg("%s", why);
    pull(r);
    return r;
}

static void stop(struct rig *r)
{
    term_free(r->t);
    close(r->master);
    close(r->slave);
    pane_free(r->screen);
    canvas_grid_free(r->g);
    free(r->got);
    free(r);
}

static bool says(const struct rig *r, const char *bytes)
{
    return r->n > 0 && memmem(r->got, r->n, bytes, strlen(bytes)) != NULL;
}

/* Any colour among the attributes that were set? */
static bool has_colour(const struct rig *r)
{
    for (size_t i = 0; i + 2 < r->n; i++) {
        size_t end = i + 2;
        if (r->got[i] != '\033' || r->got[i + 1] != '[')
            continue;
        while (end < r->n && strchr("0123456789;", r->got[end]))
            end++;
        if (end == r->n || r->got[end] != 'm')
            continue;
        for (size_t k = i + 2; k < end; k++) {
            int n = atoi(&r->got[k]);
            if (n >= 30 && n != 39 && n != 49)
                return true;
            while (k < end && r->got[k] != ';')
                k++;
        }
    }
    return false;
}

static void same_picture(struct rig *r, int rows, int cols)
{
    struct canvas_grid *seen = canvas_grid_new(rows, cols);
    static char a[65536], b[65536];

    pull(r);
    pane_draw(r->screen, canvas_of(seen), true);
    canvas_grid_dump(r->g, a, sizeof a);
    canvas_grid_dump(seen, b, sizeof b);
    assert_string_equal(b, a);
    canvas_grid_free(seen);
}

static void draw_something(struct canvas c, int n)
{
    canvas_erase(c);
    canvas_put_in(c, 0, 0, c.cols, ROLE_HEADER, CELLS_LEFT, " meshdeck  lab / ams1");
    for (int r = 1; r < c.rows; r++) {
        canvas_printf(c, r, 0, (enum role)(r % ROLE_COUNT), "row %d 中文 č %d", r, n);
        canvas_put(c, r, c.cols - 4, ROLE_WARN, "edge");
    }
    canvas_put(c, c.rows - 1, c.cols - 2, ROLE_CRIT, "中"); /* the very corner */
    canvas_cursor(c, 2, n % c.cols);
}

static void test_picture_arrives(void **state)
{
    static const char *const types[] = {"xterm-256color", "tmux-256color", "linux", "vt100"};

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(types); i++) {
        struct rig *r = start(types[i], -1, 24, 80);
        for (int n = 0; n < 4; n++) {
            draw_something(canvas_of(r->g), n * 7);
            assert_int_equal(term_draw(r->t, r->g, n), TERM_DRAWN);
            same_picture(r, 24, 80);
        }
        stop(r);
    }
}

static void test_no_bytes_when_nothing_changed(void **state)
{
    struct rig *r = start("xterm-256color", -1, 24, 80);

    (void)state;
    draw_something(canvas_of(r->g), 1);
    assert_int_equal(term_draw(r->t, r->g, 0), TERM_DRAWN);
    uint64_t bytes = term_get_bytes(r->t);
    pull(r);
    assert_int_equal(bytes, r->n);
    for (int i = 0; i < 5; i++) {
        draw_something(canvas_of(r->g), 1);
        assert_int_equal(term_draw(r->t, r->g, i), TERM_SAME);
    }
    pull(r);
    assert_int_equal(term_get_bytes(r->t), bytes);
    assert_int_equal(r->n, bytes);
    /* one cell: a few bytes, between the marks of one frame */
    canvas_put(canvas_of(r->g), 5, 30, ROLE_BASE, "x");
    assert_int_equal(term_draw(r->t, r->g, 9), TERM_DRAWN);
    assert_in_range(term_get_bytes(r->t) - bytes, 1, 80);
    r->n = 0;
    pull(r);
    assert_memory_equal(r->got, "\033[?2026h", 8);
    assert_memory_equal(r->got + r->n - 8, "\033[?2026l", 8);
    /* C-l sends all again */
    term_repaint(r->t);
    assert_int_equal(term_draw(r->t, r->g, 10), TERM_DRAWN);
    assert_true(term_get_bytes(r->t) - bytes > 500);
    same_picture(r, 24, 80);
    stop(r);
}

static void test_modes_on_and_off(void **state)
{
    struct rig *r = start("xterm-256color", -1, 24, 80);
    struct termios before, now;

    (void)state;
    assert_true(says(r, "\033[?2004h"));
    assert_false(says(r, "\033[?1000h"));
    term_set_mouse(r->t, true);
    pull(r);
    assert_true(says(r, "\033[?1000h\033[?1006h"));
    term_set_mouse(r->t, false);
    pull(r);
    assert_true(says(r, "\033[?1006l\033[?1000l"));
    draw_something(canvas_of(r->g), 1);
    term_draw(r->t, r->g, 0);
    pull(r);
    assert_true(says(r, "\033[?1049h"));
    tcgetattr(r->slave, &now);
    assert_int_equal(now.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(now.c_oflag & OPOST, 0);
    r->n = 0;
    term_leave(r->t);
    pull(r);
    assert_true(says(r, "\033[?2004l"));
    assert_true(says(r, "\033[?1000l"));
    assert_true(says(r, "\033[?1049l"));
    tcgetattr(r->slave, &before);
    assert_int_equal(before.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
    r->n = 0;
    term_enter(r->t);
    assert_int_equal(term_draw(r->t, r->g, 1), TERM_DRAWN);
    same_picture(r, 24, 80);
    assert_true(says(r, "\033[?2004h"));
    r->n = 0;
    term_restore_fatal();
    pull(r);
    assert_true(says(r, "\033[?2004l"));
    assert_true(says(r, "\033[?1049l"));
    tcgetattr(r->slave, &before);
    assert_int_equal(before.c_lflag & ICANON, ICANON);
    r->n = 0;
    term_restore_fatal(); /* a second time does nothing */
    pull(r);
    assert_int_equal(r->n, 0);
    stop(r);
}

static void test_resize(void **state)
{
    struct rig *r = start("xterm-256color", -1, 24, 80);
    int rows, cols;

    (void)state;
    draw_something(canvas_of(r->g), 1);
    term_draw(r->t, r->g, 0);
    assert_false(term_resize(r->t));
    static const int sizes[][2] = {{40, 140}, {10, 40}, {4, 20}, {1, 1}, {24, 80}};
    for (size_t i = 0; i < XMEM_LEN(sizes); i++) {
        int h = sizes[i][0], w = sizes[i][1];
        pull(r);
        set_size(r, h, w);
        assert_true(term_resize(r->t));
        term_get_size(r->t, &rows, &cols);
        assert_int_equal(rows, h);
        assert_int_equal(cols, w);
        pane_resize(r->screen, h, w);
        canvas_grid_resize(r->g, h, w);
        draw_something(canvas_of(r->g), 2);
        term_draw(r->t, r->g, 1);
        if (w > 1)
            same_picture(r, h, w);
    }
    stop(r);
}

static void test_keys(void **state)
{
    struct rig *r = start("xterm-256color", -1, 24, 80);
    struct key k;

    (void)state;
    assert_int_equal(write(r->master, "x\033[A\003\032", 6), 6);
    assert_true(term_read(r->t, 0));
    assert_true(term_next_key(r->t, 0, &k));
    assert_int_equal(k.code, 'x');
    assert_true(term_next_key(r->t, 0, &k));
    assert_int_equal(k.code, KEYSYM_UP);
    assert_true(term_next_key(r->t, 0, &k));
    assert_true(key_is(&k, 'c', KEYMOD_CTRL)); /* no signal */
    assert_true(term_next_key(r->t, 0, &k));
    assert_true(key_is(&k, 'z', KEYMOD_CTRL));
    assert_false(term_next_key(r->t, 0, &k));
    close(r->master);
    assert_false(term_read(r->t, 0)); /* hung up */
    assert_int_equal(term_draw(r->t, r->g, 0), TERM_SAME);
    r->master = open("/dev/null", O_RDWR | O_CLOEXEC);
    stop(r);
}

/* A frame larger than any pty holds: each cell in other colours than its neighbour. */
static void fill_large(struct rig *r, int n)
{
    for (int row = 0; row < 200; row++)
        for (int col = 0; col < 200; col++)
            canvas_put(canvas_of(r->g), row, col, (enum role)((row + col + n) % ROLE_COUNT), "x");
}

/* A terminal that does not read: frames wait, nothing blocks, and the link is called slow. */
static void test_slow_terminal(void **state)
{
    struct rig *r = start("xterm-256color", -1, 200, 200);
    int64_t now;

    (void)state;
    assert_false(term_is_slow(r->t, 0));
    fill_large(r, 1);
    assert_int_equal(term_draw(r->t, r->g, 0), TERM_DRAWN);
    assert_true(term_has_output(r->t));
    fill_large(r, 2);
    assert_int_equal(term_draw(r->t, r->g, 100), TERM_WAITS);
    assert_int_equal(term_draw(r->t, r->g, 200), TERM_WAITS); /* the same frame: still one */
    assert_false(term_is_slow(r->t, 200));
    pull(r);
    assert_int_equal(term_draw(r->t, r->g, 300), TERM_DRAWN);
    fill_large(r, 3);
    now = 400;
    assert_int_equal(term_draw(r->t, r->g, now), TERM_WAITS);
    assert_true(term_is_slow(r->t, now));
    assert_false(term_is_slow(r->t, now + 31000));
    pull(r);
    assert_false(term_has_output(r->t));
    draw_something(canvas_of(r->g), 5);
    assert_int_equal(term_draw(r->t, r->g, now + 40000), TERM_DRAWN);
    same_picture(r, 200, 200);
    term_set_link_slow(r->t, 1);
    assert_true(term_is_slow(r->t, now + 99999));
    stop(r);
}

static void test_copy(void **state)
{
    static char big[TERM_COPY_MAX + 1];
    struct rig *r = start("xterm-256color", -1, 24, 80);

    (void)state;
    unsetenv("TMUX");
    unsetenv("STY");
    r->n = 0;
    assert_int_equal(term_copy(r->t, "10.210.0.2", 10), 0);
    pull(r);
    assert_string_equal(r->got, "\033]52;c;MTAuMjEwLjAuMg==\a");
    r->n = 0;
    assert_int_equal(term_copy(r->t, big, sizeof big), -E2BIG);
    pull(r);
    assert_int_equal(r->n, 0);
    setenv("TMUX", "x", 1);
    assert_int_equal(term_copy(r->t, "abc", 3), 0);
    pull(r);
    assert_string_equal(r->got, "\033Ptmux;\033\033]52;c;YWJj\a\033\\\033]52;c;YWJj\a");
    unsetenv("TMUX");
    r->n = 0;
    setenv("STY", "x", 1);
    assert_int_equal(term_copy(r->t, "abc", 3), 0);
    pull(r);
    assert_string_equal(r->got, "\033P\033]52;c;YWJj\a\033\\");
    unsetenv("STY");
    stop(r);
}

static void test_colours_and_fallback(void **state)
{
    struct rig *r;

    (void)state;
    r = start("xterm-256color", -1, 24, 80);
    assert_int_equal(term_get_colours(r->t), 256);
    assert_true(term_has_glyphs(r->t));
    assert_string_equal(term_get_note(r->t), "");
    draw_something(canvas_of(r->g), 1);
    term_draw(r->t, r->g, 0);
    pull(r);
    assert_true(says(r, "38;5;255")); /* the header's */
    assert_true(has_colour(r));
    stop(r);
    setenv("NO_COLOR", "1", 1);
    r = start("xterm-256color", -1, 24, 80);
    assert_int_equal(term_get_colours(r->t), 0);
    draw_something(canvas_of(r->g), 1);
    term_draw(r->t, r->g, 0);
    pull(r);
    assert_false(has_colour(r));
    same_picture(r, 24, 80);
    stop(r);
    unsetenv("NO_COLOR");
    r = start("linux", -1, 24, 80);
    assert_string_equal(term_get_note(r->t), "");
    assert_int_equal(term_get_colours(r->t), 8);
    assert_false(term_has_glyphs(r->t));
    term_set_glyphs(r->t, TERM_GLYPHS_UTF8);
    assert_true(term_has_glyphs(r->t));
    stop(r);
    r = start("no-such-terminal\033[2J", -1, 24, 80);
    assert_non_null(strstr(term_get_note(r->t), "is not known here"));
    assert_null(strchr(term_get_note(r->t), '\033'));
    draw_something(canvas_of(r->g), 1);
    term_draw(r->t, r->g, 0);
    same_picture(r, 24, 80);
    stop(r);
}

static void test_not_a_terminal(void **state)
{
    struct term_opts o = {.colours = -1};
    struct term *t = NULL;
    char why[160] = "";

    (void)state;
    o.in_fd = o.out_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(term_new(&t, &o, why, sizeof why), -ENOTTY);
    assert_null(t);
    assert_string_not_equal(why, "");
    close(o.in_fd);
}

/* Every theme on every depth shows the same text. */
static void test_themes(void **state)
{
    static const int depths[] = {0, 8, 16, 256};
    struct theme theme;
    char why[160];

    (void)state;
    for (size_t d = 0; d < XMEM_LEN(depths); d++) {
        struct rig *r = start("xterm-256color", depths[d], 24, 80);
        assert_int_equal(term_get_colours(r->t), depths[d]);
        for (const char *const *n = theme_names(); *n; n++) {
            assert_int_equal(theme_load(&theme, *n, why, sizeof why), 0);
            term_set_theme(r->t, &theme);
            draw_something(canvas_of(r->g), 3);
            assert_int_equal(term_draw(r->t, r->g, 0), TERM_DRAWN);
            same_picture(r, 24, 80);
        }
        stop(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_picture_arrives),
        cmocka_unit_test(test_no_bytes_when_nothing_changed),
        cmocka_unit_test(test_modes_on_and_off),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_slow_terminal),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_colours_and_fallback),
        cmocka_unit_test(test_not_a_terminal),
        cmocka_unit_test(test_themes),
    };

    signal(SIGHUP, SIG_IGN);
    unsetenv("NO_COLOR");
    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
