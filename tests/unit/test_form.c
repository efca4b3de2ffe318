#include "widgets/form.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/keys.h"
#include "widgets/xmem.h"

enum { NAME, IMAGE, MEMORY, DISK, START };

static unsigned checks;

static bool check_name(void *ctx, const struct form *f, int field, const char *value, char *msg,
                       size_t cap)
{
    (void)ctx, (void)f, (void)field;
    checks++;
    if (strcmp(value, "web1") == 0) {
        snprintf(msg, cap, "web1 exists; web4 is free.");
        return false;
    }
    snprintf(msg, cap, "free; becomes %s.internal", value);
    return *value != '\0';
}

static bool choose_image(void *ctx, const struct form *f, int field, size_t i,
                         struct form_choice *out)
{
    static const struct form_choice images[] = {
        {"builtin", "kernel 6.1, busybox", false},
        {"deb12.qcow2", "missing in the store: import it again", true},
        {"deb13.qcow2", "2 GiB", false},
    };

    (void)ctx, (void)f, (void)field;
    if (i >= XMEM_LEN(images))
        return false;
    *out = images[i];
    return true;
}

static const struct form_field fields[] = {
    [NAME] =
        {.label = "Name", .cols = 20, .start = "vm1", .hint = "a-z first", .check = check_name},
    [IMAGE] = {.label = "Image",
               .kind = FORM_CHOICE,
               .cols = 20,
               .start = "builtin",
               .choice = choose_image},
    [MEMORY] = {.label = "Memory", .kind = FORM_NUMBER, .cols = 6, .unit = "MiB", .start = "256"},
    [DISK] = {.label = "Disk", .kind = FORM_NUMBER, .cols = 6, .unit = "GiB", .start = "10"},
    [START] = {.label = "Start", .kind = FORM_TICK, .start = "yes", .tick_text = "now"},
};

static enum form_result press(struct form *f, const char *name, int64_t now)
{
    struct key k = keys_named(name);

    return form_key(f, &k, now);
}

static char text[8192];

static const char *draw(struct form *f, int rows, int cols)
{
    struct canvas_grid *g = canvas_grid_new(rows, cols);

    form_draw(f, canvas_of(g));
    canvas_grid_dump(g, text, sizeof text);
    canvas_grid_free(g);
    return text;
}

static void test_defaults_and_enter(void **state)
{
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    assert_false(form_is_edited(f));
    assert_true(form_check(f, 0, true));
    assert_string_equal(draw(f, 5, 70),
                        "> Name      [vm1                 ]  free; becomes vm1.internal\n"
                        "  Image     [builtin             ]\n"
                        "  Memory    [256   ] MiB\n"
                        "  Disk      [10    ] GiB\n"
                        "  Start     [x] now\n");
    assert_int_equal(press(f, "w", 0), FORM_CHANGED); /* typing replaces the proposed name */
    assert_string_equal(form_get(f, NAME), "w");
    assert_int_equal(press(f, "Down", 0), FORM_MOVED);
    assert_int_equal(press(f, "Enter", 0), FORM_SUBMIT); /* from any field */
    form_free(f);
}

static void test_first_wrong_field(void **state)
{
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    form_set(f, NAME, "web1");
    form_focus(f, START);
    assert_int_equal(press(f, "Enter", 0), FORM_WRONG);
    assert_int_equal(form_get_focus(f), NAME);
    assert_string_equal(form_get_hint(f), "web1 exists; web4 is free.");
    form_set(f, NAME, "web4");
    form_set(f, MEMORY, "lots");
    assert_int_equal(press(f, "Enter", 0), FORM_WRONG);
    assert_int_equal(form_get_focus(f), MEMORY);
    /* the engine's word comes in as a verdict */
    form_set(f, MEMORY, "1g");
    form_check(f, 0, true);
    assert_int_equal(form_first_wrong(f), -1);
    form_set_verdict(f, DISK, false, "40 GiB wanted, 12.2 free\033[2J");
    assert_int_equal(form_first_wrong(f), DISK);
    assert_non_null(strstr(draw(f, 5, 90), "12.2 free?[2J"));
    form_free(f);
}

