/*
 * The life of a ticket: accepted (written down), its steps one by one, done, or failed with what was
 * undone. Steps never call each other; they end here, and the next one starts from the loop.
 * Engine thread.
 */
#include "backend/engine/job.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/core.h"
#include "backend/engine/fault.h"
#include "backend/engine/job_internal.h"
#include "backend/engine/keep.h"
#include "backend/model/text.h"

static void job_next(struct job *j);
static void job_undo_next(struct job *j);

static int64_t entry_elapsed(const struct job *j, const struct job_entry *en)
{
    return (int64_t)uv_now(&j->core->loop) - en->began_ms;
}

/* Brings the row of the ticket up to date and shows it; `keep` also writes it down. */
void job_show(struct job *j, bool keep)
{
    if (j->bulk)
        return;
    publish_put(j->core, TABLE_TICKETS, &j->row);
    if (keep)
        keep_ticket(j->core, &j->row);
}

void job_free(struct job *j)
{
    if (!j)
        return;
    for (unsigned i = 0; i < j->n; i++)
        free(j->entries[i].detail);
    free(j->entries);
    free(j->steps);
    free(j->names);
    json_decref(j->undone);
    free(j);
}

/* Old finished jobs go; their rows stay in the table and in the store. */
static void jobs_trim(struct jobs *js)
{
    while (js->n_kept > JOB_KEPT) {
        struct job **p = &js->first, *victim = NULL;
        while (*p && (*p)->running)
            p = &(*p)->next;
        if (!*p)
            return;
        victim = *p;
        *p = victim->next;
        js->n_kept--;
        job_free(victim);
    }
}

static void job_finish(struct job *j)
{
    struct core *c = j->core;
    struct job *bulk = j->bulk;
    unsigned entry = j->bulk_entry;
    struct err e = j->err;

    j->running = false;
    j->row.state = e.code ? TICKET_FAILED : TICKET_DONE;
    j->row.ended_ms = now_ms();
    j->row.error = text_intern(e.text);
    if (j->ended)
        j->ended(j, j->ctx, &e);
    if (j->free_ctx)
        j->free_ctx(j->ctx);
    j->ctx = NULL;
    if (bulk) {
        job_free(j);
        job_entry_ended(bulk, entry, &e);
        return;
    }
    if (j->row.id)
        job_show(j, true);
    c->jobs->n_running--;
    c->jobs->n_kept++;
    jobs_trim(c->jobs);
}

static void job_tick(uv_timer_t *timer)
{
    struct job *j = timer->data;

    uv_timer_stop(timer);
    if (!j->steps)
        job_bulk_feed(j);
    else if (j->undoing)
        job_undo_next(j);
    else
        job_next(j);
}

static void job_timer_closed(uv_handle_t *handle)
{
    job_finish(handle->data);
}

/* Lets the loop turn before the next step, so that a long list never holds a key back. */
void job_later(struct job *j)
{
    uv_timer_start(&j->timer, job_tick, 0, 0);
}

void job_end(struct job *j)
{
    uv_close((uv_handle_t *)&j->timer, job_timer_closed);
}

static void job_next(struct job *j)
{
    if (j->cancelled && !j->err.code && j->step < j->n)
        err_set(&j->err, ERR_AREA_INPUT, -ECANCELED, "cancelled by %s", j->cancelled_by);
    if (j->err.code && !j->kept) {
        j->undoing = true;
        job_undo_next(j);
        return;
    }
    if (j->step == j->n || j->err.code) {
        job_end(j);
        return;
    }
    struct job_entry *en = &j->entries[j->step];
    en->state = ENTRY_RUNNING;
    en->began_ms = (int64_t)uv_now(&j->core->loop);
    j->row.state = TICKET_RUNNING;
    j->row.step = j->step + 1;
    j->row.step_name = text_intern(en->name);
    job_show(j, false);
    fault_point();
    if (j->bulk)
        job_detail(j->bulk, "%s: %s", j->row.object, en->name);
    j->steps[j->step].run(j);
}

