#include "widgets/pane.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "widgets/xmem.h"

static char sent[8192];
static size_t n_sent;

static void keep_sent(void *ctx, const char *bytes, size_t len)
{
    (void)ctx;
    assert_true(n_sent + len < sizeof sent);
    memcpy(sent + n_sent, bytes, len);
    n_sent += len;
    sent[n_sent] = '\0';
}

static struct pane *make(int rows, int cols)
{
    n_sent = 0;
    sent[0] = '\0';
    return pane_new(rows, cols, keep_sent, NULL);
}

static void feed(struct pane *p, const char *s)
{
    assert_int_equal(pane_feed(p, s, strlen(s)), strlen(s));
}

static char text[65536];

static const char *show(struct pane *p, int rows, int cols)
{
    struct canvas_grid *g = canvas_grid_new(rows, cols);

    pane_draw(p, canvas_of(g), true);
    canvas_grid_dump(g, text, sizeof text);
    canvas_grid_free(g);
    return text;
}

static void test_shows(void **state)
{
    struct pane *p = make(3, 12);
    struct canvas_grid *g = canvas_grid_new(3, 12);
    int row, col;

    (void)state;
    feed(p, "web1:~# \033[1;31mred\033[0m\r\n\033[48;5;21mblue\033[0m 中\r\nend");
    assert_true(pane_is_dirty(p));
    pane_draw(p, canvas_of(g), true);
    assert_false(pane_is_dirty(p));
    canvas_grid_dump(g, text, sizeof text);
    assert_string_equal(text, "web1:~# red\nblue 中\nend\n");
    assert_int_equal(canvas_grid_cell(g, 0, 8)->fg, 1);
    assert_int_equal(canvas_grid_cell(g, 0, 8)->attr, CANVAS_BOLD);
    assert_int_equal(canvas_grid_cell(g, 1, 0)->bg, 21);
    assert_int_equal(canvas_grid_cell(g, 0, 0)->fg, -1);
    assert_true(canvas_grid_get_cursor(g, &row, &col));
    assert_int_equal(row, 2);
    assert_int_equal(col, 3);
    feed(p, "\033[?25l");
    canvas_erase(canvas_of(g));
    pane_draw(p, canvas_of(g), true);
    assert_false(canvas_grid_get_cursor(g, &row, &col));
    canvas_grid_free(g);
    pane_free(p);
}

/* Nothing but cells comes out: what a hostile guest sends is not in the picture and not sent on. */
static void test_hostile_guest(void **state)
{
    static const char *const bytes[] = {
        "\033]52;c;aGVsbG8=\a", "\033]0;title\a",         "\033]8;;http://x\a",
        "\033]9;notify\033\\",  "\033Pq#0;2;0;0;0\033\\", "\033[21t",
        "\033]10;?\a",          "\033]52;c;?\a",          "\033_Gi=1\033\\",
    };
    struct pane *p = make(2, 20);

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(bytes); i++) {
        feed(p, bytes[i]);
        assert_int_equal(n_sent, 0);
    }
    assert_int_equal(pane_take_bells(p), 0);
    feed(p, "\033[2J\033[Ha\xe2\x80\xae"
            "b\xe2\x80\x8b"
            "c");
    const char *s = show(p, 2, 20);
    for (size_t i = 0; s[i]; i++)
        assert_true((unsigned char)s[i] < 0x80);
    feed(p, "\a\a");
    assert_int_equal(pane_take_bells(p), 2);
    assert_int_equal(pane_take_bells(p), 0);
    pane_free(p);
}

static void test_answers_come_from_the_emulator(void **state)
{
    struct pane *p = make(5, 20);
    char *flood = xmem_new(40001, 1);

    (void)state;
    feed(p, "\033[3;4H\033[6n");
    assert_string_equal(sent, "\033[3;4R");
    n_sent = 0;
    for (int i = 0; i < 10000; i++)
        memcpy(flood + i * 4, "\033[6n", 4);
    pane_feed(p, flood, 40000);
    assert_in_range(n_sent, 1, 4096); /* a flood of questions is not a flood of answers */
    free(flood);
    pane_free(p);
}

static void press(struct pane *p, const char *name)
{
    struct key k;

    assert_true(key_parse(name, strlen(name), &k));
    n_sent = 0;
    sent[0] = '\0';
    assert_true(pane_key(p, &k));
}

