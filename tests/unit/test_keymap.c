#include "widgets/keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "widgets/xmem.h"

enum { CTX_ANY, CTX_LIST, CTX_VMS, CTX_SHELL };
enum { ACT_HELP = 1, ACT_OPEN, ACT_STOP, ACT_DELETE, ACT_DETACH, ACT_NEXT, ACT_SEND };

static const struct keymap_context contexts[] = {
    {CTX_ANY, "any"}, {CTX_LIST, "list"}, {CTX_VMS, "vms"}, {CTX_SHELL, "shell"}};
static const struct keymap_action actions[] = {
    {ACT_HELP, "help", "Help for here", KEYMAP_FREE},
    {ACT_OPEN, "open", "Open it", KEYMAP_FREE},
    {ACT_STOP, "vm-stop", "Stop it", KEYMAP_ASK},
    {ACT_DELETE, "vm-delete", "Delete it", KEYMAP_NAME},
    {ACT_DETACH, "detach", "Leave it running", KEYMAP_FREE},
    {ACT_NEXT, "next-tab", "Next tab", KEYMAP_FREE},
    {ACT_SEND, "send-prefix", "Send the prefix", KEYMAP_FREE},
};
static const struct keymap_binding defaults[] = {
    {CTX_ANY, "?", ACT_HELP},         {CTX_ANY, "F1", ACT_HELP},
    {CTX_LIST, "Enter", ACT_OPEN},    {CTX_LIST, "d", ACT_OPEN},
    {CTX_VMS, "X", ACT_STOP},         {CTX_VMS, "D", ACT_DELETE},
    {CTX_SHELL, "C-] d", ACT_DETACH}, {CTX_SHELL, "C-] n", ACT_NEXT},
    {CTX_SHELL, "C-] C-]", ACT_SEND},
};
static const int in_vms[] = {CTX_VMS, CTX_LIST, CTX_ANY}, in_shell[] = {CTX_SHELL};

static struct keymap *make(void)
{
    return keymap_new(contexts, XMEM_LEN(contexts), actions, XMEM_LEN(actions), defaults,
                      XMEM_LEN(defaults));
}

/* What a key does; 0 nothing, -1 it waits for a second. */
static int press(const struct keymap *m, struct keymap_state *s, const int *ctx, size_t n,
                 const char *name)
{
    struct key k;
    int action = 0;

    assert_true(key_parse(name, strlen(name), &k));
    switch (keymap_find(m, s, ctx, n, &k, &action)) {
    case KEYMAP_ACTION:
        return action;
    case KEYMAP_FIRST:
        return -1;
    case KEYMAP_NOTHING:
        break;
    }
    return 0;
}

static void test_find(void **state)
{
    struct keymap *m = make();
    struct keymap_state s = {0};
    struct key k = {.code = 'j', .mods = KEYMOD_CTRL};
    int action = 0;

    (void)state;
    assert_int_equal(press(m, &s, in_vms, 3, "X"), ACT_STOP);
    assert_int_equal(press(m, &s, in_vms, 3, "?"), ACT_HELP);
    assert_int_equal(press(m, &s, in_vms, 3, "x"), 0);
    assert_int_equal(keymap_find(m, &s, in_vms, 3, &k, &action), KEYMAP_ACTION);
    assert_int_equal(action, ACT_OPEN); /* C-j is Enter in disguise */
    k = (struct key){.code = 'D', .mods = KEYMOD_PASTED};
    assert_int_equal(keymap_find(m, &s, in_vms, 3, &k, &action), KEYMAP_NOTHING);
    keymap_free(m);
}

static void test_two_steps(void **state)
{
    struct keymap *m = make();
    struct keymap_state s = {0};

    (void)state;
    assert_int_equal(press(m, &s, in_shell, 1, "d"), 0);
    assert_int_equal(press(m, &s, in_shell, 1, "C-]"), -1);
    assert_int_equal(s.first.code, ']');
    assert_int_equal(press(m, &s, in_shell, 1, "d"), ACT_DETACH);
    assert_int_equal(s.first.code, 0);
    assert_int_equal(press(m, &s, in_shell, 1, "C-]"), -1);
    assert_int_equal(press(m, &s, in_shell, 1, "Esc"), 0);
    assert_int_equal(press(m, &s, in_shell, 1, "d"), 0);
    assert_int_equal(press(m, &s, in_shell, 1, "C-]"), -1);
    assert_int_equal(press(m, &s, in_shell, 1, "C-]"), ACT_SEND);
    keymap_free(m);
}