void job_step_done(struct job *j)
{
    struct job_entry *en = &j->entries[j->step];

    en->state = ENTRY_DONE;
    en->ms = entry_elapsed(j, en);
    j->kept = j->kept || j->steps[j->step].keeps;
    j->step++;
    job_later(j);
}

void job_step_failed(struct job *j, const struct err *e)
{
    struct job_entry *en = &j->entries[j->step];

    en->state = ENTRY_FAILED;
    en->ms = entry_elapsed(j, en);
    free(en->detail);
    en->detail = strdup(e->text);
    j->err = *e;
    if (!j->err.code)
        j->err.code = -EIO;
    job_later(j);
}

static void job_undo_next(struct job *j)
{
    while (j->step > 0) {
        j->step--;
        if (j->entries[j->step].state == ENTRY_DONE && j->steps[j->step].undo) {
            j->steps[j->step].undo(j);
            return;
        }
    }
    if (j->n_undone > 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "%u step%s undone", j->n_undone,
                       j->n_undone == 1 ? " was" : "s were");
        j->row.undone = text_intern(text);
    }
    job_end(j);
}

void job_undo_done(struct job *j, const char *what)
{
    j->entries[j->step].state = ENTRY_UNDONE;
    j->n_undone++;
    json_array_append_new(j->undone, json_string(what ? what : j->entries[j->step].name));
    job_later(j);
}

void job_detail(struct job *j, const char *fmt, ...)
{
    char raw[256], clean[256];
    va_list ap;

    if (j->n == 0)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    text_clean(clean, sizeof clean, raw, strlen(raw));
    if (!j->steps) { /* a bulk job: the words stand beside its running step */
        j->row.step_name = text_intern(clean);
        job_show(j, false);
        return;
    }
    if (j->step >= j->n)
        return;
    free(j->entries[j->step].detail);
    j->entries[j->step].detail = strdup(clean);
}

int job_add_steps(struct job *j, const struct job_step *steps, unsigned n)
{
    struct job_step *all = realloc(j->steps, (j->n + n + 1) * sizeof *all);
    if (all)
        j->steps = all;
    struct job_entry *entries = realloc(j->entries, (j->n + n + 1) * sizeof *entries);
    if (entries)
        j->entries = entries;
    if (!all || !entries)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        j->steps[j->n] = steps[i];
        j->entries[j->n] = (struct job_entry){.name = steps[i].name};
        j->n++;
    }
    j->row.steps = j->n;
    return 0;
}

unsigned job_step_index(const struct job *j)
{
    return j->step;
}

unsigned job_step_count(const struct job *j)
{
    return j->n;
}

/* An entry of a job's list per step; the bulk's are made by job_bulk.c. */
static struct job *job_new(struct core *c, const struct job_spec *spec)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->core = c;
    j->undone = json_array();
    if (!j->undone || job_add_steps(j, spec->steps, spec->n_steps) < 0) {
        job_free(j);
        return NULL;
    }
    j->ctx = spec->ctx;
    j->free_ctx = spec->free_ctx;
    j->ended = spec->ended;
    job_row_init(j, spec->verb, spec->object, spec->who);
    j->kind = text_intern(spec->kind);
    return j;
}

void job_row_init(struct job *j, const char *verb, const char *object, const char *who)
{
    j->row.verb = text_intern(verb);
    j->row.object = text_intern(object);
    j->row.by = text_intern(who ? who : "meshdeck");
    j->row.step_name = j->row.error = j->row.undone = text_intern("");
    j->row.steps = j->n;
    j->row.state = TICKET_ACCEPTED;
    j->row.started_ms = now_ms();
    (void)snprintf(j->row.command, sizeof j->row.command, "%s %s", verb, object);
}

static void job_spec_drop(const struct job_spec *spec, const struct err *e)
{
    if (spec->ended)
        spec->ended(NULL, spec->ctx, e);
    if (spec->free_ctx)
        spec->free_ctx(spec->ctx);
}

