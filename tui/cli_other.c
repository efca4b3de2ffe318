/* Peers, images, alerts, tickets, the journal and the fleet's mark. Main thread. */
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "tui/cli.h"

static json_t *named(struct cli *c)
{
    json_t *args = opt_args(&c->given);

    json_object_set_new(args, "name", json_string(c->given.operands[0]));
    return args;
}

int cli_peer_add(struct cli *c)
{
    json_t *args = named(c);

    json_object_set_new(args, "public_key", json_string(c->given.operands[1]));
    return cli_do(c, "peer.add", args);
}

static int remove_named(struct cli *c, const char *verb, const char *what)
{
    char question[96];

    (void)snprintf(question, sizeof question, "%s %.60s?", what, c->given.operands[0]);
    int status = opt_has(&c->given, "dry-run") ? CLI_DONE : cli_agreed(c, question);
    return status == CLI_DONE ? cli_do(c, verb, named(c)) : status;
}

int cli_peer_remove(struct cli *c)
{
    return remove_named(c, "peer.remove", "Remove the peer");
}

int cli_image_delete(struct cli *c)
{
    return remove_named(c, "image.delete", "Delete the image");
}

int cli_image_build(struct cli *c)
{
    return cli_do(c, "image.build", NULL);
}

/* The operand as a number; what it is of, for the message. */
static bool number_operand(struct cli *c, const char *what, uint64_t *ret)
{
    const char *text = c->given.operands[0];
    char *end = NULL, why[64];

    *ret = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && *ret <= INT64_MAX)
        return true;
    (void)snprintf(why, sizeof why, "%s has a number; the list shows it", what);
    (void)cli_fail(text, why);
    return false;
}

int cli_alert_ack(struct cli *c)
{
    struct reply r;
    uint64_t id;

    if (!number_operand(c, "an alert", &id))
        return CLI_USAGE;
    if (!cli_ask(c, "alert.ack", json_pack("{s:I}", "id", (json_int_t)id), &r))
        return CLI_FAILED;
    reply_done(&r);
    return CLI_DONE;
}

int cli_fleet_mark(struct cli *c)
{
    const char *mark = c->given.operands[0];

    if (strcmp(mark, "production") != 0 && strcmp(mark, "normal") != 0) {
        (void)cli_fail(mark, "the mark is production or normal");
        return CLI_USAGE;
    }
    return cli_do(c, "fleet.mark", json_pack("{s:s}", "mark", mark));
}

int cli_plan(struct cli *c)
{
    struct reply r;
    char clean[512];
    json_t *note;
    size_t i;

    if (!cli_ask(c, "plan", NULL, &r))
        return CLI_FAILED;
    int status = cli_print_plan(c, r.body);
    if (!c->json && json_array_size(json_object_get(r.body, "plan")) == 0)
        (void)puts("Nothing to do: all is as it is wanted.");
    json_array_foreach(json_object_get(r.body, "notes"), i, note)
    {
        const char *s = json_string_value(note);
        text_clean(clean, sizeof clean, s ? s : "", s ? strlen(s) : 0);
        if (!c->json)
            (void)printf("note: %s\n", clean);
    }
    reply_done(&r);
    return status;
}

static void print_ticket(const json_t *body)
{
    char name[64], detail[256];
    json_t *one, *text;
    struct ticket_row t;
    size_t i;

    if (row_from_json(row_type_of(TABLE_TICKETS), json_object_get(body, "ticket"), &t, NULL) < 0)
        return;
    (void)printf("ticket %" PRIu64 "  %s  %s, step %u of %u  by %s\n", t.id, t.command,
                 ticket_state_names[t.state], t.step, t.steps, t.by[0] ? t.by : "-");
    json_array_foreach(json_object_get(body, "list"), i, one)
    {
        const char *n = json_string_value(json_object_get(one, "name"));
        const char *d = json_string_value(json_object_get(one, "detail"));
        const char *s = json_string_value(json_object_get(one, "state"));
        text_clean(name, sizeof name, n ? n : "", n ? strlen(n) : 0);
        text_clean(detail, sizeof detail, d ? d : "", d ? strlen(d) : 0);
        (void)printf("%4zu  %-24s %-8.16s %6" JSON_INTEGER_FORMAT " ms  %s\n", i + 1, name,
                     s ? s : "", json_integer_value(json_object_get(one, "ms")), detail);
    }
    if (t.error[0])
        (void)printf("error   %s\n", t.error);
    json_array_foreach(json_object_get(body, "undone"), i, text)
    {
        const char *s = json_string_value(text);
        text_clean(detail, sizeof detail, s ? s : "", s ? strlen(s) : 0);
        (void)printf("undone  %s\n", detail);
    }
}