static void test_formats(void **state)
{
    struct keymap *m = make();
    char b[64];

    (void)state;
    assert_int_equal(keymap_format_keys(m, CTX_LIST, ACT_OPEN, b, sizeof b), 2);
    assert_string_equal(b, "Enter d");
    assert_int_equal(keymap_format_keys(m, CTX_SHELL, ACT_DETACH, b, sizeof b), 1);
    assert_string_equal(b, "C-] d");
    assert_int_equal(keymap_format_keys(m, CTX_LIST, ACT_STOP, b, sizeof b), 0);
    assert_string_equal(b, "");
    assert_true(keymap_format_first(m, in_vms, 3, ACT_HELP, b, sizeof b));
    assert_string_equal(b, "?");
    keymap_format_line(m, CTX_SHELL, "C-] d", ACT_DETACH, b, sizeof b);
    assert_string_equal(b, "shell C-]+d detach");
    assert_string_equal(keymap_action_of(m, ACT_STOP)->name, "vm-stop");
    assert_null(keymap_action_named(m, "nothing"));
    keymap_free(m);
}

static void test_never_bound(void **state)
{
    static const char *const never[] = {"C-a", "C-b", "C-s", "C-q",     "C-\\",
                                        "~",   "C-h", "C-i", "C-j",     "C-m",
                                        "C-[", "M-x", "F11", "C-Space", "C-] C-s"};
    struct keymap *m = make();
    char why[160];

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(never); i++) {
        why[0] = '\0';
        assert_true(keymap_bind(m, CTX_ANY, never[i], ACT_HELP, why, sizeof why) < 0);
        assert_non_null(strstr(why, "never bound"));
    }
    assert_int_equal(keymap_bind(m, CTX_ANY, "C-t", ACT_HELP, why, sizeof why), 0);
    assert_true(keymap_bind(m, CTX_ANY, "what", ACT_HELP, why, sizeof why) < 0);
    assert_true(keymap_bind(m, CTX_ANY, "C-t", 999, why, sizeof why) < 0);
    keymap_free(m);
}

struct told {
    int n;
    char line[8][256];
};

static void keep_line(void *ctx, const char *line)
{
    struct told *t = ctx;

    if (t->n < 8)
        snprintf(t->line[t->n++], sizeof t->line[0], "%s", line);
}

static int parse(struct keymap *m, const char *text, struct told *t)
{
    memset(t, 0, sizeof *t);
    return keymap_parse(m, text, strlen(text), "keys", keep_line, t);
}

static void test_file(void **state)
{
    struct keymap *m = make();
    struct keymap_state s = {0};
    struct told t;

    (void)state;
    assert_int_equal(parse(m,
                           "# mine\n\nvms X none\nvms K vm-stop   # kill\r\nlist d vm-delete\n"
                           "shell C-]+x detach\n",
                           &t),
                     0);
    assert_int_equal(press(m, &s, in_vms, 3, "X"), 0);
    assert_int_equal(press(m, &s, in_vms, 3, "K"), ACT_STOP);
    assert_int_equal(press(m, &s, in_vms, 3, "d"), ACT_DELETE);
    assert_int_equal(press(m, &s, in_shell, 1, "C-]"), -1);
    assert_int_equal(press(m, &s, in_shell, 1, "x"), ACT_DETACH);
    keymap_free(m);
}

static void test_file_complaints(void **state)
{
    static const struct {
        const char *text, *word;
        int n;
    } cases[] = {
        {"vms X\n", "line 1", 1},
        {"nowhere X help\n", "nowhere", 1},
        {"vms X nothing\n", "nothing", 1},
        {"vms C-s help\n", "flow control", 1},
        {"vms Zz help\n", "no key", 1},
        {"vms Z help\nvms Z open\n", "line 1 already", 1},
        {"vms D none\n", "vm-delete has no key", 1},
        {"shell C-] help\n", "first key", 1},
        {"vms \033[2J help\n", "?[2J", 1},
    };
    struct told t;

    (void)state;
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        struct keymap *m = make();
        assert_int_equal(parse(m, cases[i].text, &t), cases[i].n);
        if (!strstr(t.line[0], cases[i].word))
            fail_msg("\"%s\" does not say \"%s\"", t.line[0], cases[i].word);
        assert_null(strchr(t.line[0], '\033'));
        keymap_free(m);
    }
}

static void test_prefix(void **state)
{
    struct keymap *m = make();
    struct keymap_state s = {0};
    char why[160] = "";

    (void)state;
    assert_true(keymap_set_prefix(m, "C-]", "C-a", why, sizeof why) < 0);
    assert_true(keymap_set_prefix(m, "C-]", "x", why, sizeof why) < 0);
    assert_int_equal(keymap_set_prefix(m, "C-]", "C-t", why, sizeof why), 0);
    assert_int_equal(press(m, &s, in_shell, 1, "C-]"), 0);
    assert_int_equal(press(m, &s, in_shell, 1, "C-t"), -1);
    assert_int_equal(press(m, &s, in_shell, 1, "C-t"), ACT_SEND);
    keymap_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),    cmocka_unit_test(test_two_steps),
        cmocka_unit_test(test_formats), cmocka_unit_test(test_never_bound),
        cmocka_unit_test(test_file),    cmocka_unit_test(test_file_complaints),
        cmocka_unit_test(test_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