static void job_written(void *arg, uint64_t id, const struct err *e)
{
    struct job *j = arg;
    struct request *r = j->request;
    json_t *more = j->more;

    j->request = NULL;
    j->more = NULL;
    j->row.id = id;
    if (e->code) { /* nothing was begun, so there is nothing to undo */
        json_decref(more);
        if (r)
            request_fail(r, e);
        j->err = *e;
        job_end(j);
        return;
    }
    job_show(j, false);
    if (r) {
        char cause[32], object[64];
        (void)snprintf(object, sizeof object, "%s%s%s", j->kind, *j->kind ? " " : "", j->row.object);
        (void)snprintf(cause, sizeof cause, "ticket %llu", (unsigned long long)id);
        journal_event(j->core, EVENT_INFO, object, cause, j->row.by, "%s asked", j->row.verb);
        if (!more)
            more = json_object();
        json_object_set_new(more, "ticket", json_integer((json_int_t)j->row.id));
        request_ok_take(r, more);
    } else {
        json_decref(more);
    }
    job_later(j);
}

void job_enter(struct core *c, struct job *j, const json_t *args, struct request *r, json_t *more)
{
    j->request = r;
    j->more = more;
    j->running = true;
    uv_timer_init(&c->loop, &j->timer);
    j->timer.data = j;
    j->next = c->jobs->first;
    c->jobs->first = j;
    c->jobs->n_running++;
    keep_ticket_new(c, &j->row, args, job_written, j);
}

void job_start(struct core *c, const struct job_spec *spec, struct request *r, json_t *more)
{
    struct job *j = job_new(c, spec);

    if (!j) {
        struct err e = {0};
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "%s %s: out of memory", spec->verb, spec->object);
        json_decref(more);
        job_spec_drop(spec, &e);
        if (r)
            request_fail(r, &e);
        return;
    }
    job_enter(c, j, spec->args, r, more);
}

void job_start_entry(struct job *bulk, unsigned entry, const struct job_spec *spec)
{
    struct job *j = job_new(bulk->core, spec);

    if (!j) {
        struct err e = {0};
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "%s: out of memory", spec->object);
        job_spec_drop(spec, &e);
        job_entry_ended(bulk, entry, &e);
        return;
    }
    j->bulk = bulk;
    j->bulk_entry = entry;
    j->row.id = bulk->row.id;
    j->running = true;
    uv_timer_init(&bulk->core->loop, &j->timer);
    j->timer.data = j;
    job_later(j);
}

bool job_cancel_by(struct job *j, const char *who)
{
    if (!j->running || j->undoing || j->kept)
        return false;
    j->cancelled = true;
    str_copy(j->cancelled_by, sizeof j->cancelled_by, who);
    if (j->steps && j->step < j->n && j->steps[j->step].cancel)
        j->steps[j->step].cancel(j);
    return true;
}

struct job *job_find(struct core *c, uint64_t ticket)
{
    for (struct job *j = c->jobs->first; j; j = j->next)
        if (j->row.id == ticket)
            return j;
    return NULL;
}

struct core *job_core(const struct job *j)
{
    return j->core;
}

void *job_ctx(const struct job *j)
{
    return j->ctx;
}

uint64_t job_ticket(const struct job *j)
{
    return j ? j->row.id : 0;
}

const char *job_who(const struct job *j)
{
    return j->row.by;
}

bool job_is_cancelled(const struct job *j)
{
    return j->cancelled || (j->bulk && j->bulk->cancelled);
}

bool job_is_running(const struct job *j)
{
    return j->running;
}

unsigned jobs_running(const struct core *c)
{
    return c->jobs ? c->jobs->n_running : 0;
}

int jobs_init(struct core *c)
{
    c->jobs = calloc(1, sizeof *c->jobs);
    return c->jobs ? 0 : -ENOMEM;
}

void jobs_done(struct core *c)
{
    while (c->jobs && c->jobs->first) {
        struct job *j = c->jobs->first;
        c->jobs->first = j->next;
        if (j->free_ctx && j->ctx)
            j->free_ctx(j->ctx);
        job_free(j);
    }
    free(c->jobs);
    c->jobs = NULL;
}
