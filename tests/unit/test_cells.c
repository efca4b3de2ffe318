#include "widgets/cells.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backend/model/text.h"
#include "widgets/xmem.h"

static void test_same_fence_as_engine(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x110000; cp++)
        if (cells_is_safe(cp) != text_codepoint_is_safe(cp))
            fail_msg("U+%04X differs", (unsigned)cp);
}

static void test_width(void **state)
{
    static const struct {
        const char *text;
        int cols;
    } cases[] = {
        {"", 0},
        {"web1", 4},
        {"中文", 4},
        {"e\xcc\x81", 1},                 /* one mark */
        {"e\xcc\x81\xcc\x81\xcc\x81", 2}, /* the third mark is shown as '?' */
        {"a\033[31mb", 7},                /* Esc is one '?' */
        {"a\xc2\x9b"
         "b",
         3}, /* C1 */
        {"a\xe2\x80\xae"
         "b",
         3}, /* right-to-left override */
        {"\xff\xfe", 2},
        {"\xe4\xb8", 2}, /* cut off in the middle */
    };

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        char clean[64];
        assert_int_equal(cells_width(cases[i].text), cases[i].cols);
        cells_clean(clean, sizeof clean, cases[i].text, strlen(cases[i].text));
        assert_int_equal(cells_width(clean), cases[i].cols);
    }
}

static void test_clean_replaces(void **state)
{
    char b[32];

    (void)state;
    cells_clean(b, sizeof b,
                "a\033]0;x\a\xe2\x80\x8b"
                "z",
                11);
    assert_string_equal(b, "a?]0;x??z");
    cells_clean(b, 4, "中文", 6);
    assert_string_equal(b, "中"); /* cut at a character */
}

static void test_clean_paste_drops(void **state)
{
    char b[32];
    size_t dropped = 0;

    (void)state;
    cells_clean_paste(b, sizeof b, "we\nb\033[31m1\r", 11, &dropped);
    assert_string_equal(b, "web[31m1");
    assert_int_equal(dropped, 3);
}

static void test_cut(void **state)
{
    char b[64];

    (void)state;
    assert_int_equal(cells_cut(b, sizeof b, "hello", 5), 5);
    assert_string_equal(b, "hello");
    assert_int_equal(cells_cut(b, sizeof b, "hello", 4), 4);
    assert_string_equal(b, "hel~");
    assert_int_equal(cells_cut(b, sizeof b, "中文字", 4), 3);
    assert_string_equal(b, "中~");
    assert_int_equal(cells_cut(b, sizeof b, "hello", 0), 0);
    assert_int_equal(cells_cut(b, sizeof b, "hello", -3), 0);
}

static void test_cut_middle(void **state)
{
    char b[64];

    (void)state;
    assert_int_equal(cells_cut_middle(b, sizeof b, "web-production-0017", 11), 11);
    assert_string_equal(b, "web-p~-0017");
    cells_cut_middle(b, sizeof b, "web-prod-0017", 13);
    assert_string_equal(b, "web-prod-0017");
    for (int cols = 0; cols < 12; cols++) {
        int used = cells_cut_middle(b, sizeof b, "中文字中文字", cols);
        assert_true(used <= cols);
        assert_int_equal(cells_width(b), used);
    }
    /* a mark never loses its base */
    cells_cut_middle(b, sizeof b, "abcdefe\xcc\x81g", 3);
    assert_string_equal(b, "a~g");
}

static void test_pad(void **state)
{
    char b[64];

    (void)state;
    cells_pad(b, sizeof b, "12", 5, CELLS_RIGHT);
    assert_string_equal(b, "   12");
    cells_pad(b, sizeof b, "中", 5, CELLS_LEFT);
    assert_string_equal(b, "中   ");
    cells_pad(b, sizeof b, "abcdefgh", 5, CELLS_LEFT);
    assert_string_equal(b, "ab~gh");
}

static void test_steps(void **state)
{
    const char *s = "a中e\xcc\x81z";
    size_t at = 0;

    (void)state;
    assert_int_equal(cells_next_len(s, 0), 1);
    assert_int_equal(cells_next_len(s, 1), 3);
    assert_int_equal(cells_next_len(s, 4), 3);
    assert_int_equal(cells_next_len(s, 8), 0);
    at = strlen(s);
    assert_int_equal(cells_prev_len(s, at), 1);
    assert_int_equal(cells_prev_len(s, at - 1), 3);
    assert_int_equal(cells_prev_len(s, at - 4), 3);
    assert_int_equal(cells_prev_len(s, 0), 0);
    assert_int_equal(cells_bytes_of(s, strlen(s), 3), 4);
}

static void test_contains(void **state)
{
    (void)state;
    assert_true(cells_contains("Web-Prod", "b-p"));
    assert_true(cells_contains("aab", "ab"));
    assert_true(cells_contains("x", ""));
    assert_false(cells_contains("web", "webs"));
    assert_false(cells_contains("", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_fence_as_engine),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_clean_replaces),
        cmocka_unit_test(test_clean_paste_drops),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_middle),
        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_contains),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
