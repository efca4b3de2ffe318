#include "widgets/theme.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/tmpdir.h"
#include "widgets/canvas.h"
#include "widgets/theme_data.h"
#include "widgets/xmem.h"

static const enum role states[] = {ROLE_OK, ROLE_BUSY, ROLE_WARN, ROLE_CRIT, ROLE_UNKNOWN};

static void print_line(void *ctx, const char *line)
{
    fprintf(stderr, "%s: %s\n", (const char *)ctx, line);
}

static double contrast_of(const struct theme *t, enum role role)
{
    return theme_contrast(theme_palette(t->role[role].fg_256), theme_palette(t->role[role].bg_256));
}

static double nearest_states(const struct theme *t)
{
    double least = 1000;

    for (size_t i = 0; i < XMEM_LEN(states); i++)
        for (size_t j = i + 1; j < XMEM_LEN(states); j++)
            for (int v = 0; v < THEME_VISION_COUNT; v++) {
                double d = theme_difference(theme_palette(t->role[states[i]].fg_256),
                                            theme_palette(t->role[states[j]].fg_256),
                                            (enum theme_vision)v);
                least = d < least ? d : least;
            }
    return least;
}

static void test_every_file_keeps_the_rules(void **state)
{
    char why[256] = "", path[64];
    struct theme t;

    (void)state;
    for (const char *const *n = theme_names(); *n; n++) {
        snprintf(path, sizeof path, "themes/%s.json", *n);
        if (theme_load(&t, path, why, sizeof why) != 0)
            fail_msg("%s", why);
        assert_string_equal(t.name, *n);
        assert_int_equal(theme_check(&t, print_line, path), 0);
    }
}

/* The figures of the specification, so that they stay true. */
static void test_figures(void **state)
{
    static const struct {
        const char *name;
        double contrast[5], nearest, header, prod, cursor;
    } want[] = {
        {"dark", {6.9, 14.4, 16.2, 5.6, 7.1}, 35, 8.4, 5.4, 7.0},
        {"light", {4.5, 13.0, 4.7, 10.3, 8.8}, 26, 0, 0, 0},
        {"contrast", {15.3, 18.6, 20.2, 9.1, 8.8}, 27, 0, 0, 0},
        {"colour-blind", {7.4, 15.9, 12.2, 7.2, 4.9}, 34, 0, 0, 0},
    };
    char why[256] = "";
    struct theme t;

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(want); i++) {
        assert_int_equal(theme_load(&t, want[i].name, why, sizeof why), 0);
        for (size_t s = 0; s < XMEM_LEN(states); s++)
            assert_float_equal(contrast_of(&t, states[s]), want[i].contrast[s], 0.06);
        assert_float_equal(nearest_states(&t), want[i].nearest, 0.5);
        if (want[i].header > 0) {
            assert_float_equal(contrast_of(&t, ROLE_HEADER), want[i].header, 0.06);
            assert_float_equal(contrast_of(&t, ROLE_HEADER_PROD), want[i].prod, 0.06);
            assert_float_equal(contrast_of(&t, ROLE_CURSOR), want[i].cursor, 0.06);
        }
    }
}

static void test_program_holds_the_files(void **state)
{
    char buf[THEME_FILE_MAX], path[64];
    const struct theme_data *d;
    size_t i = 0;

    (void)state;
    for (; (d = theme_data_at(i)); i++) {
        snprintf(path, sizeof path, "themes/%s.json", d->name);
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        size_t n = fread(buf, 1, sizeof buf, f);
        fclose(f);
        assert_int_equal(n, d->end - d->json);
        assert_memory_equal(buf, d->json, n);
        assert_string_equal(theme_names()[i], d->name);
    }
    assert_null(theme_names()[i]);
}

static void test_mono_meaning(void **state)
{
    char why[256] = "";
    struct theme t;

    (void)state;
    assert_int_equal(theme_load(&t, "mono", why, sizeof why), 0);
    assert_int_equal(t.colours, 0);
    assert_int_equal(t.role[ROLE_CRIT].mono, CANVAS_BOLD | CANVAS_REVERSE);
    assert_int_equal(t.role[ROLE_BUSY].mono, CANVAS_UNDERLINE);
    assert_int_equal(t.role[ROLE_WARN].mono, CANVAS_BOLD);
    assert_int_equal(t.role[ROLE_OK].mono, 0);
    assert_int_equal(t.role[ROLE_HEADER_PROD].mono, CANVAS_BOLD | CANVAS_REVERSE);
    assert_int_equal(t.role[ROLE_TAB_ON].mono, CANVAS_REVERSE);
}

static int parse(struct theme *t, const char *json, char *why, size_t cap)
{
    return theme_parse(t, json, strlen(json), "mine.json", why, cap);
}

static void test_users_theme(void **state)
{
    char why[256] = "";
    struct theme t, dark;

    (void)state;
    theme_init(&dark);
    assert_int_equal(parse(&t,
                           "{\"name\": \"mine\", \"roles\": {\"base\": {\"256\": [250, 17]}, "
                           "\"ok\": {\"rgb\": \"#00ff00\"}}}",
                           why, sizeof why),
                     0);
    assert_string_equal(t.name, "mine");
    assert_int_equal(t.role[ROLE_BASE].bg_256, 17);
    assert_int_equal(t.role[ROLE_BASE].bg_rgb, 0x00005f);
    assert_int_equal(t.role[ROLE_OK].fg_256, 46);
    assert_int_equal(t.role[ROLE_OK].bg_256, 17);   /* follows base */
    assert_int_equal(t.role[ROLE_CRIT].bg_256, 17); /* so does what it does not name */
    assert_int_equal(t.role[ROLE_CRIT].fg_256, dark.role[ROLE_CRIT].fg_256);
    assert_int_equal(t.role[ROLE_CURSOR].bg_256, dark.role[ROLE_CURSOR].bg_256);
    /* nothing of it is left in the next one */
    assert_int_equal(parse(&t, "{\"roles\": {}}", why, sizeof why), 0);
    assert_string_equal(t.name, "unnamed");
    assert_memory_equal(t.role, dark.role, sizeof t.role);
}

