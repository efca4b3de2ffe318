/*
 * The console on a real pseudo-terminal, read back cell by cell: what an operator presses and sees.
 * The program under test is this one, started again with --fixture: the real loop and terminal over
 * the fixture's engine. Where the demo is named, it is the real binary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/fixture.h"
#include "tests/support/screen.h"
#include "tui/console.h"

#define ESC "\033"

static const char *self;
static char config_dir[64] = "/tmp/meshdeck-console-XXXXXX";

/* --- the child --- */

static int64_t child_start_ms;

static int64_t child_clock_ms(void)
{
    return fixture_now_ms() + now_ms() - child_start_ms;
}

static int child_main(int argc, char **argv)
{
    struct console_options o = {.clock_ms = child_clock_ms};
    struct err e = {0};

    setlocale(LC_ALL, "");
    child_start_ms = now_ms();
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "read-only") == 0)
            fixture_change.read_only = true;
        else if (strcmp(argv[i], "hostile") == 0)
            fixture_change.hostile = true;
        else if (strcmp(argv[i], "production") == 0)
            fixture_change.production = true;
        else if (strcmp(argv[i], "quiet") == 0)
            fixture_change.quiet = true;
        else if (strcmp(argv[i], "no-unit") == 0)
            fixture_change.no_unit = fixture_change.quiet = true;
        else if (strcmp(argv[i], "empty") == 0)
            fixture_change.empty = true;
        else if (strncmp(argv[i], "many=", 5) == 0)
            fixture_change.many_vms = (uint32_t)atoi(argv[i] + 5);
        else if (strncmp(argv[i], "config=", 7) == 0)
            o.config_dir = argv[i] + 7;
    }
    console_block_signals();
    struct engine *en = fake_engine_new();
    int r = console_run(en, &o, &e);
    engine_close(en, true);
    if (r < 0)
        fprintf(stderr, "%s\n", e.text);
    return r < 0 ? 3 : r;
}

/* --- helpers --- */

static struct screen *start_with(int rows, int cols, const char *a, const char *const env[])
{
    char config[96];
    char *argv[] = {(char *)(uintptr_t)self, (char *)(uintptr_t)"--fixture", config,
                    (char *)(uintptr_t)(a ? a : "plain"), NULL};

    snprintf(config, sizeof config, "config=%s", config_dir);
    return screen_start(rows, cols, argv, env);
}

static struct screen *start(const char *a)
{
    struct screen *s = start_with(24, 80, a, NULL);

    assert_true(screen_await(s, "? help"));
    return s;
}

static void leave(struct screen *s)
{
    screen_type(s, "q");
    int status = screen_await_end(s);
    assert_int_not_equal(status, -1);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(screen_is_sane(s));
    assert_true(screen_wrote_last(s, ESC "[?1049l", ESC "[?1049h"));
    screen_free(s);
}

static void leave_quiet(struct screen *s) /* where a ticket runs, it asks: a second q leaves */
{
    screen_type(s, "q");
    if (screen_await(s, "Leave meshdeck?"))
        screen_type(s, "q");
    int status = screen_await_end(s);
    assert_true(WIFEXITED(status));
    assert_true(screen_is_sane(s));
    screen_free(s);
}

/* A lone Esc: what follows at once would make it Alt. */
static void escape(struct screen *s)
{
    screen_type(s, ESC);
    screen_settle(s, 150);
}

/* --- tests --- */

static void views(void **state)
{
    static const char *const title[] = {"VMs  12 of 12",  "Mesh  4 of 4",   "Routes  31 of 31",
                                        "Nets  4 of 4",   "Nodes  4 of 4",  "Images  1 of 1",
                                        "Events  6 of 6", "Shells  0 of 0", "Tickets  40 of 40"};
    struct screen *s = start("quiet");
    char key[2] = "2";

    (void)state;
    assert_true(screen_await_row(s, 0, "all well"));
    for (unsigned i = 0; i < 9; i++) {
        key[0] = i == 8 ? '0' : (char)('2' + i);
        screen_type(s, key);
        assert_true(screen_await_row(s, 2, title[i]));
    }
    screen_type(s, "1");
    assert_true(screen_await_row(s, 1, "[1 Deck]"));
    leave(s);
}

