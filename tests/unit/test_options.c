/* The command line's parser, with the real table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/engine/verbs.h"
#include "backend/model/text.h"
#include "tui/cli.h"

enum { WORDS_MAX = 24 };

struct line {
    char text[512];
    char *argv[WORDS_MAX + 1];
    int argc;
    struct opt_values v;
};

/* Words are parted by blanks. */
static int parse(struct line *l, const char *text)
{
    char *rest = NULL;

    memset(l, 0, sizeof *l);
    assert_true(str_copy(l->text, sizeof l->text, text));
    for (char *w = strtok_r(l->text, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        assert_true(l->argc < WORDS_MAX);
        l->argv[l->argc++] = w;
    }
    struct err e = {0};
    int r = opt_parse(&cli_table, l->argc, l->argv, &l->v, &e);
    assert_int_equal(r < 0, e.text[0] != '\0');
    return r;
}

static void test_create(void **state)
{
    static struct line l;

    (void)state;
    assert_int_equal(parse(&l,
                           "meshdeck vm create --cpus 2 web1 --port 8080:80 --json --memory=512 "
                           "--port 53:53/udp --no-start --label a=b"),
                     0);
    assert_true(l.v.cmd->run == cli_vm_create);
    assert_int_equal(l.v.n_operands, 1);
    assert_string_equal(l.v.operands[0], "web1");
    assert_true(opt_has(&l.v, "json"));
    assert_false(opt_has(&l.v, "yes"));
    assert_int_equal(opt_uint(&l.v, "memory", 0), 512);
    assert_int_equal(opt_uint(&l.v, "disk", 10), 10);
    json_t *args = opt_args(&l.v),
           *want = json_pack("{s:i, s:i, s:[s,s], s:b, s:[s]}", "cpus", 2, "memory_mib", 512,
                             "ports", "8080:80", "53:53/udp", "start", 0, "labels", "a=b");
    assert_true(json_equal(args, want));
    json_decref(args);
    json_decref(want);
}

static void test_exec_words(void **state)
{
    static struct line l;

    (void)state;
    assert_int_equal(parse(&l, "meshdeck --state /x vm exec web1 -- ls --json -l -- --help"), 0);
    assert_int_equal(l.v.n_operands, 6);
    assert_string_equal(l.v.operands[0], "web1");
    assert_string_equal(l.v.operands[2], "--json");
    assert_string_equal(l.v.operands[4], "--");
    assert_string_equal(l.v.operands[5], "--help");
    assert_string_equal(opt_text(&l.v, "state", ""), "/x");
    assert_false(opt_has(&l.v, "json"));
    assert_int_equal(parse(&l, "meshdeck vm exec web1 ls -l"), 0); /* without the dashes too */
    assert_int_equal(l.v.n_operands, 3);
    assert_int_equal(parse(&l, "meshdeck vm exec --json web1 -- ls"), 0);
    assert_true(opt_has(&l.v, "json"));
}

static void test_console(void **state)
{
    static struct line l;

    (void)state;
    assert_int_equal(parse(&l, "meshdeck"), 0);
    assert_true(l.v.cmd->run == cli_console);
    assert_int_equal(parse(&l, "meshdeck --theme light --read-only"), 0);
    assert_true(l.v.cmd->run == cli_console);
    assert_string_equal(opt_text(&l.v, "theme", ""), "light");
    assert_int_equal(parse(&l, "meshdeck --demo --nodes 3 --vms 12 --churn 0 --seed 7"), 0);
    assert_true(l.v.cmd->run == cli_console);
    assert_int_equal(opt_uint(&l.v, "seed", 1), 7);
    assert_int_equal(parse(&l, "meshdeck --demo --nodes 3 vm list"), 0);
    assert_true(l.v.cmd->run == cli_vm_list);
    assert_int_equal(parse(&l, "meshdeck -- vm"), -EINVAL);
}

static void test_wrong(void **state)
{
    static const char *const lines[] = {
        "meshdeck vm",
        "meshdeck vmm list",
        "meshdeck vm create",
        "meshdeck vm create a b",
        "meshdeck vm stop --timeout 3601 a",
        "meshdeck vm stop --timeout a",
        "meshdeck vm stop --timeout",
        "meshdeck vm stop --timeout= a",
        "meshdeck vm stop --timeout 1x a",
        "meshdeck list --json=1",
        "meshdeck --theme",
        "meshdeck vm list --theme x",
        "meshdeck - list",
        "meshdeck vm list -j",
        "meshdeck --state=/x --state=/y vm list",
        "meshdeck peer add a",
        "meshdeck --wo=1",
    };
    static struct line l;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (parse(&l, lines[i]) != -EINVAL)
            fail_msg("taken: %s", lines[i]);
}

static void test_too_many(void **state)
{
    static char *argv[3 + 2 * OPT_VALUES_MAX + 4];
    static struct opt_values v;
    int argc = 0;

    (void)state;
    argv[argc++] = (char *)(uintptr_t) "meshdeck";
    argv[argc++] = (char *)(uintptr_t) "vm";
    argv[argc++] = (char *)(uintptr_t) "create";
    for (unsigned i = 0; i <= OPT_VALUES_MAX; i++) {
        argv[argc++] = (char *)(uintptr_t) "--label";
        argv[argc++] = (char *)(uintptr_t) "a=b";
    }
    assert_int_equal(opt_parse(&cli_table, argc, argv, &v, NULL), -EINVAL);
}

/* Options with an engine's name must be arguments that the engine's verb takes. */
static void test_table_and_verbs(void **state)
{
    unsigned checked = 0;

    (void)state;
    for (size_t i = 0; i < cli_table.n_commands; i++) {
        const struct cmd_def *c = &cli_table.commands[i];
        char name[32];
        for (const struct opt_def *d = c->options; d && d->name; d++) {
            assert_true(d->help && d->help[0]);
            assert_int_equal(d->kind == OPT_FLAG, d->value == NULL);
            for (size_t k = 0; cli_table.globals[k].name; k++)
                assert_string_not_equal(d->name, cli_table.globals[k].name);
            if (!d->arg)
                continue;
            (void)snprintf(name, sizeof name, "%s.%s", c->group, c->word);
            enum verb_id id = verb_find(name);
            assert_true(id < VERB_COUNT);
            bool found = false;
            for (size_t a = 0; a < VERB_ARGS_MAX && verbs[id].args[a].name; a++)
                found = found || strcmp(verbs[id].args[a].name, d->arg) == 0;
            if (!found)
                fail_msg("%s takes no %s", name, d->arg);
            checked++;
        }
        assert_true(c->help && c->help[0] && c->run);
        assert_int_equal(c->operands == NULL, c->most == 0);
        assert_true(c->least <= c->most);
    }
    assert_true(checked > 20);
}

static void test_formats(void **state)
{
    char buf[32];

    (void)state;
    cli_format_rate(0, buf, sizeof buf);
    assert_string_equal(buf, "0");
    cli_format_rate(999, buf, sizeof buf);
    assert_string_equal(buf, "999");
    cli_format_rate(1000, buf, sizeof buf);
    assert_string_equal(buf, "1.0k");
    cli_format_rate(999600, buf, sizeof buf);
    assert_string_equal(buf, "1.0M");
    cli_format_rate(2100000, buf, sizeof buf);
    assert_string_equal(buf, "2.1M");
    cli_format_rate(402000, buf, sizeof buf);
    assert_string_equal(buf, "402k");
    cli_format_rate(UINT64_MAX, buf, sizeof buf);
    assert_true(strchr(buf, 'T'));
    cli_format_bytes(UINT64_C(2) << 30, buf, sizeof buf);
    assert_string_equal(buf, "2.0 GiB");
    cli_format_bytes(512 << 20, buf, sizeof buf);
    assert_string_equal(buf, "512 MiB");
    cli_format_instant(0, buf, sizeof buf);
    assert_string_equal(buf, "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),   cmocka_unit_test(test_exec_words),
        cmocka_unit_test(test_console),  cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_table_and_verbs),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
