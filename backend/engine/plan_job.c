/*
 * Steps of a ticket that come from a plan. Each step runs its operations through exec.h and
 * remembers which were carried out, so that an undo takes back those and no others.
 */
#include "backend/engine/plan_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/engine/exec.h"

struct plan_run {
    struct plan *plan;
    unsigned first_step; /* the job's index of the plan's step 0 */
    bool *done;          /* a flag an operation of the plan */
    struct exec exec;
    struct plan_op *undo_ops;
    bool *undo_done;
};

static struct plan_run *run_of(struct job *j)
{
    return ((struct plan_ctx *)job_ctx(j))->run;
}

static const struct plan_step *step_of(struct job *j)
{
    struct plan_run *r = run_of(j);
    return &r->plan->steps[job_step_index(j) - r->first_step];
}

static void step_ended(struct exec *x, const struct err *failed, void *arg)
{
    (void)x;
    if (failed)
        job_step_failed(arg, failed);
    else
        job_step_done(arg);
}

static void step_run(struct job *j)
{
    struct plan_run *r = run_of(j);
    const struct plan_step *s = step_of(j);

    if (s->detail[0])
        job_detail(j, "%s", s->detail);
    r->exec = (struct exec){.core = job_core(j), .job = j, .ops = r->plan->ops + s->first_op,
                            .done = r->done + s->first_op, .n = s->n_ops, .ended = step_ended, .arg = j};
    exec_run(&r->exec);
}

static void undo_ended(struct exec *x, const struct err *failed, void *arg)
{
    struct job *j = arg;
    struct plan_run *r = run_of(j);
    char text[320];

    (void)x;
    free(r->undo_ops);
    free(r->undo_done);
    r->undo_ops = NULL;
    r->undo_done = NULL;
    if (failed) {
        (void)snprintf(text, sizeof text, "%s: not undone: %s", step_of(j)->name, failed->text);
        job_undo_done(j, text);
    } else {
        job_undo_done(j, NULL);
    }
}

static void step_undo(struct job *j)
{
    struct plan_run *r = run_of(j);
    const struct plan_step *s = step_of(j);
    size_t n = 0;

    r->undo_ops = calloc(s->n_ops + 1, sizeof *r->undo_ops);
    r->undo_done = calloc(s->n_ops + 1, sizeof *r->undo_done);
    for (size_t i = s->n_ops; r->undo_ops && r->undo_done && i > 0; i--)
        if (r->done[s->first_op + i - 1] &&
            plan_op_undo(&r->plan->ops[s->first_op + i - 1], &r->undo_ops[n]))
            n++;
    r->exec = (struct exec){.core = job_core(j), .job = j, .ops = r->undo_ops, .done = r->undo_done,
                            .n = n, .ended = undo_ended, .arg = j, .undoing = true};
    exec_run(&r->exec);
}

int plan_run_new_take(struct job *j, struct plan *p, bool undoable, struct plan_run **ret,
                      struct err *e)
{
    struct plan_run *r = calloc(1, sizeof *r);
    struct job_step *steps = calloc(p->n_steps + 1, sizeof *steps);
    int code = r && steps ? 0 : -ENOMEM;

    if (r) {
        r->plan = p;
        r->first_step = job_step_count(j);
        r->done = calloc(p->n_ops + 1, sizeof *r->done);
        if (!r->done)
            code = -ENOMEM;
    } else {
        plan_free(p);
    }
    for (size_t i = 0; code == 0 && i < p->n_steps; i++) {
        steps[i] = (struct job_step){.name = p->steps[i].name, .run = step_run, .undo = step_undo,
                                     .keeps = !undoable};
        /* Once QEMU runs and the row is whole, a guest that does not answer is told, not undone. */
        for (size_t k = 0; k < p->steps[i].n_ops; k++)
            if (p->ops[p->steps[i].first_op + k].kind == PLAN_OP_COMMIT ||
                p->ops[p->steps[i].first_op + k].kind == PLAN_OP_VM_START)
                steps[i].keeps = true;
    }
    if (code == 0)
        code = job_add_steps(j, steps, (unsigned)p->n_steps);
    free(steps);
    if (code < 0) {
        plan_run_free(r);
        return err_set(e, ERR_AREA_HOST, code, "planning: out of memory");
    }
    *ret = r;
    return 0;
}

void plan_run_free(struct plan_run *r)
{
    if (!r)
        return;
    plan_free(r->plan);
    free(r->done);
    free(r->undo_ops);
    free(r->undo_done);
    free(r);
}