static void moves(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2");
    assert_true(screen_await_row(s, 4, ">"));
    screen_type(s, "jj");
    assert_true(screen_await_row(s, 6, ">"));
    screen_type(s, ESC "[B");
    assert_true(screen_await_row(s, 7, ">"));
    screen_type(s, "k" ESC "[A");
    assert_true(screen_await_row(s, 5, ">"));
    screen_type(s, "G");
    assert_true(screen_await_row(s, 15, ">"));
    screen_type(s, ESC "[H");
    assert_true(screen_await_row(s, 4, ">"));
    screen_type(s, "J");
    assert_true(screen_await(s, "J: nothing here. Caps Lock?"));
    leave(s);
}

static void filters(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2/web");
    assert_true(screen_await_row(s, 2, "VMs  3 of 12"));
    screen_type(s, "\r");
    assert_true(screen_await_row(s, 2, "filter web"));
    screen_type(s, "4");
    assert_true(screen_await_row(s, 2, "filter none"));
    screen_type(s, "2");
    assert_true(screen_await_row(s, 2, "filter web"));
    screen_type(s, "/x");
    assert_true(screen_await(s, "0 of 12 match \"webx\". / then Esc drops the filter."));
    escape(s);
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    screen_type(s, "/cpu>50\r");
    assert_true(screen_await_row(s, 2, "VMs  2 of 12"));
    screen_type(s, "/\025!run state:st\r"); /* C-u empties the line */
    assert_true(screen_await_row(s, 2, "VMs  3 of 12"));
    leave(s);
}

static void sorts(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2s");
    assert_true(screen_await_row(s, 23, "c cpu"));
    screen_type(s, "c");
    assert_true(screen_await_row(s, 2, "sort cpu"));
    assert_true(screen_await_row(s, 4, "build7"));
    screen_type(s, "S");
    assert_true(screen_await_row(s, 15, "build7"));
    leave(s);
}

static void marks(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2gj VjV");
    assert_true(screen_await_row(s, 2, "marked 3"));
    screen_type(s, "u");
    assert_true(screen_await_row(s, 2, "marked 0"));
    screen_type(s, "g ");
    assert_true(screen_await_row(s, 23, "1 marked:"));
    screen_type(s, "/web\r");
    assert_true(screen_await_row(s, 2, "marked 1, 1 hidden"));
    screen_type(s, "*");
    assert_true(screen_await_row(s, 2, "marked 4, 1 hidden"));
    screen_type(s, "D");
    assert_true(screen_await(s, "Delete 4 VMs?"));
    assert_true(screen_await(s, "Not in sight"));
    assert_true(screen_has(s, "Type how many"));
    screen_type(s, "3\r");
    screen_settle(s, 200);
    assert_true(screen_has(s, "Delete 4 VMs?"));
    escape(s);
    assert_true(screen_await_gone(s, "Delete 4 VMs?"));
    leave(s);
}

static void palette(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, ":");
    screen_type(s, "route");
    assert_true(screen_await(s, "Routes"));
    screen_type(s, "\r");
    assert_true(screen_await_row(s, 1, "[4 Routes]"));
    screen_type(s, ":nonsense\r");
    assert_true(screen_await(s, "\"nonsense\" is no command"));
    screen_type(s, ":set time utc\r");
    assert_true(screen_await(s, "time utc"));
    screen_type(s, ":set glyphs maybe\r");
    assert_true(screen_await(s, "glyphs is one of: auto ascii utf8"));
    screen_type(s, ":endpoints\r");
    assert_true(screen_await_row(s, 2, "[endpoints]"));
    leave(s);
}