static void test_keys(void **state)
{
    static const struct {
        const char *key, *bytes;
    } cases[] = {
        {"x", "x"},          {"Enter", "\r"},    {"Tab", "\t"},      {"BS", "\177"},
        {"Esc", "\033"},     {"C-c", "\003"},    {"C-]", "\035"},    {"C-\\", "\034"},
        {"中", "中"},        {"M-b", "\033b"},   {"Up", "\033[A"},   {"PgUp", "\033[5~"},
        {"S-Tab", "\033[Z"}, {"F5", "\033[15~"}, {"Del", "\033[3~"}, {"C-Right", "\033[1;5C"},
        {"C-h", "\010"},     {"C-j", "\n"},
    };
    struct pane *p = make(5, 20);
    struct key mouse = {.code = KEYSYM_MOUSE};

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        press(p, cases[i].key);
        assert_string_equal(sent, cases[i].bytes);
    }
    press(p, "C-Space");
    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0], 0);
    feed(p, "\033[?1h"); /* application cursor keys, as vi asks for */
    press(p, "Up");
    assert_string_equal(sent, "\033OA");
    n_sent = 0;
    assert_false(pane_key(p, &mouse));
    assert_int_equal(n_sent, 0);
    pane_free(p);
}

static void paste(struct pane *p)
{
    static const struct key keys[] = {
        {.code = KEYSYM_PASTE_START},
        {.code = 'l', .mods = KEYMOD_PASTED},
        {.code = KEYSYM_ESC, .mods = KEYMOD_PASTED},
        {.code = 'c', .mods = KEYMOD_PASTED | KEYMOD_CTRL},
        {.code = 'j', .mods = KEYMOD_PASTED | KEYMOD_CTRL},
        {.code = KEYSYM_TAB, .mods = KEYMOD_PASTED},
        {.code = KEYSYM_PASTE_END},
    };

    n_sent = 0;
    sent[0] = '\0';
    for (size_t i = 0; i < XMEM_LEN(keys); i++)
        pane_key(p, &keys[i]);
}

static void test_paste(void **state)
{
    struct pane *p = make(5, 20);

    (void)state;
    paste(p);
    assert_string_equal(sent, "l\r\t");
    feed(p, "\033[?12;2004h");
    assert_true(pane_wants_paste_marks(p));
    paste(p);
    assert_string_equal(sent, "\033[200~l\r\t\033[201~");
    feed(p, "\033[?2004");
    feed(p, "l"); /* split anywhere */
    assert_false(pane_wants_paste_marks(p));
    feed(p, "\033[?2004h\033c"); /* a reset forgets it */
    assert_false(pane_wants_paste_marks(p));
    pane_free(p);
}

static void test_full_screen_program(void **state)
{
    struct pane *p = make(4, 10);

    (void)state;
    feed(p, "$ vi\r\n\033[?1049h\033[H\033[2J~\r\n~");
    assert_true(pane_is_full_screen(p));
    assert_string_equal(show(p, 4, 10), "~\n~\n\n\n");
    feed(p, "\033[?1049l");
    assert_false(pane_is_full_screen(p));
    assert_string_equal(show(p, 4, 10), "$ vi\n\n\n\n");
    pane_free(p);
}

static void test_resize(void **state)
{
    struct pane *p = make(24, 80);

    (void)state;
    feed(p, "hello");
    static const int sizes[][2] = {{10, 40},    {1, 2},           {0, 0},  {-5, -5},
                                   {500, 1000}, {999999, 999999}, {24, 80}};
    for (size_t i = 0; i < XMEM_LEN(sizes); i++) {
        int rows, cols;
        pane_resize(p, sizes[i][0], sizes[i][1]);
        pane_get_size(p, &rows, &cols);
        assert_true(rows >= 1 && cols >= 2 && rows <= PANE_ROWS_MAX && cols <= PANE_COLS_MAX);
        feed(p, "x\033[999;999Hy\033[1;5r\033[5M");
        show(p, 10, 40); /* drawn in a canvas of another size */
    }
    pane_free(p);
}

static void fill_history(struct pane *p, int lines)
{
    for (int i = 0; i < lines; i++) {
        char line[64];
        snprintf(line, sizeof line, "line %d%s\r\n", i, i == 17 ? " needle" : "");
        feed(p, line);
    }
    feed(p, "$ ");
}

