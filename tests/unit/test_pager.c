#include "widgets/pager.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char text[8192];

static const char *draw(struct pager *p, int rows, int cols)
{
    struct canvas_grid *g = canvas_grid_new(rows, cols);

    pager_draw(p, canvas_of(g));
    canvas_grid_dump(g, text, sizeof text);
    canvas_grid_free(g);
    return text;
}

static void fill(struct pager *p, int n)
{
    for (int i = 0; i < n; i++) {
        char line[32];
        int len = snprintf(line, sizeof line, "line %d\n", i);
        pager_feed(p, line, (size_t)len);
    }
}

static void test_scroll(void **state)
{
    struct pager *p = pager_new(1000);
    size_t first, last;

    (void)state;
    assert_string_equal(draw(p, 2, 20), "\n\n");
    fill(p, 10);
    assert_string_equal(draw(p, 3, 20), "line 0\nline 1\nline 2\n");
    pager_move(p, PAGER_PAGE_DOWN);
    assert_string_equal(draw(p, 3, 20), "line 2\nline 3\nline 4\n");
    pager_move(p, PAGER_LAST);
    assert_string_equal(draw(p, 3, 20), "line 7\nline 8\nline 9\n");
    pager_move(p, PAGER_DOWN);
    assert_string_equal(draw(p, 3, 20), "line 7\nline 8\nline 9\n");
    pager_get_window(p, &first, &last);
    assert_int_equal(first, 8);
    assert_int_equal(last, 10);
    pager_move(p, PAGER_UP);
    assert_int_equal(pager_copy_window(p, text, sizeof text), 21);
    assert_string_equal(text, "line 6\nline 7\nline 8\n");
    pager_move(p, PAGER_FIRST);
    assert_string_equal(draw(p, 12, 20), "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\n"
                                         "line 7\nline 8\nline 9\n\n\n");
    pager_free(p);
}

static void test_follow_and_bound(void **state)
{
    struct pager *p = pager_new(5);

    (void)state;
    pager_set_follow(p, true);
    fill(p, 12);
    assert_int_equal(pager_count(p), 5);
    assert_int_equal(pager_dropped(p), 7);
    assert_string_equal(draw(p, 2, 20), "line 10\nline 11\n");
    pager_move(p, PAGER_UP);
    assert_false(pager_is_following(p));
    fill(p, 1);
    assert_string_equal(draw(p, 2, 20), "line 9\nline 10\n"); /* what is read stands still */
    pager_set_follow(p, true);
    assert_string_equal(draw(p, 2, 20), "line 11\nline 0\n");
    pager_clear(p);
    assert_int_equal(pager_count(p), 0);
    pager_free(p);
}

static void test_stream(void **state)
{
    struct pager *p = pager_new(100);

    (void)state;
    pager_feed(p, "par", 3);
    pager_feed(p, "tial\r\nnext", 10);
    assert_string_equal(draw(p, 3, 20), "partial\nnext\n\n");
    pager_feed(p, "\n\nend\n", 6);
    assert_string_equal(draw(p, 5, 20), "partial\nnext\n\nend\n\n");
    pager_feed(p, "a\tb\033[31m\n", 9);
    assert_string_equal(pager_line(p, 4), "a       b?[31m");
    assert_null(pager_line(p, 5));
    pager_free(p);
}

static void test_wrap_and_sideways(void **state)
{
    struct pager *p = pager_new(100);

    (void)state;
    pager_add(p, ROLE_BASE, "0123456789abcdefghij", 20);
    pager_add(p, ROLE_BASE, "short", 5);
    assert_string_equal(draw(p, 3, 8), "0123456~\nshort\n\n");
    pager_move(p, PAGER_RIGHT);
    assert_string_equal(draw(p, 2, 8), "89abcde~\n\n");
    pager_set_wrap(p, true);
    assert_string_equal(draw(p, 4, 8), "01234567\n89abcdef\nghij\nshort\n");
    assert_string_equal(draw(p, 2, 8), "01234567\n89abcdef\n");
    pager_move(p, PAGER_DOWN);
    assert_string_equal(draw(p, 2, 8), "89abcdef\nghij\n");
    pager_move(p, PAGER_LAST);
    assert_string_equal(draw(p, 2, 8), "ghij\nshort\n");
    pager_move(p, PAGER_UP);
    assert_string_equal(draw(p, 2, 8), "89abcdef\nghij\n");
    pager_free(p);
}

static void test_search(void **state)
{
    struct pager *p = pager_new(100);
    size_t first, last;

    (void)state;
    fill(p, 30);
    draw(p, 3, 20);
    assert_true(pager_search(p, "LINE 2"));
    pager_get_window(p, &first, &last);
    assert_int_equal(first, 3);
    assert_true(pager_search_next(p, 1));
    pager_get_window(p, &first, &last);
    assert_int_equal(first, 21);
    assert_true(pager_search_next(p, -1));
    pager_get_window(p, &first, &last);
    assert_int_equal(first, 3);
    assert_true(pager_search_next(p, -1)); /* around */
    assert_false(pager_search(p, "nothing"));
    assert_false(pager_search(p, ""));
    assert_false(pager_search_next(p, 1));
    pager_free(p);
}

static void test_same_text_again_keeps_the_place(void **state)
{
    struct pager *p = pager_new(100);
    const char *a = "1\n2\n3\n4\n5\n", *b = "1\n2\n3\n4\n5\n6\n";

    (void)state;
    pager_set_text(p, a, strlen(a));
    draw(p, 2, 10);
    pager_move(p, PAGER_DOWN);
    pager_set_text(p, b, strlen(b));
    assert_string_equal(draw(p, 2, 10), "2\n3\n");
    pager_set_text(p, "x\n", 2);
    assert_string_equal(draw(p, 2, 10), "x\n\n");
    pager_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scroll), cmocka_unit_test(test_follow_and_bound),
        cmocka_unit_test(test_stream), cmocka_unit_test(test_wrap_and_sideways),
        cmocka_unit_test(test_search), cmocka_unit_test(test_same_text_again_keeps_the_place),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
