/*
 * The real binary on its simulated fleet, from the keyboard: shells as tabs, making a VM to its end,
 * stopping and deleting it, incidents. Nothing of the host is touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/screen.h"

#define ESC "\033"
#define PREFIX "\035" /* C-] */

static char binary[512], folder[64] = "/tmp/meshdeck-demo-XXXXXX", xdg[96];

static struct screen *start(void)
{
    char *argv[] = {binary,
                    (char *)(uintptr_t)"--demo",
                    (char *)(uintptr_t)"--nodes",
                    (char *)(uintptr_t)"4",
                    (char *)(uintptr_t)"--vms",
                    (char *)(uintptr_t)"40",
                    (char *)(uintptr_t)"--churn",
                    (char *)(uintptr_t)"0",
                    (char *)(uintptr_t)"--seed",
                    (char *)(uintptr_t)"3",
                    NULL};
    const char *const env[] = {xdg, NULL};
    struct screen *s = screen_start(24, 80, argv, env);

    assert_true(screen_await(s, "? help"));
    assert_true(screen_await_row(s, 0, "DEMO"));
    return s;
}

static void escape(struct screen *s)
{
    screen_type(s, ESC);
    screen_settle(s, 150);
}

static void leave(struct screen *s)
{
    screen_type(s, "q");
    for (int i = 0; i < 50 && !screen_wrote(s, "The demo fleet is gone"); i++) {
        screen_settle(s, 100);
        if (screen_has(s, "Leave meshdeck?"))
            screen_type(s, "q");
    }
    int status = screen_await_end(s);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(screen_is_sane(s));
    assert_true(screen_wrote(s, "The demo fleet is gone; nothing of this host was touched."));
    screen_free(s);
}

/* The cursor on a VM that runs. */
static void choose_running(struct screen *s)
{
    screen_type(s, "2/state:run\r");
    assert_true(screen_await_row(s, 2, "filter state:run"));
    assert_true(screen_await_row(s, 4, "running"));
}

static void shells(void **state)
{
    struct screen *s = start();

    (void)state;
    choose_running(s);
    screen_type(s, "e");
    assert_true(screen_await(s, "This shell is simulated"));
    assert_true(screen_await_row(s, 1, "[1 "));
    assert_true(screen_await_row(s, 1, "80x21"));
    assert_true(screen_await_row(s, 23, "C-] then: d leave it running"));
    screen_type(s, "echo hello 1234\r");
    assert_true(screen_await(s, "hello 1234"));
    screen_type(s, "q?:2"); /* all keys are the guest's */
    assert_true(screen_await(s, "q?:2"));
    screen_type(s, PREFIX "c");
    assert_true(screen_await_row(s, 1, "[2 "));
    screen_type(s, PREFIX "t");
    assert_true(screen_await_row(s, 1, "[3 "));
    screen_type(s, PREFIX "1");
    assert_true(screen_await_row(s, 1, "[1 "));
    assert_true(screen_await(s, "hello 1234")); /* it went on */
    screen_type(s, PREFIX "z");
    assert_true(screen_await_row(s, 0, "This shell is simulated") || screen_has(s, "hello 1234"));
    screen_type(s, PREFIX "z");
    assert_true(screen_await_row(s, 1, "[1 "));
    screen_type(s, PREFIX "d");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    screen_type(s, "9");
    assert_true(screen_await_row(s, 2, "Shells  3 of 3"));
    screen_type(s, "\r");
    assert_true(screen_await_row(s, 1, "[1 "));
    screen_type(s, PREFIX "b");
    assert_true(screen_await_row(s, 23, "scrolled back"));
    screen_type(s, "/hello\r");
    screen_settle(s, 200);
    screen_type(s, "q");
    assert_true(screen_await_row(s, 23, "C-] then:"));
    screen_type(s, PREFIX "X");
    assert_true(screen_await(s, "Close the session 1"));
    screen_type(s, "y");
    assert_true(screen_await_gone(s, "Close the session 1"));
    screen_type(s, PREFIX "d");
    assert_true(screen_await_row(s, 2, "Shells  2 of 2"));
    leave(s);
}

static void resized_shell(void **state)
{
    struct screen *s = start();

    (void)state;
    choose_running(s);
    screen_type(s, "e");
    assert_true(screen_await_row(s, 1, "80x21"));
    screen_resize(s, 40, 120);
    assert_true(screen_await_row(s, 1, "120x37"));
    screen_settle(s, 300); /* the guest is told a moment later */
    screen_resize(s, 14, 56);
    assert_true(screen_await(s, "kept at 120x37, nothing is lost"));
    screen_resize(s, 24, 80);
    assert_true(screen_await_row(s, 1, "80x21"));
    assert_true(screen_await(s, ":~#"));
    screen_type(s, PREFIX "d");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    leave(s);
}

static void whole_life(void **state)
{
    struct screen *s = start();

    (void)state;
    screen_type(s, "2c");
    assert_true(screen_await(s, "ready: Enter creates vm1"));
    assert_true(screen_await(s, "PLAN  "));
    screen_type(s, "\r");
    assert_true(screen_await(s, "create vm1"));
    screen_type(s, "/vm1\r");
    assert_true(screen_await_row(s, 4, "vm1"));
    assert_true(screen_await_row(s, 4, "running"));
    screen_settle(s, 4000); /* its ticket's last step, and the toast */
    screen_type(s, "X");
    assert_true(screen_await(s, "Stop the VM vm1"));
    screen_type(s, "y");
    assert_true(screen_await_row(s, 4, "stopped"));
    screen_type(s, "D");
    assert_true(screen_await(s, "Delete the VM vm1"));
    screen_type(s, "vm1\r");
    assert_true(screen_await(s, "0 of 40 match \"vm1\""));
    screen_type(s, "0");
    assert_true(screen_await(s, "create vm1"));
    screen_type(s, "\r");
    assert_true(screen_await_row(s, 2, "Ticket"));
    escape(s);
    leave(s);
}

static void incidents(void **state)
{
    struct screen *s = start();

    (void)state;
    screen_type(s, ":incident tunnel\r");
    assert_true(screen_await_row(s, 0, "CRIT") || screen_await_row(s, 0, "WARN"));
    screen_type(s, "!");
    screen_settle(s, 300);
    assert_false(screen_has(s, "[1 Deck]"));
    screen_type(s, "w");
    assert_true(screen_await(s, "why"));
    escape(s);
    screen_type(s, ":incident nonsense\r");
    assert_true(screen_await(s, "incident tunnel, disk, flush or node"));
    leave(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shells),
        cmocka_unit_test(resized_shell),
        cmocka_unit_test(whole_life),
        cmocka_unit_test(incidents),
    };
    const char *build = getenv("MESHDECK_BUILD");

    setlocale(LC_ALL, "C.UTF-8");
    snprintf(binary, sizeof binary, "%s/meshdeck", build ? build : "build");
    if (!mkdtemp(folder))
        return 1;
    snprintf(xdg, sizeof xdg, "XDG_CONFIG_HOME=%s", folder);
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    char path[128];
    for (const char *const *f = (const char *const[]){"meshdeck/config", "meshdeck/keys", "meshdeck", "", NULL}; *f; f++) {
        snprintf(path, sizeof path, "%s/%s", folder, *f);
        if (unlink(path) < 0)
            rmdir(path);
    }
    return r;
}
