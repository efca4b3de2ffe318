#ifndef MESHDECK_ENGINE_JOB_INTERNAL_H
#define MESHDECK_ENGINE_JOB_INTERNAL_H
/* What job.c and job_bulk.c share. Engine thread. */
#include <uv.h>

#include "backend/engine/job.h"

enum entry_state { ENTRY_WAITING, ENTRY_RUNNING, ENTRY_DONE, ENTRY_FAILED, ENTRY_UNDONE };

struct job_entry {
    const char *name; /* static, interned, or in job.names */
    char *detail;
    enum entry_state state;
    int64_t began_ms, ms;
};

struct job {
    struct job *next;
    struct core *core;
    struct ticket_row row;
    const char *kind; /* "" or the object's, interned */
    struct job_step *steps; /* NULL: a bulk job */
    struct job_entry *entries;
    char *names; /* of a bulk job's entries */
    unsigned n, step, n_undone;
    void *ctx;
    void (*free_ctx)(void *ctx);
    void (*ended)(struct job *j, void *ctx, const struct err *e);
    void (*entry)(struct job *bulk, unsigned entry, const char *name);
    struct job *bulk; /* for an entry of a bulk job: that job, which outlives it */
    unsigned bulk_entry, at_once, n_active, n_ended, n_failed;
    struct request *request; /* until the ticket is written down */
    struct json_t *more, *undone;
    struct err err;
    bool running, undoing, kept, cancelled;
    char cancelled_by[96];
    uv_timer_t timer;
};

struct jobs {
    struct job *first; /* newest first: running and kept ones */
    unsigned n_running, n_kept;
};

void job_free(struct job *j);
void job_show(struct job *j, bool keep);
void job_later(struct job *j);
void job_end(struct job *j);
void job_row_init(struct job *j, const char *verb, const char *object, const char *who);
void job_enter(struct core *c, struct job *j, const struct json_t *args, struct request *r,
               struct json_t *more);
/* Starts as many entries as may run at once. */
void job_bulk_feed(struct job *bulk);

#endif