static void test_refused(void **state)
{
    static const struct {
        const char *json, *word;
    } cases[] = {
        {"", "line 1"},
        {"[]", "not a JSON object"},
        {"{}", "roles"},
        {"{\"roles\": {\"okay\": {}}}", "okay"},
        {"{\"roles\": {\"ok\": {\"256\": 256}}}", "ok: \"256\""},
        {"{\"roles\": {\"ok\": {\"256\": [1]}}}", "256"},
        {"{\"roles\": {\"ok\": {\"16\": 16}}}", "16"},
        {"{\"roles\": {\"ok\": {\"rgb\": \"#12345\"}}}", "rgb"},
        {"{\"roles\": {\"ok\": {\"attr\": \"blink\"}}}", "attr"},
        {"{\"colours\": 17, \"roles\": {}}", "colours"},
        {"{\"color\": 1, \"roles\": {}}", "color"},
        {"{\"name\": \"a\033[31m\\u202e\", \"roles\": {\"x\\u001b\": {}}}", "mine.json"},
    };
    char why[256];
    struct theme t, dark;

    (void)state;
    theme_init(&dark);
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        why[0] = '\0';
        assert_true(parse(&t, cases[i].json, why, sizeof why) < 0);
        assert_non_null(strstr(why, cases[i].word));
        assert_non_null(strstr(why, "mine.json: "));
        assert_null(strchr(why, '\033'));
        assert_memory_equal(&t, &dark, sizeof t);
    }
    char *big = xmem_new(THEME_FILE_MAX + 2, 1);
    memset(big, ' ', THEME_FILE_MAX + 1);
    assert_true(parse(&t, big, why, sizeof why) < 0);
    free(big);
}

struct told {
    int n;
    char last[256];
};

static void keep_line(void *ctx, const char *line)
{
    struct told *t = ctx;

    t->n++;
    snprintf(t->last, sizeof t->last, "%s", line);
}

static void test_broken_rules_are_named(void **state)
{
    char why[256] = "";
    struct told told = {0};
    struct theme t;

    (void)state;
    assert_int_equal(parse(&t, "{\"roles\": {\"dim\": {\"256\": 236}}}", why, sizeof why), 0);
    assert_int_equal(theme_check(&t, keep_line, &told), 1);
    assert_non_null(strstr(told.last, "dim"));
    assert_non_null(strstr(told.last, ":1"));
    assert_int_equal(parse(&t, "{\"roles\": {\"warn\": {\"256\": 203}}}", why, sizeof why), 0);
    assert_true(theme_check(&t, keep_line, &told) > 0);
    assert_non_null(strstr(told.last, "warn and crit"));
    assert_int_equal(
        parse(&t, "{\"roles\": {\"header_prod\": {\"256\": [255, 238]}}}", why, sizeof why), 0);
    assert_true(theme_check(&t, keep_line, &told) > 0);
    assert_non_null(strstr(told.last, "header_prod"));
}

static void test_find_order(void **state)
{
    char path[256], why[256] = "", *dir = tmpdir_new();
    struct theme t;

    (void)state;
    assert_int_equal(theme_load(&t, "dark", why, sizeof why), 0);
    assert_int_equal(theme_load(&t, "none-such", why, sizeof why), -ENOENT);
    assert_int_equal(theme_load(&t, "../dark", why, sizeof why), -ENOENT);
    assert_string_equal(t.name, "dark");
    snprintf(path, sizeof path, "%s/dark.json", dir);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("{\"name\": \"other\", \"roles\": {}}", f);
    fclose(f);
    setenv("MESHDECK_THEMES", dir, 1);
    assert_int_equal(theme_load(&t, "dark", why, sizeof why), 0);
    assert_string_equal(t.name, "other");
    assert_int_equal(theme_load(&t, "light", why, sizeof why), 0); /* not there: the next place */
    assert_string_equal(t.name, "light");
    unsetenv("MESHDECK_THEMES");
    assert_true(theme_load(&t, dir, why, sizeof why) < 0); /* a folder is no theme */
    tmpdir_remove(dir);
}

static void test_palette(void **state)
{
    (void)state;
    assert_int_equal(theme_palette(16), 0x000000);
    assert_int_equal(theme_palette(234), 0x1c1c1c);
    assert_int_equal(theme_palette(202), 0xff5f00);
    assert_int_equal(theme_palette(999), 0);
    for (int i = 16; i < 256; i++)
        assert_int_equal(theme_palette(theme_nearest(theme_palette(i), 256)), theme_palette(i));
    assert_int_equal(theme_nearest(0xfe0101, 16), 9);
    assert_float_equal(theme_contrast(0x000000, 0xffffff), 21, 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_keeps_the_rules),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_program_holds_the_files),
        cmocka_unit_test(test_mono_meaning),
        cmocka_unit_test(test_users_theme),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_broken_rules_are_named),
        cmocka_unit_test(test_find_order),
        cmocka_unit_test(test_palette),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
