#include "widgets/key.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "widgets/xmem.h"

static struct key_decoder dec;

static void feed(const char *bytes, int64_t now)
{
    assert_int_equal(key_decoder_feed(&dec, bytes, strlen(bytes), now), strlen(bytes));
}

static void test_one_key(void **state)
{
    static const struct {
        const char *bytes, *name;
    } cases[] = {
        {"x", "x"},
        {"X", "X"},
        {"\r", "Enter"},
        {"\t", "Tab"},
        {"\177", "BS"},
        {"\004", "C-d"},
        {"\035", "C-]"},
        {" ", "Space"},
        {"\034", "C-\\"},
        {"\033[A", "Up"},
        {"\033OA", "Up"},
        {"\033[1;5C", "C-Right"},
        {"\033[Z", "S-Tab"},
        {"\033[5~", "PgUp"},
        {"\033[3;2~", "S-Del"},
        {"\033OP", "F1"},
        {"\033[15~", "F5"},
        {"\033[24~", "F12"},
        {"\033[[A", "F1"},
        {"\033[H", "Home"},
        {"\033[8~", "End"},
        {"\033[7^", "C-Home"},
        {"\033x", "M-x"},
        {"\xe4\xb8\xad", "中"},
        {"\033[27;5;105~", "C-i"},
        {"\033[1;3D", "M-Left"},
        {"\010", "C-h"},
        {"\n", "C-j"},
    };
    struct key k;
    char name[32];

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        key_decoder_init(&dec);
        feed(cases[i].bytes, 0);
        assert_true(key_decoder_next(&dec, 0, &k));
        key_format(&k, name, sizeof name);
        assert_string_equal(name, cases[i].name);
        assert_false(key_decoder_next(&dec, 1000, &k));
    }
}

static void test_names_both_ways(void **state)
{
    static const char *const names[] = {"C-]", "PgDn", "S-Tab", "Space", "x",  "F10", "Esc",
                                        "-",   "+",    "C-l",   "S-Up",  "中", "#",   "BS"};
    static const char *const bad[] = {"", "C-", "F0", "F13", "F1x", "Foo", "\033", "ab", "Mouse"};
    struct key k;
    char back[32];

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(names); i++) {
        assert_true(key_parse(names[i], strlen(names[i]), &k));
        key_format(&k, back, sizeof back);
        assert_string_equal(back, names[i]);
    }
    for (size_t i = 0; i < XMEM_LEN(bad); i++)
        assert_false(key_parse(bad[i], strlen(bad[i]), &k));
}

static void test_split_escape(void **state)
{
    struct key k;

    (void)state;
    key_decoder_init(&dec);
    feed("\033", 100);
    assert_false(key_decoder_next(&dec, 110, &k));
    assert_int_equal(key_decoder_wait_ms(&dec, 110), 15);
    feed("[", 110);
    assert_false(key_decoder_next(&dec, 120, &k));
    feed("B", 120);
    assert_true(key_decoder_next(&dec, 120, &k));
    assert_int_equal(k.code, KEYSYM_DOWN);
    assert_int_equal(key_decoder_wait_ms(&dec, 120), -1);
    /* and alone it is Esc, after 25 ms */
    feed("\033", 200);
    assert_false(key_decoder_next(&dec, 224, &k));
    assert_true(key_decoder_next(&dec, 225, &k));
    assert_int_equal(k.code, KEYSYM_ESC);
    /* Esc, Esc, arrow */
    feed("\033\033[A", 300);
    assert_true(key_decoder_next(&dec, 300, &k));
    assert_int_equal(k.code, KEYSYM_ESC);
    assert_true(key_decoder_next(&dec, 300, &k));
    assert_int_equal(k.code, KEYSYM_UP);
}

static void test_unknown_is_swallowed(void **state)
{
    struct key k;

    (void)state;
    key_decoder_init(&dec);
    feed("\033[?1;2c\033[>0;276;0cX", 0);
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_int_equal(k.code, KEYSYM_UNKNOWN);
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_int_equal(k.code, KEYSYM_UNKNOWN);
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_int_equal(k.code, 'X');
}