int cli_ticket_show(struct cli *c)
{
    struct reply r;
    uint64_t id;

    if (!number_operand(c, "a ticket", &id))
        return CLI_USAGE;
    if (!cli_ask(c, "ticket.detail", json_pack("{s:I}", "id", (json_int_t)id), &r))
        return CLI_FAILED;
    if (c->json)
        (void)cli_print_json(r.body);
    else
        print_ticket(r.body);
    reply_done(&r);
    return CLI_DONE;
}

int cli_ticket_wait_for(struct cli *c)
{
    struct ticket_row t = {.id = 0};
    struct reply r;
    uint64_t id;

    if (!number_operand(c, "a ticket", &id))
        return CLI_USAGE;
    if (!cli_ask(c, "ticket.detail", json_pack("{s:I}", "id", (json_int_t)id), &r))
        return CLI_FAILED; /* there is none */
    reply_done(&r);
    if (!cli_ticket_wait(c, id, opt_uint(&c->given, "timeout", 0), &t))
        return cli_fail(c->given.operands[0], "the ticket has not ended in that time; it goes on");
    if (t.state == TICKET_FAILED)
        (void)cli_fail(t.command, t.error);
    if (c->json)
        (void)cli_print_row(row_type_of(TABLE_TICKETS), &t);
    return t.state == TICKET_DONE ? CLI_DONE : CLI_FAILED;
}

static int print_event(const struct event_row *r, bool json)
{
    char when[32];

    if (json) {
        json_t *j = row_to_json(row_type_of(TABLE_EVENTS), r);
        int bad = j ? json_dumpf(j, stdout, JSON_COMPACT) : -1;
        json_decref(j);
        (void)putchar('\n');
        return bad;
    }
    cli_format_instant(r->time_ms, when, sizeof when);
    return printf("%s  %-4s  %-20s  %s%s%s%s%s\n", when, event_level_names[r->level], r->object,
                  r->what, r->cause[0] ? "  " : "", r->cause, r->who[0] ? "  " : "", r->who) < 0;
}

/* Prints the events after `last`, oldest first; the newest one's id. */
static uint64_t print_after(struct cli *c, uint64_t last)
{
    struct snapshot *s = engine_snapshot(c->engine);
    const struct table_view *v = s->tables[TABLE_EVENTS];
    const struct event_row key = {.id = last + 1};

    for (size_t i = view_index_of(v, &key, NULL); i < v->n_rows; i++) {
        const struct event_row *r = view_at(v, i);
        (void)print_event(r, c->json); /* a reader that left is seen by fflush */
        last = r->id;
    }
    snapshot_unref(s);
    return last;
}

static const struct cli_column event_columns[] = {{"EVENTS", false, NULL}};

int cli_events(struct cli *c)
{
    uint64_t last = 0;

    if (!opt_has(&c->given, "follow") && c->json)
        return cli_print_table(c, TABLE_EVENTS, event_columns, 0, NULL, NULL, "");
    snapshot_unref(cli_snapshot(c));
    last = print_after(c, last);
    while (opt_has(&c->given, "follow") && fflush(stdout) == 0) {
        struct pollfd p[2] = {{engine_fd(c->engine), POLLIN, 0}, {1, 0, 0}};
        if (poll(p, 2, -1) > 0 && (p[1].revents & (POLLERR | POLLHUP)))
            break; /* who read us has gone */
        engine_drain(c->engine);
        last = print_after(c, last);
    }
    return CLI_DONE;
}
