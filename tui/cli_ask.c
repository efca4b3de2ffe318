/* Commands to the engine and what becomes of them. Main thread; waits. */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "tui/cli.h"

enum { ANSWER_MS = 60000, READY_MS = 15000, SILENT_MS = 5000 };

static int64_t mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool cli_ask(struct cli *c, const char *verb, json_t *args, struct reply *ret)
{
    struct err e = {0};
    uint64_t id = 0;

    memset(ret, 0, sizeof *ret);
    ret->fd = -1;
    if (engine_send(c->engine, verb, args, &id, &e) < 0 ||
        engine_wait(c->engine, id, ANSWER_MS, ret, &e) < 0) {
        (void)cli_fail_err("", &e);
        return false;
    }
    if (ret->code < 0) {
        (void)cli_fail("", ret->text[0] ? ret->text : strerror(-ret->code));
        reply_done(ret);
        return false;
    }
    return true;
}

static bool find_ticket(struct cli *c, uint64_t id, struct ticket_row *ret)
{
    struct snapshot *s = engine_snapshot(c->engine);
    const struct ticket_row key = {.id = id};
    const struct ticket_row *row = view_find(s->tables[TABLE_TICKETS], &key);

    if (row)
        *ret = *row;
    snapshot_unref(s);
    return row != NULL;
}

static void show_step(const struct ticket_row *t, uint32_t *shown)
{
    if (t->step == *shown || !isatty(STDERR_FILENO) || t->state != TICKET_RUNNING)
        return;
    *shown = t->step;
    (void)fprintf(stderr, "ticket %llu  %s  %u of %u: %s\n", (unsigned long long)t->id, t->command,
                  t->step, t->steps, t->step_name);
}

static void show_end(const struct ticket_row *t)
{
    int64_t ms = t->ended_ms - t->started_ms;

    if (isatty(STDERR_FILENO) && t->state == TICKET_DONE)
        (void)fprintf(stderr, "ticket %llu  %s  done in %lld.%lld s\n", (unsigned long long)t->id,
                      t->command, (long long)(ms / 1000), (long long)(ms / 100 % 10));
}

bool cli_ticket_wait(struct cli *c, uint64_t id, uint64_t timeout_s, struct ticket_row *ret)
{
    int64_t end = mono_ms() + (int64_t)timeout_s * 1000;
    uint32_t shown = 0;

    for (;;) {
        engine_drain(c->engine);
        if (find_ticket(c, id, ret)) {
            if (ret->state == TICKET_DONE || ret->state == TICKET_FAILED) {
                show_end(ret);
                return true;
            }
            show_step(ret, &shown);
        }
        int64_t left = timeout_s ? end - mono_ms() : SILENT_MS;
        if (left <= 0)
            return false;
        if (now_ms() - engine_heartbeat_ms(c->engine) > SILENT_MS) {
            (void)cli_fail("", "the engine has ended or hangs; the next one goes on with what was begun");
            return false;
        }
        struct pollfd p = {.fd = engine_fd(c->engine), .events = POLLIN};
        (void)poll(&p, 1, (int)(left < SILENT_MS ? left : SILENT_MS)); /* woken early looks early */
    }
}

static void say_failed(const struct ticket_row *t)
{
    char what[160];

    (void)snprintf(what, sizeof what, "%s failed at step %u of %u (%s)", t->command, t->step,
                   t->steps, t->step_name);
    (void)cli_fail(what, t->error);
    (void)fprintf(stderr, "meshdeck: %s%s`meshdeck ticket show %llu` tells each step\n", t->undone,
                  t->undone[0] ? "; " : "", (unsigned long long)t->id);
}

bool cli_do_ticket(struct cli *c, const char *verb, json_t *args, struct ticket_row *ret)
{
    struct reply r;

    if (!cli_ask(c, verb, args, &r))
        return false;
    uint64_t id = (uint64_t)json_integer_value(json_object_get(r.body, "ticket"));
    reply_done(&r);
    if (id == 0) {
        (void)cli_fail(verb, "the engine gave no ticket for it");
        return false;
    }
    memset(ret, 0, sizeof *ret);
    if (!cli_ticket_wait(c, id, 0, ret)) /* without a limit: it ends, or the engine does */
        return false;
    if (ret->state == TICKET_FAILED)
        say_failed(ret);
    return ret->state == TICKET_DONE;
}

int cli_do(struct cli *c, const char *verb, json_t *args)
{
    struct ticket_row t;

    if (json_is_true(json_object_get(args, "dry_run"))) {
        struct reply r;
        if (!cli_ask(c, verb, args, &r))
            return CLI_FAILED;
        int status = cli_print_plan(c, r.body);
        reply_done(&r);
        return status;
    }
    if (!cli_do_ticket(c, verb, args, &t))
        return CLI_FAILED;
    return c->json ? cli_print_row(row_type_of(TABLE_TICKETS), &t) : CLI_DONE;
}

static void print_clean(FILE *f, const char *before, const char *text)
{
    char clean[1024];

    text_clean(clean, sizeof clean, text ? text : "", text ? strlen(text) : 0);
    (void)fprintf(f, "%s%s\n", before, clean);
}

int cli_print_plan(struct cli *c, const json_t *body)
{
    const json_t *errors = json_object_get(body, "errors");
    json_t *step, *command, *error;
    size_t i, k;

    if (c->json)
        (void)cli_print_json(body);
    json_array_foreach(json_object_get(body, "plan"), i, step)
    {
        if (c->json)
            break;
        char number[24];
        (void)snprintf(number, sizeof number, "%zu ", i + 1);
        print_clean(stdout, number, json_string_value(json_object_get(step, "step")));
        json_array_foreach(json_object_get(step, "commands"), k, command)
            print_clean(stdout, "    ", json_string_value(command));
    }
    if (json_is_true(json_object_get(body, "touches_way_in")))
        (void)cli_fail("careful", "this plan touches the connection that you came in by");
    json_array_foreach(errors, i, error)
    {
        const char *field = json_string_value(json_object_get(error, "field"));
        const char *text = json_string_value(json_object_get(error, "text"));
        (void)cli_fail(field ? field : "", text ? text : "");
    }
    return json_array_size(errors) > 0 ? CLI_FAILED : CLI_DONE;
}

int cli_agreed(struct cli *c, const char *question)
{
    char line[16];

    if (opt_has(&c->given, "yes"))
        return CLI_DONE;
    if (!isatty(STDIN_FILENO)) {
        (void)cli_fail(question, "nobody is here to ask; give --yes to say so");
        return CLI_USAGE;
    }
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (!fgets(line, sizeof line, stdin) || (line[0] != 'y' && line[0] != 'Y'))
        return cli_fail("", "nothing was done");
    return CLI_DONE;
}

struct snapshot *cli_snapshot(struct cli *c)
{
    int64_t end = mono_ms() + READY_MS;

    for (;;) {
        engine_drain(c->engine);
        struct snapshot *s = engine_snapshot(c->engine);
        int64_t left = end - mono_ms();
        if (s->meta.engine_ready || left <= 0) {
            if (!s->meta.engine_ready)
                (void)cli_fail("", "the engine has not read everything yet: this is a part");
            return s;
        }
        snapshot_unref(s);
        struct pollfd p = {.fd = engine_fd(c->engine), .events = POLLIN};
        (void)poll(&p, 1, (int)left);
    }
}
