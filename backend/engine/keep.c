/*
 * Jobs for the store thread that many parts share. Each job owns its argument; done runs on the
 * loop. Failures of writes that nobody waits for become one alert, since what is not written down
 * is what a restart would lose.
 */
#include "backend/engine/keep.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/core.h"
#include "backend/model/text.h"
#include "backend/store/store.h"
#include "backend/store/ticketrec.h"

static void write_failed(struct core *c, const struct err *e)
{
    if (e->code == -ENOSPC)
        base_give_ballast(c);
    journal_raise(c, "store", ALERT_CRIT, "database", "deck", "cannot be written", e->text, 0, 0);
}

static void write_worked(struct core *c)
{
    journal_clear(c, "store");
}

static void record_from_row(struct ticket_rec *t, const struct ticket_row *row)
{
    memset(t, 0, sizeof *t);
    t->id = row->id;
    str_copy(t->verb, sizeof t->verb, row->verb);
    str_copy(t->command, sizeof t->command, row->command);
    str_copy(t->object, sizeof t->object, row->object);
    t->state = row->state;
    t->step = row->step;
    t->steps = row->steps;
    str_copy(t->step_name, sizeof t->step_name, row->step_name);
    str_copy(t->error, sizeof t->error, row->error);
    str_copy(t->undone, sizeof t->undone, row->undone);
    str_copy(t->by, sizeof t->by, row->by);
    t->started_ms = row->started_ms;
    t->ended_ms = row->ended_ms;
}

struct ticket_job {
    struct core *core;
    struct ticket_rec rec;
    keep_ticket_fn *written;
    keep_command_fn *command;
    void *arg;
};

static int ticket_add_job(struct db *db, void *arg, struct err *e)
{
    struct ticket_job *j = arg;
    return ticketrec_add(db, &j->rec, e);
}

static int ticket_update_job(struct db *db, void *arg, struct err *e)
{
    struct ticket_job *j = arg;
    return ticketrec_update(db, &j->rec, e);
}

static void ticket_done(int code, const struct err *e, void *arg)
{
    struct ticket_job *j = arg;
    struct err none = {0};

    if (j->written)
        j->written(j->arg, code < 0 ? 0 : j->rec.id, code < 0 ? e : &none);
    else if (code < 0)
        write_failed(j->core, e);
    if (code >= 0)
        write_worked(j->core);
    ticketrec_done(&j->rec);
    free(j);
}

void keep_ticket_new(struct core *c, const struct ticket_row *row, const json_t *args,
                     keep_ticket_fn *written, void *arg)
{
    struct ticket_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (j) {
        record_from_row(&j->rec, row);
        j->rec.args = args ? json_dumps(args, JSON_COMPACT) : NULL;
        j->core = c;
        j->written = written;
        j->arg = arg;
        if (store_post(c->store, STORE_WRITE, ticket_add_job, ticket_done, j, &e) == 0)
            return;
        ticketrec_done(&j->rec);
        free(j);
    } else {
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "writing the ticket: out of memory");
    }
    written(arg, 0, &e);
}

void keep_ticket(struct core *c, const struct ticket_row *row)
{
    struct ticket_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j)
        return;
    record_from_row(&j->rec, row);
    j->core = c;
    if (store_post(c->store, STORE_WRITE, ticket_update_job, ticket_done, j, &e) < 0) {
        write_failed(c, &e);
        free(j);
    }
}

static int ticket_get_job(struct db *db, void *arg, struct err *e)
{
    struct ticket_job *j = arg;
    return ticketrec_get(db, j->rec.id, &j->rec, e);
}

static void ticket_got(int code, const struct err *e, void *arg)
{
    struct ticket_job *j = arg;
    struct err mine = {0};
    json_t *args = NULL;

    if (code < 0)
        mine = *e;
    else if (j->rec.args)
        (void)ticketrec_args_parse(j->rec.args, strlen(j->rec.args), &args, &mine);
    j->command(j->arg, j->rec.verb, args, &mine);
    json_decref(args);
    ticketrec_done(&j->rec);
    free(j);
}

