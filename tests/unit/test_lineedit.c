#include "widgets/lineedit.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/keys.h"
#include "widgets/xmem.h"

static enum lineedit_result press(struct lineedit *l, const char *name)
{
    struct key k = keys_named(name);

    return lineedit_key(l, &k);
}

static void type(struct lineedit *l, const char *s)
{
    for (; *s; s++) {
        struct key k = {.code = (unsigned char)*s};
        assert_int_equal(lineedit_key(l, &k), LINEEDIT_CHANGED);
    }
}

static void test_edit(void **state)
{
    struct lineedit *l = lineedit_new(100);

    (void)state;
    type(l, "stop web1 now");
    press(l, "C-w");
    assert_string_equal(lineedit_get(l), "stop web1 ");
    press(l, "C-w");
    assert_string_equal(lineedit_get(l), "stop ");
    press(l, "Home");
    press(l, "Del");
    press(l, "Right");
    press(l, "BS");
    assert_string_equal(lineedit_get(l), "op ");
    press(l, "End");
    press(l, "中");
    assert_string_equal(lineedit_get(l), "op 中");
    press(l, "Left");
    assert_int_equal(lineedit_get_cursor(l), 3);
    press(l, "C-u");
    assert_string_equal(lineedit_get(l), "中");
    press(l, "End");
    press(l, "C-h"); /* some terminals' backspace */
    assert_string_equal(lineedit_get(l), "");
    assert_int_equal(press(l, "BS"), LINEEDIT_MOVED);
    assert_int_equal(press(l, "Enter"), LINEEDIT_ACCEPT);
    assert_int_equal(press(l, "C-j"), LINEEDIT_ACCEPT);
    assert_int_equal(press(l, "Esc"), LINEEDIT_DROP);
    assert_int_equal(press(l, "C-c"), LINEEDIT_DROP);
    assert_int_equal(press(l, "F5"), LINEEDIT_NONE);
    assert_int_equal(press(l, "M-x"), LINEEDIT_NONE);
    lineedit_free(l);
}

static void test_limit(void **state)
{
    struct lineedit *l = lineedit_new(5);
    struct key k = {.code = 'x'};

    (void)state;
    type(l, "abcde");
    assert_int_equal(lineedit_key(l, &k), LINEEDIT_MOVED);
    assert_string_equal(lineedit_get(l), "abcde");
    lineedit_set(l, "a中文字");
    assert_string_equal(lineedit_get(l), "a中"); /* cut at a character */
    lineedit_set(l, "abcd");
    lineedit_insert(l, "中");
    assert_string_equal(lineedit_get(l), "abcd");
    lineedit_free(l);
}

static void test_selected_text_is_replaced(void **state)
{
    struct lineedit *l = lineedit_new(20);

    (void)state;
    lineedit_set(l, "vm1");
    lineedit_select_all(l);
    type(l, "w");
    assert_string_equal(lineedit_get(l), "w");
    lineedit_set(l, "vm1");
    lineedit_select_all(l);
    press(l, "End"); /* moving keeps it */
    type(l, "x");
    assert_string_equal(lineedit_get(l), "vm1x");
    lineedit_select_all(l);
    assert_int_equal(press(l, "BS"), LINEEDIT_CHANGED);
    assert_string_equal(lineedit_get(l), "");
    lineedit_free(l);
}

static void test_paste(void **state)
{
    static const char *const keys[] = {"w", "Enter", "C-u", "Esc", "e", "C-j", "Tab", "b"};
    struct lineedit *l = lineedit_new(20);

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(keys); i++) {
        struct key k = keys_pasted(keys[i]);
        enum lineedit_result r = lineedit_key(l, &k);
        assert_true(r == LINEEDIT_CHANGED || r == LINEEDIT_MOVED);
    }
    assert_string_equal(lineedit_get(l), "web");
    assert_int_equal(lineedit_take_dropped(l), 5);
    assert_int_equal(lineedit_take_dropped(l), 0);
    lineedit_free(l);
}

static void test_history(void **state)
{
    struct lineedit *l = lineedit_new(20);

    (void)state;
    assert_int_equal(press(l, "Up"), LINEEDIT_NONE); /* the program's, while there is none */
    const char *lines[] = {"one", "two", "one", "  "};
    for (size_t i = 0; i < XMEM_LEN(lines); i++) {
        lineedit_set(l, lines[i]);
        lineedit_remember(l);
    }
    assert_string_equal(lineedit_history(l, 0), "one");
    assert_string_equal(lineedit_history(l, 1), "two");
    assert_null(lineedit_history(l, 2));
    lineedit_set(l, "draft");
    press(l, "Up");
    assert_string_equal(lineedit_get(l), "one");
    press(l, "Up");
    press(l, "Up");
    assert_string_equal(lineedit_get(l), "two");
    press(l, "Down");
    press(l, "Down");
    assert_string_equal(lineedit_get(l), "draft");
    for (int i = 0; i < 3 * LINEEDIT_HISTORY; i++) {
        char line[16];
        snprintf(line, sizeof line, "n%d", i);
        lineedit_set(l, line);
        lineedit_remember(l);
    }
    assert_null(lineedit_history(l, LINEEDIT_HISTORY));
    assert_string_equal(lineedit_history(l, LINEEDIT_HISTORY - 1), "n100");
    lineedit_free(l);
}

static bool complete(void *ctx, const char *before, size_t i, char *out, size_t cap)
{
    static const char *const words[] = {"theme dark", "theme light", "time utc"};
    size_t n = 0;

    (void)ctx;
    for (size_t k = 0; k < XMEM_LEN(words); k++)
        if (strncmp(words[k], before, strlen(before)) == 0 && n++ == i)
            return xmem_copy_text(out, cap, words[k]);
    return false;
}

static void test_completion(void **state)
{
    struct lineedit *l = lineedit_new(40);

    (void)state;
    assert_int_equal(press(l, "Tab"), LINEEDIT_NONE);
    lineedit_set_completion(l, complete, NULL);
    type(l, "th");
    press(l, "Tab");
    assert_string_equal(lineedit_get(l), "theme dark");
    press(l, "Tab");
    assert_string_equal(lineedit_get(l), "theme light");
    press(l, "Tab");
    assert_string_equal(lineedit_get(l), "theme dark");
    press(l, "C-u");
    type(l, "zz");
    assert_int_equal(press(l, "Tab"), LINEEDIT_MOVED);
    assert_string_equal(lineedit_get(l), "zz");
    lineedit_free(l);
}

static void test_draw(void **state)
{
    struct lineedit *l = lineedit_new(100);
    struct canvas_grid *g = canvas_grid_new(1, 12);
    char text[64];
    int row, col;

    (void)state;
    lineedit_set(l, "de");
    lineedit_draw(l, canvas_of(g), 0, 1, 10, ROLE_INPUT, "b12", true);
    canvas_grid_dump(g, text, sizeof text);
    assert_string_equal(text, " deb12\n");
    assert_true(canvas_grid_get_cursor(g, &row, &col));
    assert_int_equal(col, 3);
    lineedit_set(l, "0123456789abcdef"); /* longer than the place: the end is in sight */
    lineedit_draw(l, canvas_of(g), 0, 1, 10, ROLE_INPUT, NULL, true);
    canvas_grid_dump(g, text, sizeof text);
    assert_string_equal(text, " 789abcdef\n");
    assert_true(canvas_grid_get_cursor(g, &row, &col));
    assert_int_equal(col, 10);
    canvas_grid_free(g);
    lineedit_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_selected_text_is_replaced),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_draw),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
