/* Entry of the command line: what was given decides what this process is. Main thread. */
#include "tui/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/model/version.h"
#include "tui/console.h"

enum { DEMO_NODES = 255, DEMO_VMS = 64000, DEMO_NODE_VMS = 251, DEMO_CHURN = 10 };

int cli_fail(const char *what, const char *why)
{
    char text[512], clean[512];

    (void)snprintf(text, sizeof text, "%s%s%s", what, what[0] && why[0] ? ": " : "", why);
    text_clean(clean, sizeof clean, text, strlen(text));
    (void)fflush(stdout);
    (void)fprintf(stderr, "meshdeck: %s\n", clean);
    return CLI_FAILED;
}

int cli_fail_err(const char *what, const struct err *e)
{
    return cli_fail(what, e->text[0] ? e->text : strerror(e->code < 0 ? -e->code : EIO));
}

static void options_fill(const struct cli *c, struct engine_options *o)
{
    const struct opt_values *v = &c->given;
    uint32_t nodes = (uint32_t)opt_uint(v, "nodes", DEMO_NODES);
    uint32_t fits = nodes * DEMO_NODE_VMS;

    o->state_dir = opt_text(v, "state", NULL);
    o->who = c->who;
    o->read_only = opt_has(v, "read-only");
    o->one_shot = v->cmd->run != cli_console;
    o->headless = v->cmd->run == cli_engine;
    o->demo.on = opt_has(v, "demo");
    o->demo.nodes = nodes;
    o->demo.vms = (uint32_t)opt_uint(v, "vms", fits < DEMO_VMS ? fits : DEMO_VMS);
    o->demo.churn = (uint32_t)opt_uint(v, "churn", DEMO_CHURN);
    o->demo.seed = (uint32_t)opt_uint(v, "seed", 1);
    o->demo.start_ms = (int64_t)opt_uint(v, "clock", 0);
}

static int demo_options_need_demo(const struct cli *c)
{
    static const char *const names[] = {"nodes", "vms", "churn", "seed"};
    char what[32];

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (opt_has(&c->given, names[i]) && !opt_has(&c->given, "demo")) {
            (void)snprintf(what, sizeof what, "--%s", names[i]);
            (void)cli_fail(what, "belongs to the demo: give --demo as well");
            return CLI_USAGE;
        }
    return CLI_DONE;
}

static int run_with_engine(struct cli *c)
{
    struct engine_options o = {.state_dir = NULL};
    char who[ENGINE_WHO_TEXT], way_in[ENGINE_WAY_IN_TEXT];
    struct err e = {0};

    engine_operator(who, way_in);
    c->who = who;
    options_fill(c, &o);
    o.way_in = way_in[0] ? way_in : NULL;
    if (c->given.cmd->run == cli_console)
        console_block_signals(); /* before the engine's thread: it must not be struck by them */
    if (engine_open(&o, &c->engine, &e) < 0)
        return c->given.cmd->run == cli_vm_exec ? (cli_fail_err("", &e), CLI_OURS)
                                                : cli_fail_err("", &e);
    int status = c->given.cmd->run(c);
    engine_close(c->engine,
                 c->given.cmd->run != cli_console); /* a console's stays for the attached */
    return status;
}

/* Standard descriptors that are closed would be given to the first file that is opened. */
static void reserve_standard_fds(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO)
        close(fd);
}

int cli_main(int argc, char **argv)
{
    struct cli c = {.engine = NULL};
    struct err e = {0};

    reserve_standard_fds();
    if (argc == 3 && strcmp(argv[1], "--worker") == 0) {
        int status = engine_worker_main(argv[2]);
        return status < 0 ? CLI_USAGE : status;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of the write */
    if (opt_parse(&cli_table, argc, argv, &c.given, &e) < 0) {
        (void)cli_fail("", e.text);
        return CLI_USAGE;
    }
    if (opt_has(&c.given, "version")) {
        (void)puts("meshdeck " MESHDECK_VERSION);
        return CLI_DONE;
    }
    if (opt_has(&c.given, "help") || c.given.help_group) {
        bool general = !c.given.cmd || (!c.given.cmd->group && !c.given.cmd->word);
        opt_print_help(&cli_table, general ? NULL : c.given.cmd, c.given.help_group, stdout);
        return CLI_DONE;
    }
    c.json = opt_has(&c.given, "json");
    int status = demo_options_need_demo(&c);
    if (status != CLI_DONE)
        return status;
    status = c.given.cmd->flags & CMD_NO_ENGINE ? c.given.cmd->run(&c) : run_with_engine(&c);
    if (fflush(stdout) != 0 && errno != EPIPE && status == CLI_DONE)
        return cli_fail("standard output", strerror(errno));
    return status;
}

int cli_help(struct cli *c)
{
    if (opt_has(&c->given, "man"))
        opt_print_man(&cli_table, stdout);
    else
        opt_print_help(&cli_table, NULL, NULL, stdout);
    return CLI_DONE;
}

static int64_t held_clock;

static int64_t clock_held(void)
{
    return held_clock;
}

int cli_console(struct cli *c)
{
    struct console_options o = {.theme = opt_text(&c->given, "theme", NULL),
                                .read_only = opt_has(&c->given, "read-only")};
    struct err e = {0};

    held_clock = (int64_t)opt_uint(&c->given, "clock", 0);
    if (held_clock)
        o.clock_ms = clock_held;
    int r = console_run(c->engine, &o, &e);
    if (r < 0)
        return cli_fail_err("", &e);
    return r > 0 ? 128 + r : CLI_DONE;
}

int cli_engine(struct cli *c)
{
    sigset_t set;
    int signal_number = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct snapshot *s = engine_snapshot(c->engine);
    (void)fprintf(stderr, "meshdeck: the engine runs, pid %ld, state in %s%s%s\n", (long)getpid(),
                  opt_text(&c->given, "state", "/var/lib/meshdeck"),
                  s->meta.read_only ? "; it only watches: " : "", s->meta.read_only_why);
    snapshot_unref(s);
    while (sigwait(&set, &signal_number) != 0)
        ;
    (void)fprintf(stderr, "meshdeck: the engine ends; VMs go on\n");
    return CLI_DONE;
}