void keep_ticket_command(struct core *c, uint64_t id, keep_command_fn *fn, void *arg)
{
    struct ticket_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j) {
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "reading the ticket: out of memory");
        fn(arg, "", NULL, &e);
        return;
    }
    j->core = c;
    j->rec.id = id;
    j->command = fn;
    j->arg = arg;
    if (store_post(c->store, STORE_READ, ticket_get_job, ticket_got, j, &e) < 0) {
        fn(arg, "", NULL, &e);
        free(j);
    }
}

/* Writes of one record each: the record lies behind the header. */
struct record_job {
    struct core *core;
    size_t max;
    keep_journal_fn *tail;
    keep_event_fn *one;
    void *arg;
    struct journal_rec *recs;
    size_t n;
    union {
        struct journal_rec event;
        struct settings settings;
        struct ack_rec ack;
    } u;
};

static void record_done(int code, const struct err *e, void *arg)
{
    struct record_job *j = arg;

    if (code < 0)
        write_failed(j->core, e);
    free(j);
}

static void record_post(struct core *c, store_job_fn *job, const void *record, size_t size)
{
    struct record_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j)
        return;
    j->core = c;
    memcpy(&j->u, record, size);
    if (store_post(c->store, STORE_WRITE, job, record_done, j, &e) < 0)
        free(j);
}

static int settings_job(struct db *db, void *arg, struct err *e)
{
    struct record_job *j = arg;
    return settings_put(db, &j->u.settings, e);
}

static int ack_job(struct db *db, void *arg, struct err *e)
{
    struct record_job *j = arg;
    return ackrec_put(db, &j->u.ack, e);
}

static int ack_drop_job(struct db *db, void *arg, struct err *e)
{
    struct record_job *j = arg;
    return ackrec_drop(db, j->u.ack.key, e);
}

void keep_settings(struct core *c, const struct settings *s)
{
    record_post(c, settings_job, s, sizeof *s);
}

void keep_ack(struct core *c, const struct ack_rec *ack)
{
    record_post(c, ack_job, ack, sizeof *ack);
}

void keep_ack_drop(struct core *c, const char *key)
{
    struct ack_rec ack = {0};
    str_copy(ack.key, sizeof ack.key, key);
    record_post(c, ack_drop_job, &ack, sizeof ack);
}

static int journal_read_job(struct db *db, void *arg, struct err *e)
{
    struct record_job *j = arg;

    if (j->one)
        return journal_get(db, j->u.event.id, &j->u.event, e);
    return journal_tail(db, j->u.event.object[0] ? j->u.event.object : NULL, j->max, &j->recs, &j->n,
                        e);
}

static void journal_read_done(int code, const struct err *e, void *arg)
{
    struct record_job *j = arg;
    struct err none = {0};

    if (j->one)
        j->one(j->arg, &j->u.event, code < 0 ? e : &none);
    else
        j->tail(j->arg, j->recs, code < 0 ? 0 : j->n, code < 0 ? e : &none);
    free(j->recs);
    free(j);
}

static void journal_read_post(struct core *c, struct record_job *j)
{
    struct err e = {0};

    if (store_post(c->store, STORE_READ, journal_read_job, journal_read_done, j, &e) < 0)
        journal_read_done(e.code, &e, j);
}

void keep_journal_read(struct core *c, const char *object, size_t most, keep_journal_fn *fn,
                       void *arg)
{
    struct record_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j) {
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "reading the journal: out of memory");
        fn(arg, NULL, 0, &e);
        return;
    }
    j->core = c;
    j->max = most;
    j->tail = fn;
    j->arg = arg;
    if (object)
        str_copy(j->u.event.object, sizeof j->u.event.object, object);
    journal_read_post(c, j);
}

void keep_event_read(struct core *c, uint64_t id, keep_event_fn *fn, void *arg)
{
    struct record_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j) {
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "reading the journal: out of memory");
        fn(arg, NULL, &e);
        return;
    }
    j->core = c;
    j->one = fn;
    j->arg = arg;
    j->u.event.id = id;
    journal_read_post(c, j);
}