static void help_and_keys(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2?");
    assert_true(screen_await_row(s, 2, "Help: VMs"));
    screen_type(s, "\t");
    assert_true(screen_await_row(s, 2, "Help: Mesh"));
    screen_type(s, "/prod\r");
    assert_true(screen_await(s, "In production all ask more"));
    escape(s);
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    screen_type(s, ":bind vms F8 vm-create\r");
    assert_true(screen_await(s, "F8: vm-create"));
    screen_type(s, ESC "[19~");
    assert_true(screen_await(s, "Create VM"));
    escape(s);
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    screen_type(s, ":bind list C-a quit\r");
    assert_true(screen_await_row(s, 22, "C-a"));
    screen_type(s, ":keys\r");
    assert_true(screen_await_row(s, 2, "Keys"));
    escape(s);
    leave(s);
    s = start("quiet"); /* the key was kept */
    screen_type(s, "2" ESC "[19~");
    assert_true(screen_await(s, "Create VM"));
    escape(s);
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    leave(s);
}

static void create_form(void **state)
{
    struct screen *s = start(NULL);

    (void)state;
    screen_type(s, "2c");
    assert_true(screen_await(s, "ready: Enter creates vm1"));
    screen_type(s, "Web 1");
    assert_true(screen_await(s, "Small letters, digits and - only, a letter first."));
    assert_true(screen_await_row(s, 2, "Name is not right yet"));
    screen_type(s, "\r");
    screen_settle(s, 100);
    assert_true(screen_has(s, "Create VM"));
    screen_type(s, "\025web1");
    assert_true(screen_await(s, "web1 exists on ams1; web4 is free."));
    screen_type(s, "\025web4");
    assert_true(screen_await(s, "free; becomes web4.internal"));
    screen_type(s, "\t\t\t\t\02532");
    assert_true(screen_await(s, "32 of 16 cores."));
    screen_type(s, "\0251\t\02540g");
    assert_true(screen_await(s, "40 GiB wanted, 12.2 free on ams1."));
    screen_type(s, "\025" "2g");
    assert_true(screen_await(s, "12,460 MiB are free"));
    screen_type(s, "\t\t\02510.210.0.3");
    assert_true(screen_await(s, "10.210.0.3 is db1's."));
    screen_type(s, "\02510.99.0.1"); /* only the engine knows that this is wrong */
    assert_true(screen_await(s, "Not in 10.210.0.0/24, the range of"));
    screen_type(s, "\025auto\t70000:80");
    assert_true(screen_await(s, "70000: a port is 1 to 65535."));
    screen_type(s, "\0258080:80");
    assert_true(screen_await(s, "8080 already goes to web1."));
    screen_type(s, ESC "[200~\0258443:443" ESC "]0;x\007\n" ESC "[201~");
    assert_true(screen_await(s, "control bytes of the paste were dropped"));
    screen_type(s, "\0258443:443");
    assert_true(screen_await(s, "ready: Enter creates web4"));
    escape(s);
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    screen_type(s, "c"); /* the draft is there */
    assert_true(screen_await(s, "ready: Enter creates web4"));
    assert_true(screen_await(s, "8443:443"));
    screen_type(s, "\r");
    assert_true(screen_await_row(s, 22, "ticket 41  create web3"));
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    leave_quiet(s);
}

static void delete_typed(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2/old\r");
    assert_true(screen_await_row(s, 4, "old-db"));
    screen_type(s, "D");
    assert_true(screen_await(s, "Delete the VM old-db on ams1?"));
    screen_type(s, "web1\r");
    screen_settle(s, 200);
    assert_true(screen_has(s, "Delete the VM old-db"));
    screen_type(s, "\025old-db");
    assert_true(screen_await_row(s, 23, "Enter does it"));
    screen_type(s, "\r");
    assert_true(screen_await_gone(s, "Delete the VM old-db"));
    leave(s);
}

static void stop_asks(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2/web1\rX");
    assert_true(screen_await(s, "Stop the VM web1 on ams1?"));
    screen_type(s, "\r"); /* Cancel has the focus */
    assert_true(screen_await_gone(s, "Stop the VM web1"));
    screen_type(s, "/\025cache1\re");
    assert_true(screen_await(s, "cache1 is stopped: B boots it"));
    leave(s);
}

