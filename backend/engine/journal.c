/*
 * Events and alerts. An event is written to the store first, which numbers it, and shown when it is
 * there; when the store cannot take it, it is shown all the same. Alerts come from every part of the
 * engine by key, and the list decides which is worst. Engine thread.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/core.h"
#include "backend/engine/handlers.h"
#include "backend/engine/keep.h"
#include "backend/engine/load_rows.h"
#include "backend/model/table.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

enum { EVENTS_SHOWN = 2000, TICK_MS = 15000 };

struct journal {
    struct alert_list *alerts;
    uv_timer_t timer;
    uint64_t last_id;
};

struct event_job {
    struct core *core;
    struct journal_rec rec;
};

void load_event_row(const struct journal_rec *rec, struct event_row *ret)
{
    ret->id = rec->id;
    ret->time_ms = rec->time_ms;
    ret->level = rec->level;
    ret->object = text_intern(rec->object);
    ret->what = text_intern(rec->what);
    ret->cause = text_intern(rec->cause);
    ret->who = text_intern(rec->who);
}

static void event_show(struct core *c, const struct journal_rec *rec)
{
    struct event_row row;
    struct table *t = c->tables[TABLE_EVENTS];

    load_event_row(rec, &row);
    if (row.id > c->journal->last_id)
        c->journal->last_id = row.id;
    publish_put(c, TABLE_EVENTS, &row);
    while (table_count(t) > EVENTS_SHOWN) {
        struct event_row oldest = *(const struct event_row *)table_at(t, 0);
        publish_remove(c, TABLE_EVENTS, &oldest);
    }
}

static int event_write(struct db *db, void *arg, struct err *e)
{
    struct event_job *j = arg;
    return journal_add(db, &j->rec, 1, e);
}

static void event_written(int code, const struct err *e, void *arg)
{
    struct event_job *j = arg;
    struct core *c = j->core;

    if (code < 0) {
        j->rec.id = c->journal->last_id + 1;
        journal_raise(c, "store", ALERT_CRIT, "database", "deck", "cannot be written", e->text, 0, 0);
    } else {
        journal_clear(c, "store");
    }
    event_show(c, &j->rec);
    free(j);
}

static void event_post(struct core *c, const struct journal_rec *rec)
{
    struct event_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j)
        return;
    j->core = c;
    j->rec = *rec;
    if (!c->store || store_post(c->store, STORE_WRITE, event_write, event_written, j, &e) < 0) {
        j->rec.id = c->journal->last_id + 1;
        event_show(c, &j->rec);
        free(j);
    }
}

static void put_text(char *dst, size_t cap, const char *src)
{
    if (src)
        text_clean(dst, cap, src, strlen(src));
}

void journal_event(struct core *c, enum event_level level, const char *object, const char *cause,
                   const char *who, const char *fmt, ...)
{
    struct journal_rec rec = {.time_ms = now_ms(), .level = (uint8_t)level};
    char what[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    put_text(rec.what, sizeof rec.what, what);
    put_text(rec.object, sizeof rec.object, object);
    put_text(rec.cause, sizeof rec.cause, cause);
    put_text(rec.who, sizeof rec.who, who ? who : "meshdeck");
    event_post(c, &rec);
}

void journal_change(struct core *c, const char *object, const char *cause, const char *who,
                    const char *before, const char *after, const char *what)
{
    struct journal_rec rec = {.time_ms = now_ms(), .level = EVENT_INFO};

    put_text(rec.what, sizeof rec.what, what);
    put_text(rec.object, sizeof rec.object, object);
    put_text(rec.cause, sizeof rec.cause, cause);
    put_text(rec.who, sizeof rec.who, who ? who : "meshdeck");
    put_text(rec.before, sizeof rec.before, before);
    put_text(rec.after, sizeof rec.after, after);
    event_post(c, &rec);
}

/* Makes the alerts table what the list is. The list is short; a row that is equal costs nothing. */
static void alerts_show(struct core *c)
{
    struct table_view *v = table_snapshot(c->tables[TABLE_ALERTS]);
    struct alert_list *l = c->journal->alerts;

    for (size_t i = 0; v && i < v->n_rows; i++) {
        const struct alert_row *row = view_at(v, i);
        if (!alert_key_of(l, row->id))
            publish_remove(c, TABLE_ALERTS, row);
    }
    table_view_unref(v);
    for (size_t i = 0; i < alert_count(l); i++)
        publish_put(c, TABLE_ALERTS, alert_at(l, i));
}