static void test_paste(void **state)
{
    struct key k;
    char got[64] = "";
    size_t n = 0;

    (void)state;
    key_decoder_init(&dec);
    feed("\033[200~D\033[Ay\n\033[201~q", 0);
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_int_equal(k.code, KEYSYM_PASTE_START);
    while (key_decoder_next(&dec, 0, &k) && k.code != KEYSYM_PASTE_END) {
        assert_true(k.mods & KEYMOD_PASTED);
        if (key_is_text(&k))
            got[n++] = (char)k.code;
    }
    assert_string_equal(got, "D[Ay");
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_true(key_is(&k, 'q', 0));
}

/* The end never comes: Esc, a second long alone, is a way out. */
static void test_paste_cut_off(void **state)
{
    struct key k;

    (void)state;
    key_decoder_init(&dec);
    feed("\033[200~D", 0);
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_true(key_decoder_next(&dec, 0, &k));
    feed("\033", 5000);
    assert_false(key_decoder_next(&dec, 5500, &k));
    assert_true(key_decoder_wait_ms(&dec, 5500) > 0);
    assert_true(key_decoder_next(&dec, 6000, &k));
    assert_int_equal(k.code, KEYSYM_PASTE_END);
    feed("x", 6100);
    assert_true(key_decoder_next(&dec, 6100, &k));
    assert_true(key_is(&k, 'x', 0));
}

static void test_mouse(void **state)
{
    struct key k;

    (void)state;
    key_decoder_init(&dec);
    feed("\033[<0;12;5M\033[<0;12;5m", 1000);
    assert_true(key_decoder_next(&dec, 1000, &k));
    assert_int_equal(k.mouse, KEY_MOUSE_PRESS);
    assert_int_equal(k.row, 4);
    assert_int_equal(k.col, 11);
    assert_int_equal(k.button, 1);
    assert_true(key_decoder_next(&dec, 1000, &k));
    assert_int_equal(k.mouse, KEY_MOUSE_RELEASE);
    feed("\033[<0;12;5M", 1200);
    assert_true(key_decoder_next(&dec, 1200, &k));
    assert_int_equal(k.mouse, KEY_MOUSE_DOUBLE);
    feed("\033[<0;12;5M", 1300);
    assert_true(key_decoder_next(&dec, 1300, &k));
    assert_int_equal(k.mouse, KEY_MOUSE_PRESS); /* a third is no second double */
    feed("\033[<65;1;1M\033[M`!!", 1400);
    assert_true(key_decoder_next(&dec, 1400, &k));
    assert_int_equal(k.mouse, KEY_MOUSE_WHEEL_DOWN);
    assert_true(key_decoder_next(&dec, 1400, &k));
    assert_int_equal(k.mouse, KEY_MOUSE_WHEEL_UP); /* the old encoding */
    feed("\033[<0;0;99999999M", 1500);
    assert_true(key_decoder_next(&dec, 1500, &k));
    assert_int_equal(k.code, KEYSYM_UNKNOWN);
}

static void test_terminfo_and_broken_utf8(void **state)
{
    struct key k;

    (void)state;
    key_decoder_init(&dec);
    key_decoder_add(&dec, "\033[zz9", KEYSYM_F1 + 4, 0);
    feed("\033[zz9", 0);
    assert_true(key_decoder_next(&dec, 0, &k));
    assert_int_equal(k.code, KEYSYM_F1 + 4);
    feed("\xe4\xb8", 0);
    assert_false(key_decoder_next(&dec, 10, &k)); /* more may come */
    assert_true(key_decoder_next(&dec, 30, &k));
    assert_int_equal(k.code, KEYSYM_UNKNOWN);
    while (key_decoder_next(&dec, 100, &k))
        ;
    assert_int_equal(dec.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_key),      cmocka_unit_test(test_names_both_ways),
        cmocka_unit_test(test_split_escape), cmocka_unit_test(test_unknown_is_swallowed),
        cmocka_unit_test(test_paste),        cmocka_unit_test(test_paste_cut_off),
        cmocka_unit_test(test_mouse),        cmocka_unit_test(test_terminfo_and_broken_utf8),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