static void production(void **state)
{
    struct screen *s = start("production");

    (void)state;
    assert_true(screen_await_row(s, 0, "PROD"));
    screen_type(s, "2/web1\rX");
    assert_true(screen_await(s, "Type its name"));
    screen_type(s, "y\r");
    screen_settle(s, 200);
    assert_true(screen_has(s, "Stop the VM web1"));
    escape(s);
    assert_true(screen_await_gone(s, "Type its name"));
    screen_type(s, "/\025cache1\rB");
    assert_true(screen_await(s, "Boot the VM cache1 on ams1?"));
    screen_type(s, "n");
    assert_true(screen_await_gone(s, "Boot the VM"));
    leave_quiet(s);
}

static void read_only(void **state)
{
    struct screen *s = start("read-only");

    (void)state;
    assert_true(screen_await_row(s, 0, "READ-ONLY"));
    screen_type(s, "2");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    assert_null(strstr(screen_row(s, 23), "X stop"));
    assert_null(strstr(screen_row(s, 23), "c create"));
    screen_type(s, "D");
    assert_true(screen_await(s, "READ-ONLY: not root"));
    screen_type(s, "c");
    assert_true(screen_await(s, "READ-ONLY"));
    leave_quiet(s);
}

static void worst(void **state)
{
    struct screen *s = start(NULL);

    (void)state;
    assert_true(screen_await_row(s, 0, "CRIT fra2 down since 14:02"));
    screen_type(s, "8!");
    assert_true(screen_await_row(s, 1, "[3 Mesh]"));
    assert_true(screen_await_row(s, 4, "> "));
    screen_type(s, "w");
    assert_true(screen_await(s, "it is what it is"));
    escape(s);
    screen_type(s, ":alerts\r");
    assert_true(screen_await_row(s, 2, "[alerts]"));
    leave_quiet(s);
}

static void resizes(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    for (int i = 0; i < 300; i++) {
        screen_resize(s, 3 + i * 7 % 60, 10 + i * 13 % 190);
        if (i % 10 == 0)
            screen_settle(s, 1);
    }
    screen_resize(s, 14, 56);
    assert_true(screen_await(s, "This window is 56x14. meshdeck needs 80x24."));
    screen_resize(s, 4, 20);
    assert_true(screen_await(s, "too small: 20x4"));
    screen_resize(s, 100, 300);
    assert_true(screen_await_row(s, 99, "? help"));
    screen_resize(s, 24, 80);
    assert_true(screen_await_row(s, 23, "? help"));
    assert_true(screen_await_row(s, 2, "VMs  12 of 12"));
    screen_resize(s, 10, 40);
    assert_true(screen_await(s, "This window is 40x10."));
    leave(s); /* q works on the small screen too */
}

static void terminals(void **state)
{
    const char *const unknown[] = {"TERM=nonesuch", NULL}, *const vt[] = {"TERM=vt100", NULL};
    struct screen *s = start_with(24, 80, "quiet", unknown);

    (void)state;
    assert_true(screen_await(s, "nonesuch"));
    assert_true(screen_await(s, "? help"));
    leave(s);
    s = start_with(24, 80, "quiet", vt);
    assert_true(screen_await(s, "? help"));
    screen_type(s, "2");
    assert_true(screen_await(s, "+ build7"));
    screen_type(s, "q");
    assert_int_equal(screen_await_end(s), 0);
    screen_free(s);
}

static void no_color(void **state)
{
    const char *const env[] = {"NO_COLOR=1", NULL};
    struct screen *s = start_with(24, 80, NULL, env);

    (void)state;
    assert_true(screen_await(s, "? help"));
    screen_type(s, "2");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    assert_false(screen_wrote(s, "38;5;"));
    assert_false(screen_wrote(s, "48;5;"));
    assert_false(screen_wrote(s, ESC "[31"));
    leave_quiet(s);
}

static void ascii_locale(void **state)
{
    const char *const env[] = {"LC_ALL=C", NULL};
    struct screen *s = start_with(24, 80, "quiet", env);

    (void)state;
    assert_true(screen_await(s, "? help"));
    screen_type(s, "2");
    assert_true(screen_await(s, "+ build7"));
    leave(s);
}

