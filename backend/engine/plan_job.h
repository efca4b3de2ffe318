#ifndef MESHDECK_ENGINE_PLAN_JOB_H
#define MESHDECK_ENGINE_PLAN_JOB_H
/*
 * A plan as the steps of a ticket: one step a stage, undone operation by operation in reverse when a
 * later one fails. Engine thread.
 */
#include <stdbool.h>

#include "backend/engine/job.h"
#include "backend/plan/plan.h"

struct plan_run; /* a plan on its way; lies in the job's context */

/* Adds the plan's steps to the job, behind those it has. Takes the plan over in every case. Without
 * `undoable` a failed step leaves what came before it in place: repairs are never taken back. */
int plan_run_new_take(struct job *j, struct plan *p, bool undoable, struct plan_run **ret,
                      struct err *e);
void plan_run_free(struct plan_run *r); /* NULL is fine */

/* The context of a job whose steps come from a plan begins with this. */
struct plan_ctx {
    struct plan_run *run;
};

#endif