static void test_scroll_back(void **state)
{
    struct pane *p = make(5, 20);
    size_t line, lines, len;

    (void)state;
    fill_history(p, 50);
    assert_int_equal(pane_take_lines(p), 50);
    pane_back_enter(p);
    assert_true(pane_is_back(p));
    pane_back_get_place(p, &line, &lines);
    assert_int_equal(lines, 51);
    assert_int_equal(line, 51);
    assert_string_equal(show(p, 5, 20), "line 46\nline 47\nline 48\nline 49\n$\n");
    pane_back_move(p, PANE_FIRST);
    assert_string_equal(show(p, 5, 20), "line 0\nline 1\nline 2\nline 3\nline 4\n");
    feed(p, "\r\nmore\r\nmore\r\nmore"); /* the guest goes on; what is read stands still */
    assert_string_equal(show(p, 5, 20), "line 0\nline 1\nline 2\nline 3\nline 4\n");
    pane_back_move(p, PANE_PAGE_DOWN);
    assert_string_equal(show(p, 5, 20), "line 4\nline 5\nline 6\nline 7\nline 8\n");
    pane_back_move(p, PANE_LAST);
    assert_true(pane_back_search(p, "NEEDLE"));
    pane_back_get_place(p, &line, &lines);
    assert_int_equal(line, 18);
    assert_true(pane_back_search(p, "line 2"));
    assert_true(pane_back_search_next(p, 1));
    pane_back_get_place(p, &line, &lines);
    assert_int_equal(line, 30); /* upwards from "line 2": around to 29 */
    assert_false(pane_back_search(p, "nowhere"));
    /* select from here two lines down */
    assert_true(pane_back_search(p, "line 10"));
    pane_back_select(p);
    pane_back_move(p, PANE_DOWN);
    pane_back_move(p, PANE_LINE_END);
    char *copy = pane_copy_text(p, &len);
    assert_string_equal(copy, "line 10\nline 11");
    free(copy);
    pane_back_leave(p);
    assert_string_equal(show(p, 5, 20), "line 49\n$\nmore\nmore\nmore\n");
    copy = pane_copy_text(p, &len);
    assert_string_equal(copy, "line 49\n$\nmore\nmore\nmore");
    free(copy);
    pane_free(p);
}

static void test_scroll_back_is_bounded(void **state)
{
    struct pane *p = make(5, 20);
    size_t line, lines;

    (void)state;
    fill_history(p, PANE_SCROLLBACK + 500);
    pane_back_enter(p);
    pane_back_get_place(p, &line, &lines);
    assert_in_range(lines, PANE_SCROLLBACK, PANE_SCROLLBACK + 5);
    pane_back_move(p, PANE_FIRST);
    /* the oldest that is kept, and no line twice or missing: one by one to the end */
    for (size_t i = 0; i + 5 < lines; i += 4) {
        int a = 0, b = 0;
        assert_int_equal(sscanf(show(p, 5, 20), "line %d\nline %d", &a, &b), 2);
        assert_int_equal(b, a + 1);
        assert_int_equal(a, PANE_SCROLLBACK + 500 + 1 - (int)lines + (int)i);
        pane_back_move(p, PANE_PAGE_DOWN);
    }
    pane_back_leave(p);
    pane_reset(p);
    pane_back_enter(p);
    pane_back_get_place(p, &line, &lines);
    assert_int_equal(lines, 5);
    pane_free(p);
}

static void test_feed_is_bounded(void **state)
{
    struct pane *p = make(5, 20);
    char *much = xmem_new(PANE_FEED_MAX * 2, 1);

    (void)state;
    memset(much, 'y', PANE_FEED_MAX * 2);
    assert_int_equal(pane_feed(p, much, PANE_FEED_MAX * 2), PANE_FEED_MAX);
    assert_int_equal(pane_feed(p, much, 0), 0);
    free(much);
    pane_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shows),
        cmocka_unit_test(test_hostile_guest),
        cmocka_unit_test(test_answers_come_from_the_emulator),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_full_screen_program),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_scroll_back),
        cmocka_unit_test(test_scroll_back_is_bounded),
        cmocka_unit_test(test_feed_is_bounded),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