static void not_a_terminal(void **state)
{
    int out[2], status;
    char text[1024] = "";

    (void)state;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        execl(self, self, "--fixture", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ssize_t n = read(out[0], text, sizeof text - 1);
    close(out[0]);
    waitpid(pid, &status, 0);
    assert_true(n > 0);
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_non_null(strstr(text, "needs a terminal"));
    assert_null(strchr(text, '\033'));
}

static void ends(void **state)
{
    static const int signals[] = {SIGHUP, SIGTERM, SIGSEGV, SIGABRT};

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct screen *s = start("quiet");
        screen_type(s, "m2");
        assert_true(screen_await_row(s, 1, "[2 VMs]"));
        screen_signal(s, signals[i]);
        int status = screen_await_end(s);
        assert_int_not_equal(status, -1);
        if (signals[i] == SIGHUP || signals[i] == SIGTERM)
            assert_int_equal(WEXITSTATUS(status), signals[i]);
        else
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
        assert_true(screen_is_sane(s));
        assert_true(screen_wrote_last(s, ESC "[?1049l", ESC "[?1049h"));
        assert_true(screen_wrote_last(s, ESC "[?1000l", ESC "[?1000h"));
        assert_true(screen_wrote_last(s, ESC "[?2004l", ESC "[?2004h"));
        if (signals[i] == SIGSEGV)
            assert_true(screen_wrote(s, "crashed while it showed VMs"));
        screen_free(s);
    }
}

static void hang_up(void **state)
{
    struct screen *s = start("quiet");
    int status;

    (void)state;
    screen_signal(s, SIGSTOP);
    screen_signal(s, SIGCONT);
    screen_type(s, "2");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    screen_signal(s, SIGHUP);
    status = screen_await_end(s);
    assert_true(WIFEXITED(status));
    screen_free(s);
}

static void silence(void **state)
{
    struct screen *s = start(NULL);
    uint64_t before;
    char key[2] = "2";

    (void)state;
    for (const char *k = "2456780"; *k; k++) {
        key[0] = *k;
        screen_type(s, key);
        screen_settle(s, 700);
        before = screen_bytes(s);
        screen_settle(s, 1500);
        if (screen_bytes(s) != before)
            print_error("view %s wrote %llu bytes\n", key, (unsigned long long)(screen_bytes(s) - before));
        assert_int_equal(screen_bytes(s), before);
    }
    screen_type(s, "3"); /* ages: at most a frame of digits a second */
    screen_settle(s, 700);
    before = screen_bytes(s);
    screen_settle(s, 3000);
    assert_true(screen_bytes(s) - before <= 3 * 400);
    screen_type(s, "Z");
    assert_true(screen_await_row(s, 0, "FROZEN"));
    screen_settle(s, 6000); /* the toast goes */
    before = screen_bytes(s);
    screen_settle(s, 2000);
    assert_int_equal(screen_bytes(s), before);
    leave_quiet(s);
}

static void hostile(void **state)
{
    struct screen *s = start("hostile");

    (void)state;
    screen_type(s, "2g");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    assert_true(screen_await(s, "a?[2J?]0;x?b"));
    screen_type(s, "i");
    screen_settle(s, 300);
    assert_false(screen_wrote(s, ESC "]0;x"));
    assert_false(screen_wrote(s, ESC "[31mred"));
    assert_false(screen_wrote(s, ESC "]52;c;AAAA"));
    assert_false(screen_wrote(s, "\342\200\256"));
    leave_quiet(s);
}

static void mouse(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_settle(s, 100);
    assert_false(screen_wrote(s, ESC "[?1000h"));
    screen_type(s, "m");
    assert_true(screen_await(s, "mouse on"));
    assert_true(screen_wrote(s, ESC "[?1000h"));
    screen_type(s, ESC "[<0;10;2M" ESC "[<0;10;2m"); /* the VMs tab */
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    screen_type(s, ESC "[<0;10;8M" ESC "[<0;10;8m");
    assert_true(screen_await_row(s, 7, ">"));
    screen_forget(s);
    screen_type(s, "m");
    assert_true(screen_await(s, "mouse off"));
    assert_true(screen_wrote(s, ESC "[?1000l"));
    leave(s);
}

static void copies(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2/web1\ry");
    assert_true(screen_await_row(s, 23, "y address"));
    screen_forget(s);
    screen_type(s, "y");
    assert_true(screen_await(s, "copied 10 bytes: address"));
    assert_true(screen_wrote(s, ESC "]52;c;MTAuMjEwLjAuMg==")); /* 10.210.0.2 */
    leave(s);
}

