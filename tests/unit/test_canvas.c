#include "widgets/canvas.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "widgets/spark.h"
#include "widgets/xmem.h"

static char text[4096];

static const char *dump(const struct canvas_grid *g)
{
    canvas_grid_dump(g, text, sizeof text);
    return text;
}

static void test_put_clips_and_cleans(void **state)
{
    struct canvas_grid *g = canvas_grid_new(3, 8);
    struct canvas c = canvas_of(g);

    (void)state;
    assert_int_equal(canvas_put(c, 0, 0, ROLE_BASE, "a\033[2Jb"), 6);
    assert_int_equal(canvas_put(c, 1, 5, ROLE_BASE, "12345"), 5);
    canvas_put(c, 2, -2, ROLE_BASE, "xxyy");
    canvas_put(c, 3, 0, ROLE_BASE, "below");
    canvas_put(c, -1, 0, ROLE_BASE, "above");
    assert_string_equal(dump(g), "a?[2Jb\n     123\nyy\n");
    canvas_grid_free(g);
}

static void test_wide(void **state)
{
    struct canvas_grid *g = canvas_grid_new(1, 6);
    struct canvas c = canvas_of(g);

    (void)state;
    canvas_put(c, 0, 0, ROLE_BASE, "a中b中文");
    assert_string_equal(dump(g), "a中b中\n");
    /* the half that does not fit is not drawn */
    canvas_erase(c);
    canvas_put(c, 0, 5, ROLE_BASE, "中");
    assert_string_equal(dump(g), "\n");
    /* writing over either half leaves a blank, not a half */
    canvas_put(c, 0, 0, ROLE_BASE, "中中");
    canvas_put(c, 0, 1, ROLE_BASE, "x");
    canvas_put(c, 0, 2, ROLE_BASE, "y");
    assert_string_equal(dump(g), " xy\n");
    for (int i = 0; i < 6; i++)
        assert_int_equal(canvas_grid_cell(g, 0, i)->cols, 1);
    canvas_grid_free(g);
}

static void test_part(void **state)
{
    struct canvas_grid *g = canvas_grid_new(4, 10);
    struct canvas c = canvas_part(canvas_of(g), 1, 2, 2, 4);

    (void)state;
    canvas_put(c, 0, 0, ROLE_OK, "abcdefgh");
    canvas_put(c, 2, 0, ROLE_OK, "no");
    assert_string_equal(dump(g), "\n  abcd\n\n\n");
    struct canvas none = canvas_part(c, 9, 9, 3, 3);
    assert_int_equal(none.rows, 0);
    canvas_put(none, 0, 0, ROLE_OK, "no");
    canvas_cursor(c, 1, 3);
    int row, col;
    assert_true(canvas_grid_get_cursor(g, &row, &col));
    assert_int_equal(row, 2);
    assert_int_equal(col, 5);
    canvas_erase(c); /* a part keeps the cursor, the whole hides it */
    assert_true(canvas_grid_get_cursor(g, &row, &col));
    canvas_erase(canvas_of(g));
    assert_false(canvas_grid_get_cursor(g, &row, &col));
    canvas_grid_free(g);
}

static void test_roles(void **state)
{
    struct canvas_grid *g = canvas_grid_new(1, 6);
    struct canvas c = canvas_of(g);

    (void)state;
    canvas_put(c, 0, 0, ROLE_DIM, "ab");
    canvas_put_in(c, 0, 2, 3, ROLE_STRONG, CELLS_RIGHT, "7");
    canvas_grid_dump_roles(g, text, sizeof text);
    assert_string_equal(text, "aabbb.\n");
    canvas_restyle(c, 0, 0, 6, ROLE_CURSOR);
    canvas_grid_dump_roles(g, text, sizeof text);
    assert_string_equal(text, "jjjjjj\n");
    assert_string_equal(dump(g), "ab  7\n");
    canvas_grid_free(g);
}

static void test_box_and_glyphs(void **state)
{
    struct canvas_grid *g = canvas_grid_new(3, 4);

    (void)state;
    canvas_box(canvas_of(g), 0, 0, 3, 4, ROLE_DIALOG);
    assert_string_equal(dump(g), "+--+\n|  |\n+--+\n");
    canvas_grid_set_utf8(g, true);
    canvas_box(canvas_of(g), 0, 0, 3, 4, ROLE_DIALOG);
    assert_string_equal(dump(g), "┌──┐\n│  │\n└──┘\n");
    canvas_grid_free(g);
}

/* A cell from an emulator is cleaned as text is. */
static void test_raw_cell(void **state)
{
    static const uint32_t bad[] = {0x1b, 0x9b, 0x202e, 0x200d, 0xe0041, 0xd800, 0x7f};
    struct canvas_grid *g = canvas_grid_new(1, 4);

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(bad); i++) {
        struct canvas_cell x = {.cp = bad[i], .cols = 1, .role = ROLE_RAW, .mark = {0x202e, 0x301}};
        canvas_cell(canvas_of(g), 0, 0, &x);
        assert_int_equal(canvas_grid_cell(g, 0, 0)->cp, '?');
        assert_int_equal(canvas_grid_cell(g, 0, 0)->mark[0], 0);
    }
    struct canvas_cell wide = {.cp = 0x4e2d, .cols = 1, .role = ROLE_RAW};
    canvas_cell(canvas_of(g), 0, 0, &wide); /* a width that is not true */
    assert_int_equal(canvas_grid_cell(g, 0, 0)->cols, 1);
    canvas_grid_free(g);
}

static void test_resize_with_old_value(void **state)
{
    struct canvas_grid *g = canvas_grid_new(10, 10);
    struct canvas old = canvas_of(g);

    (void)state;
    canvas_grid_resize(g, 2, 2);
    for (int r = 0; r < 10; r++)
        canvas_put(old, r, 0, ROLE_BASE, "0123456789"); /* clipped to the grid that is */
    canvas_box(old, 0, 0, 10, 10, ROLE_BASE);
    canvas_cursor(old, 9, 9);
    int row, col;
    assert_false(canvas_grid_get_cursor(g, &row, &col));
    canvas_grid_free(g);
}

static void test_spark(void **state)
{
    const double v[] = {NAN, 0, 1, 2, 3, 4, 5, 6, 7, 8, 99};
    struct canvas_grid *g = canvas_grid_new(2, 12);

    (void)state;
    spark_draw(canvas_of(g), 0, 0, 12, ROLE_SPARK, v, XMEM_LEN(v), 8);
    spark_draw_bar(canvas_of(g), 1, 0, 12, ROLE_SPARK, 5, 10);
    assert_string_equal(dump(g), "  _:-=+*%###\n[#####-----]\n");
    canvas_grid_set_utf8(g, true);
    spark_draw(canvas_of(g), 0, 0, 4, ROLE_SPARK, v, XMEM_LEN(v), 8); /* the newest four */
    spark_draw_bar(canvas_of(g), 1, 0, 12, ROLE_SPARK, 20, 10);
    canvas_fill(canvas_of(g), 0, 4, 8, ROLE_BASE);
    assert_string_equal(dump(g), "▇███\n████████████\n");
    canvas_grid_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_clips_and_cleans),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_part),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_box_and_glyphs),
        cmocka_unit_test(test_raw_cell),
        cmocka_unit_test(test_resize_with_old_value),
        cmocka_unit_test(test_spark),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
