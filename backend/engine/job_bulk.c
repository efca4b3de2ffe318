/*
 * Many objects under one ticket: each entry is a small job of its own, a few at a time; one that
 * fails undoes itself and the others go on. Engine thread.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/core.h"
#include "backend/engine/job_internal.h"
#include "backend/model/text.h"

static void bulk_over(struct job *bulk)
{
    if (bulk->n_failed > 0) {
        const char *first = "";
        for (unsigned i = 0; i < bulk->n && !*first; i++)
            if (bulk->entries[i].state == ENTRY_FAILED)
                first = bulk->entries[i].detail ? bulk->entries[i].detail : "";
        err_set(&bulk->err, ERR_AREA_INPUT, -EIO, "%u of %u failed: %s", bulk->n_failed, bulk->n,
                first);
    }
    job_end(bulk);
}

void job_bulk_feed(struct job *bulk)
{
    struct err stop = {0};

    while (bulk->step < bulk->n && bulk->n_active < bulk->at_once) {
        unsigned i = bulk->step++;
        struct job_entry *en = &bulk->entries[i];
        bulk->n_active++;
        if (bulk->cancelled) {
            err_set(&stop, ERR_AREA_INPUT, -ECANCELED, "cancelled by %s", bulk->cancelled_by);
            job_entry_ended(bulk, i, &stop);
            continue;
        }
        en->state = ENTRY_RUNNING;
        en->began_ms = (int64_t)uv_now(&bulk->core->loop);
        bulk->row.state = TICKET_RUNNING;
        bulk->entry(bulk, i, en->name);
    }
}

void job_entry_ended(struct job *bulk, unsigned entry, const struct err *e)
{
    struct job_entry *en = &bulk->entries[entry];

    en->state = e->code ? ENTRY_FAILED : ENTRY_DONE;
    en->ms = (int64_t)uv_now(&bulk->core->loop) - en->began_ms;
    if (e->code) {
        free(en->detail);
        en->detail = strdup(e->text);
        bulk->n_failed++;
    }
    bulk->n_active--;
    bulk->row.step = ++bulk->n_ended;
    job_show(bulk, false);
    if (bulk->n_ended == bulk->n)
        bulk_over(bulk);
    else
        job_later(bulk);
}

static struct job *bulk_new(struct core *c, const struct bulk_spec *spec)
{
    struct job *j = calloc(1, sizeof *j);
    size_t bytes = 0;

    if (!j)
        return NULL;
    for (unsigned i = 0; i < spec->n; i++)
        bytes += strlen(spec->names[i]) + 1;
    j->entries = calloc(spec->n, sizeof *j->entries);
    j->names = malloc(bytes);
    j->undone = json_array();
    if (!j->entries || !j->names || !j->undone) {
        job_free(j);
        return NULL;
    }
    char *at = j->names;
    for (unsigned i = 0; i < spec->n; i++) {
        size_t len = strlen(spec->names[i]) + 1;
        j->entries[i].name = memcpy(at, spec->names[i], len);
        at += len;
    }
    j->core = c;
    j->n = spec->n;
    j->at_once = spec->at_once > 0 ? spec->at_once : 1;
    j->ctx = spec->ctx;
    j->free_ctx = spec->free_ctx;
    j->entry = spec->entry;
    job_row_init(j, spec->verb, spec->what, spec->who);
    j->kind = text_intern("");
    return j;
}

void job_start_bulk(struct core *c, const struct bulk_spec *spec, struct request *r)
{
    struct job *j = bulk_new(c, spec);

    if (!j) {
        struct err e = {0};
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "%s %s: out of memory", spec->verb, spec->what);
        if (spec->free_ctx)
            spec->free_ctx(spec->ctx);
        if (r)
            request_fail(r, &e);
        return;
    }
    job_enter(c, j, spec->args, r, NULL);
}