static void logs_and_plain(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2/web1\ro");
    assert_true(screen_await(s, "line three needle"));
    screen_type(s, "/needle\r");
    escape(s);
    screen_type(s, "p");
    screen_settle(s, 300);
    escape(s);
    assert_true(screen_await_row(s, 2, "VMs  1 of 12"));
    leave(s);
}

static void farewell(void **state)
{
    struct screen *s = start("no-unit");

    (void)state;
    screen_type(s, "c");
    assert_true(screen_await(s, "reboot: first :enable-engine"));
    escape(s);
    screen_type(s, "q");
    assert_int_equal(screen_await_end(s), 0);
    assert_true(screen_wrote(s, "7 VMs keep running. Nothing heals or restarts them until an engine runs: "
                                "meshdeck engine, or systemctl start meshdeck."));
    screen_free(s);
    s = start("quiet");
    screen_type(s, "q");
    assert_int_equal(screen_await_end(s), 0);
    assert_true(screen_wrote(s, "7 VMs keep running.\r\n"));
    screen_free(s);
}

static void empty(void **state)
{
    struct screen *s = start("empty");

    (void)state;
    assert_true(screen_await(s, "No VMs yet. c then Enter makes one."));
    screen_type(s, "2");
    assert_true(screen_await(s, "No VMs yet. c then Enter makes one: image builtin"));
    screen_type(s, "3");
    assert_true(screen_await(s, "mesh0 is up on port 51820 and has no peers. c adds one."));
    screen_type(s, "7");
    assert_true(screen_await(s, "The built-in image is not built yet. B builds it."));
    leave(s);
}

static void themes(void **state)
{
    struct screen *s = start("quiet");

    (void)state;
    screen_type(s, "2");
    assert_true(screen_await_row(s, 1, "[2 VMs]"));
    int dark = screen_cell(s, 6, 60)->bg;
    screen_type(s, ":theme light\r");
    assert_true(screen_await(s, "theme light"));
    assert_int_not_equal(screen_cell(s, 6, 60)->bg, dark);
    screen_type(s, ":theme no-such\r");
    assert_true(screen_await(s, "The theme stays as it is."));
    screen_type(s, ":theme dark\r");
    assert_true(screen_await(s, "theme dark"));
    assert_int_equal(screen_cell(s, 6, 60)->bg, dark);
    leave(s);
}

static void remove_config(void)
{
    char path[96];

    for (const char *const *f = (const char *const[]){"config", "keys", NULL}; *f; f++) {
        snprintf(path, sizeof path, "%s/%s", config_dir, *f);
        unlink(path);
    }
    rmdir(config_dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views),       cmocka_unit_test(moves),        cmocka_unit_test(filters),
        cmocka_unit_test(sorts),       cmocka_unit_test(marks),        cmocka_unit_test(palette),
        cmocka_unit_test(help_and_keys), cmocka_unit_test(create_form), cmocka_unit_test(delete_typed),
        cmocka_unit_test(stop_asks),   cmocka_unit_test(production),   cmocka_unit_test(read_only),
        cmocka_unit_test(worst),       cmocka_unit_test(resizes),      cmocka_unit_test(terminals),
        cmocka_unit_test(no_color),    cmocka_unit_test(ascii_locale), cmocka_unit_test(not_a_terminal),
        cmocka_unit_test(ends),        cmocka_unit_test(hang_up),      cmocka_unit_test(silence),
        cmocka_unit_test(hostile),     cmocka_unit_test(mouse),        cmocka_unit_test(copies),
        cmocka_unit_test(logs_and_plain), cmocka_unit_test(farewell),  cmocka_unit_test(empty),
        cmocka_unit_test(themes),
    };

    if (argc > 1 && strcmp(argv[1], "--fixture") == 0)
        return child_main(argc, argv);
    self = argv[0];
    setlocale(LC_ALL, "C.UTF-8");
    if (!mkdtemp(config_dir))
        return 1;
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    remove_config();
    return r;
}