static void test_check_waits_for_the_last_key(void **state)
{
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    assert_int_equal(form_wait_ms(f, 0), -1);
    press(f, "a", 1000);
    press(f, "b", 1100);
    assert_int_equal(form_wait_ms(f, 1100), FORM_CHECK_MS);
    checks = 0;
    assert_false(form_check(f, 1200, false));
    assert_int_equal(checks, 0);
    assert_true(form_check(f, 1250, false));
    assert_int_equal(checks, 1);
    assert_false(form_check(f, 1300, false));
    form_free(f);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t mib;
    } cases[] = {
        {"512", 512}, {"2g", 2048},    {"512m", 512},   {"1.5g", -1}, {"", -1},
        {"-1", -1},   {"2 GiB", 2048}, {"1t", 1048576}, {"2gx", -1},  {"99999999999999999999", -1},
    };
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(cases); i++)
        assert_int_equal(form_parse_mib(cases[i].text), cases[i].mib);
    form_set(f, MEMORY, "2g");
    assert_int_equal(form_get_number(f, MEMORY), 2048);
    form_set(f, DISK, "20");
    assert_int_equal(form_get_number(f, DISK), 20);
    form_set(f, DISK, "1t");
    assert_int_equal(form_get_number(f, DISK), 1024);
    form_set(f, DISK, "512m");
    assert_int_equal(form_get_number(f, DISK), -1);
    assert_int_equal(form_get_number(f, 99), -1);
    form_free(f);
}

static void test_choice(void **state)
{
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    form_focus(f, IMAGE);
    form_set(f, IMAGE, "");
    press(f, "b", 0);
    press(f, "u", 0);
    assert_non_null(strstr(draw(f, 5, 70), "[builtin ")); /* the ghost */
    assert_string_equal(form_get(f, IMAGE), "bu");
    assert_int_equal(press(f, "Tab", 0), FORM_CHANGED); /* takes it and goes on */
    assert_string_equal(form_get(f, IMAGE), "builtin");
    assert_int_equal(form_get_focus(f), MEMORY);
    press(f, "S-Tab", 0);
    assert_int_equal(press(f, "Space", 0), FORM_MOVED);
    assert_true(form_list_is_open(f));
    assert_non_null(strstr(draw(f, 8, 70), "deb12.qcow2"));
    press(f, "d", 0); /* narrows */
    assert_null(strstr(draw(f, 8, 70) + 2 * 33, "builtin"));
    assert_int_equal(press(f, "Enter", 0), FORM_MOVED); /* the blocked one is not taken */
    assert_true(form_list_is_open(f));
    press(f, "Down", 0);
    assert_int_equal(press(f, "Enter", 0), FORM_CHANGED);
    assert_string_equal(form_get(f, IMAGE), "deb13.qcow2");
    assert_false(form_list_is_open(f));
    press(f, "Space", 0);
    press(f, "Esc", 0); /* closes the list, not the form */
    assert_false(form_list_is_open(f));
    assert_int_equal(press(f, "Esc", 0), FORM_CLOSE);
    assert_string_equal(form_get(f, IMAGE), "deb13.qcow2"); /* the draft is kept */
    assert_true(form_is_edited(f));
    form_reset(f);
    assert_string_equal(form_get(f, IMAGE), "builtin");
    assert_false(form_is_edited(f));
    form_free(f);
}

static void test_tick_and_plan_keys(void **state)
{
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    form_focus(f, START);
    assert_true(form_get_tick(f, START));
    assert_int_equal(press(f, "Space", 0), FORM_CHANGED);
    assert_false(form_get_tick(f, START));
    assert_int_equal(press(f, "x", 0), FORM_UNUSED);
    assert_int_equal(press(f, "PgDn", 0), FORM_PLAN_DOWN);
    assert_int_equal(press(f, "PgUp", 0), FORM_PLAN_UP);
    assert_int_equal(press(f, "Tab", 0), FORM_MOVED);
    assert_int_equal(form_get_focus(f), NAME);
    form_free(f);
}

/* A paste with line ends and commands in it is text, and never submits. */
static void test_paste(void **state)
{
    static const char *const keys[] = {"w", "Enter", "e", "Esc", "C-j", "b", "Tab"};
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(keys); i++) {
        struct key k = keys_pasted(keys[i]);
        enum form_result r = form_key(f, &k, 0);
        assert_true(r == FORM_CHANGED || r == FORM_MOVED);
    }
    assert_string_equal(form_get(f, NAME), "web");
    assert_int_equal(form_get_focus(f), NAME);
    assert_int_equal(form_take_dropped(f), 4);
    form_free(f);
}

static void test_small_windows(void **state)
{
    struct form *f = form_new(fields, XMEM_LEN(fields), NULL);

    (void)state;
    form_focus(f, START);
    assert_non_null(strstr(draw(f, 2, 30), "> Start"));
    form_focus(f, IMAGE);
    press(f, "Space", 0);
    for (int rows = 1; rows < 6; rows++)
        for (int cols = 1; cols < 30; cols += 7)
            draw(f, rows, cols);
    form_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_and_enter),
        cmocka_unit_test(test_first_wrong_field),
        cmocka_unit_test(test_check_waits_for_the_last_key),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_tick_and_plan_keys),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_small_windows),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
