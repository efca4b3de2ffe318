#ifndef MESHDECK_ENGINE_JOB_H
#define MESHDECK_ENGINE_JOB_H
/*
 * A ticket at work. A job is an ordered list of steps; each runs, later says that it is done or
 * failed, and on failure the steps done so far are undone in reverse. What it does is written to the
 * store before its first step, and the console reads it as a row of the tickets table. A bulk job
 * has other jobs as its entries and runs a few of them at a time. Engine thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/rows.h"

struct core;
struct job;
struct json_t;
struct request;

enum { JOB_KEPT = 64 };

struct job_step {
    const char *name;            /* "tap", as the operator reads it */
    void (*run)(struct job *j);  /* ends in job_step_done or job_step_failed, now or later */
    void (*undo)(struct job *j); /* ends in job_undo_done; NULL: nothing to undo */
    void (*cancel)(struct job *j); /* asks a step that waits to fail soon; NULL: it ends by itself */
    bool keeps;                  /* once it is done, a later failure undoes nothing */
};

/* More steps behind the present ones, for work whose plan is made on the way. -ENOMEM. */
int job_add_steps(struct job *j, const struct job_step *steps, unsigned n);
unsigned job_step_index(const struct job *j); /* of the running step, or of the one undone */
unsigned job_step_count(const struct job *j);

struct job_spec {
    const char *verb, *object;      /* "create", "web3" */
    const char *kind;               /* what the object is, for the journal: "vm", "peer" */
    const struct job_step *steps;   /* copied; their names are static or interned */
    unsigned n_steps;
    void *ctx;                      /* taken over; given back to free_ctx at the end */
    void (*free_ctx)(void *ctx);
    void (*ended)(struct job *j, void *ctx, const struct err *e); /* before free_ctx; may be NULL */
    const char *who;
    const struct json_t *args;      /* what the operator asked, kept with the ticket; may be NULL */
    uint64_t vm_id;                 /* whose row the console follows; 0: none */
};

/* Starts a job with a ticket of its own. `r`, when given, is answered with {"ticket": id, ...more}
 * once the ticket is safe in the store; both r and more are taken over in every case. */
void job_start(struct core *c, const struct job_spec *spec, struct request *r,
               struct json_t *more);

/* Starts a job as an entry of a bulk job: no ticket of its own. */
void job_start_entry(struct job *bulk, unsigned entry, const struct job_spec *spec);

/* A bulk job of n entries; `entry` is called for each when its turn comes and must lead to
 * job_start_entry or job_entry_ended. */
struct bulk_spec {
    const char *verb, *what, *who;  /* "stop", "12 VMs" */
    const char *const *names;       /* copied */
    unsigned n, at_once;
    void *ctx;
    void (*free_ctx)(void *ctx);
    void (*entry)(struct job *bulk, unsigned entry, const char *name);
    const struct json_t *args;
};
void job_start_bulk(struct core *c, const struct bulk_spec *spec, struct request *r);
void job_entry_ended(struct job *bulk, unsigned entry, const struct err *e); /* code 0: done */

struct core *job_core(const struct job *j);
void *job_ctx(const struct job *j);
uint64_t job_ticket(const struct job *j); /* the bulk's for an entry */
const char *job_who(const struct job *j);
bool job_is_cancelled(const struct job *j);

void job_detail(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_step_done(struct job *j);
void job_step_failed(struct job *j, const struct err *e);
void job_undo_done(struct job *j, const char *what); /* what was undone, for people; may be NULL */

/* Asks it to stop and undo what it did; false when it is past that. */
bool job_cancel_by(struct job *j, const char *who);
struct job *job_find(struct core *c, uint64_t ticket); /* running or kept */
bool job_is_running(const struct job *j);
/* What ticket.detail answers: list, undone. */
struct json_t *job_to_json(const struct job *j);
unsigned jobs_running(const struct core *c);

int jobs_init(struct core *c);
void jobs_done(struct core *c);

#endif
