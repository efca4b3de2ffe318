#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "backend/model/err.h"
#include "backend/model/text.h"

static void cleans_what_a_guest_may_send(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"plain", "plain"},
        {"a\x1b[31mb", "a?[31mb"},
        {"\xc2\x9b" "31m", "?31m"},
        {"x\xe2\x80\xaey", "x?y"},
        {"bad\xff\xfe", "bad??"},
        {"e\xcc\x81\xcc\x81\xcc\x81", "e\xcc\x81\xcc\x81?"},
        {"\xc3\xbc", "\xc3\xbc"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[64];
        text_clean(out, sizeof out, cases[i].in, strlen(cases[i].in));
        assert_string_equal(out, cases[i].want);
    }
}

static void cuts_between_characters(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(text_clean(out, sizeof out, "ab\xc3\xbc", 4), 2);
    assert_string_equal(out, "ab");
}

static void names_follow_the_rule(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "web1", "a-b", "abcdefghijabcdefghijabcdefghijk"};
    static const char *const bad[] = {"",   "1a", "a-", "-a",   "A",  "a_b", "a b", "abcdefghijabcdefghijabcdefghijkl",
                                      "\n", "%s", "a'", "a\x01"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(text_name_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(text_name_is_valid(bad[i]));
}

static void interns_once(void **state)
{
    (void)state;
    char a[] = "lon3", b[] = "lon3";
    assert_ptr_equal(text_intern(a), text_intern(b));
    assert_string_equal(text_intern(NULL), "");
}

static void errors_wrap_and_stay_clean(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_AREA_HOST, -16, "tap3: busy\x1b"), -16);
    assert_int_equal(err_wrap(&e, "starting %s", "web1"), -16);
    assert_string_equal(e.text, "starting web1: tap3: busy?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleans_what_a_guest_may_send), cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(names_follow_the_rule),        cmocka_unit_test(interns_once),
        cmocka_unit_test(errors_wrap_and_stay_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