static const char *level_word(enum alert_level level)
{
    return level == ALERT_CRIT ? "CRIT" : "WARN";
}

void journal_raise(struct core *c, const char *key, enum alert_level level, const char *object,
                   const char *view, const char *verdict, const char *sentence, uint32_t vms,
                   uint64_t object_id)
{
    struct alert_raise a = {.key = key, .level = level, .object = object, .view = view,
                            .verdict = verdict, .sentence = sentence, .vms = vms,
                            .object_id = object_id};
    bool changed = false, fresh = false;

    if (!c->journal || alert_raise(c->journal->alerts, &a, now_ms(), &changed, &fresh, NULL) < 0)
        return;
    if (changed)
        alerts_show(c);
    if (fresh && strcmp(key, "store") != 0)
        journal_event(c, level == ALERT_CRIT ? EVENT_CRIT : EVENT_WARN, object, "alert", NULL,
                      "%s %s", level_word(level), sentence);
}

void journal_clear(struct core *c, const char *key)
{
    if (!c->journal || !alert_end(c->journal->alerts, key, now_ms()))
        return;
    if (c->store)
        keep_ack_drop(c, key);
    alerts_show(c);
}

uint64_t journal_mark(struct core *c)
{
    return c->journal ? alert_mark(c->journal->alerts) : 0;
}

void journal_clear_unmarked(struct core *c, const char *prefix, uint64_t mark)
{
    if (c->journal && alert_end_unmarked(c->journal->alerts, prefix, mark, now_ms()) > 0)
        alerts_show(c);
}

static void journal_tick(uv_timer_t *timer)
{
    struct core *c = timer->data;

    if (alert_tick(c->journal->alerts, now_ms()) > 0)
        alerts_show(c);
}

int journal_init(struct core *c)
{
    c->journal = calloc(1, sizeof *c->journal);
    if (!c->journal)
        return -ENOMEM;
    c->journal->alerts = alert_list_new();
    if (!c->journal->alerts)
        return -ENOMEM;
    uv_timer_init(&c->loop, &c->journal->timer);
    c->journal->timer.data = c;
    uv_timer_start(&c->journal->timer, journal_tick, TICK_MS, TICK_MS);
    return 0;
}

void journal_load(struct core *c, const struct journal_rec *recs, size_t n,
                  const struct ack_rec *acks, size_t n_acks)
{
    for (size_t i = 0; i < n; i++)
        event_show(c, &recs[i]);
    for (size_t i = 0; i < n_acks; i++)
        (void)alert_restore_ack(c->journal->alerts, acks[i].key, acks[i].who,
                                (enum alert_level)acks[i].level, acks[i].vms);
}

void journal_done(struct core *c)
{
    if (!c->journal)
        return;
    alert_list_free(c->journal->alerts);
    free(c->journal);
    c->journal = NULL;
}

void alert_ack_request(struct request *r)
{
    struct core *c = r->core;
    uint64_t id = request_uint(r, "id", 0);
    struct err e = {0};

    if (alert_ack(c->journal->alerts, id, r->client->who, &e) < 0) {
        request_fail(r, &e);
        return;
    }
    struct alert_row key = {.id = id};
    alerts_show(c);
    const struct alert_row *row = table_find(c->tables[TABLE_ALERTS], &key);
    struct ack_rec ack = {.time_ms = now_ms()};
    str_copy(ack.key, sizeof ack.key, alert_key_of(c->journal->alerts, id));
    str_copy(ack.who, sizeof ack.who, r->client->who);
    ack.level = row ? row->level : 0;
    ack.vms = row ? row->vms : 0;
    keep_ack(c, &ack);
    journal_event(c, EVENT_INFO, row ? row->object : "alert", "operator", r->client->who,
                  "acknowledged");
    request_ok_take(r, NULL);
}
