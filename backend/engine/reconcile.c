/*
 * Asks the planner about everything and makes a ticket of what it answers. A repair that fails is
 * told once and tried again with growing pauses. Engine thread.
 */
#include "backend/engine/reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/boot.h"
#include "backend/engine/gather.h"
#include "backend/engine/plan_job.h"
#include "backend/engine/vms.h"

enum { GATHER_MS = 200, RETRY_MS = 5000, RETRY_MOST_MS = 60000, TOLD_MOST = 8 };

struct reconcile {
    uv_timer_t timer;
    bool running, again, first;
    unsigned retry_ms;
};

struct repair {
    struct plan_ctx ctx; /* first: plan_job.c looks for it here */
    struct core *core;
    struct plan *plan; /* until the job's first step has taken it */
};

static void reconcile_now(uv_timer_t *timer);

static void pause_then_again(struct core *c, unsigned ms)
{
    uv_timer_start(&c->reconcile->timer, reconcile_now, ms, 0);
}

static void first_is_over(struct core *c)
{
    if (!c->reconcile->first)
        return;
    c->reconcile->first = false;
    boot_ready(c);
}

static void repair_ended(struct job *j, void *ctx, const struct err *e)
{
    struct repair *rep = ctx;
    struct core *c = rep->core;
    struct reconcile *rc = c->reconcile;

    (void)j;
    rc->running = false;
    if (e->code) {
        journal_raise(c, "repair", ALERT_CRIT, c->meta.node, "nodes", "cannot be repaired", e->text,
                      0, 0);
        rc->retry_ms = rc->retry_ms ? rc->retry_ms * 2 : RETRY_MS;
        if (rc->retry_ms > RETRY_MOST_MS)
            rc->retry_ms = RETRY_MOST_MS;
        pause_then_again(c, rc->retry_ms);
    } else {
        rc->retry_ms = 0;
        journal_clear(c, "repair");
        if (rc->again)
            reconcile_soon(c);
    }
    first_is_over(c);
}

static void repair_free(void *ctx)
{
    struct repair *rep = ctx;

    plan_run_free(rep->ctx.run);
    plan_free(rep->plan);
    free(rep);
}

/* The first step turns the plan into the steps that follow it. */
static void repair_begin(struct job *j)
{
    struct repair *rep = job_ctx(j);
    struct plan *p = rep->plan;
    struct err e = {0};

    rep->plan = NULL;
    job_detail(j, "%zu operations", p->n_ops);
    if (plan_run_new_take(j, p, false, &rep->ctx.run, &e) < 0)
        job_step_failed(j, &e);
    else
        job_step_done(j);
}

/* What the planner still has to say stays an alert; what it no longer says is over. */
static void tell_notes(struct core *c, const struct plan *p)
{
    uint64_t mark = journal_mark(c);

    for (size_t i = 0; i < p->n_notes; i++) {
        const struct plan_note *n = &p->notes[i];
        char key[ALERT_KEY];
        (void)snprintf(key, sizeof key, "plan:%d:%llu", (int)n->kind, (unsigned long long)n->id);
        /* A machine whose monitor is still being asked is no alarm; one that stays silent has its own. */
        if (n->kind == PLAN_NOTE_UNREAD || n->kind == PLAN_NOTE_DEFAULT_PREFIX ||
            n->kind == PLAN_NOTE_FOREIGN_PEER || n->kind == PLAN_NOTE_VM_UNKNOWN)
            continue;
        journal_raise(c, key, ALERT_WARN, c->meta.node, "nodes", "drift", n->text, 0, n->id);
    }
    journal_clear_unmarked(c, "plan:", mark);
}

/* What was changed behind our back is told as what is done about it. */
static void tell_drift(struct core *c, const struct plan *p)
{
    char object[48], text[160];

    for (size_t i = 0; i < p->n_ops && i < TOLD_MOST; i++) {
        const struct plan_op *op = &p->ops[i];
        if (op->vm_id && op->kind < PLAN_OP_TAP_ADD)
            continue; /* what an ended VM leaves is no drift */
        if (op->vm)
            (void)snprintf(object, sizeof object, "vm %s", op->vm->name);
        else
            (void)snprintf(object, sizeof object, "node %s", c->meta.node);
        journal_event(c, EVENT_WARN, object, "drift", NULL, "repairs %s",
                      plan_op_text(op, text, sizeof text));
    }
    if (p->n_ops > TOLD_MOST)
        journal_event(c, EVENT_WARN, "host", "drift", NULL, "repairs %zu things more",
                      p->n_ops - TOLD_MOST);
}

static void repair_start(struct core *c, struct plan *p)
{
    static const struct job_step look = {.name = "plan", .run = repair_begin, .keeps = true};
    struct repair *rep = calloc(1, sizeof *rep);

    if (!rep) {
        plan_free(p);
        pause_then_again(c, RETRY_MS);
        return;
    }
    rep->core = c;
    rep->plan = p;
    c->reconcile->running = true;
    if (!c->reconcile->first && c->reconcile->retry_ms == 0)
        tell_drift(c, p);
    struct job_spec spec = {.verb = c->reconcile->first ? "start" : "repair", .object = c->meta.node,
                            .steps = &look, .n_steps = 1, .ctx = rep, .free_ctx = repair_free,
                            .ended = repair_ended, .who = "meshdeck"};
    job_start(c, &spec, NULL, NULL);
}

/* Machines with a ticket at work are that ticket's business. False: everything may be looked at. */
static bool scope_without_busy(struct core *c, struct plan_scope *scope, uint64_t **ret_ids)
{
    bool busy = false;
    size_t n = 0;

    for (const struct vm *v = c->vms->first; v; v = v->next)
        busy = busy || v->ticket != 0;
    *ret_ids = busy ? calloc(c->vms->n + 1, sizeof **ret_ids) : NULL;
    if (!*ret_ids)
        return false;
    for (const struct vm *v = c->vms->first; v; v = v->next)
        if (v->ticket == 0)
            (*ret_ids)[n++] = v->rec.id;
    *scope = (struct plan_scope){.only = true, .node = true, .peers = true, .vms_b = *ret_ids, .n_vms = n};
    return true;
}

static void reconcile_now(uv_timer_t *timer)
{
    struct core *c = timer->data;
    struct plan_scope scope = {0};
    struct plan *p = NULL;
    uint64_t *ids = NULL;
    struct err e = {0};

    if (c->closing || !c->set.may_change || !c->base)
        return;
    if (c->reconcile->running) {
        c->reconcile->again = true;
        return;
    }
    c->reconcile->again = false;
    struct gather *g = gather_new(c, 0);
    int r = -ENOMEM;
    if (g) {
        bool some = scope_without_busy(c, &scope, &ids);
        r = gather_plan(g, some ? &scope : NULL, &p, &e);
    }
    gather_free(g);
    free(ids);
    if (r < 0) {
        journal_raise(c, "repair", ALERT_CRIT, c->meta.node, "nodes", "cannot plan",
                      e.code ? e.text : "out of memory", 0, 0);
        first_is_over(c);
        return;
    }
    tell_notes(c, p);
    if (p->n_steps > 0) {
        repair_start(c, p);
        return;
    }
    plan_free(p);
    journal_clear(c, "repair");
    first_is_over(c);
}

void reconcile_soon(struct core *c)
{
    if (!c->reconcile || c->closing || c->reconcile->first)
        return;
    if (c->reconcile->running) {
        c->reconcile->again = true;
        return;
    }
    if (!uv_is_active((uv_handle_t *)&c->reconcile->timer))
        pause_then_again(c, GATHER_MS);
}

void reconcile_first(struct core *c)
{
    c->reconcile->first = true;
    pause_then_again(c, 0);
}

int reconcile_init(struct core *c)
{
    c->reconcile = calloc(1, sizeof *c->reconcile);
    if (!c->reconcile)
        return -ENOMEM;
    uv_timer_init(&c->loop, &c->reconcile->timer);
    c->reconcile->timer.data = c;
    return 0;
}

void reconcile_done(struct core *c)
{
    free(c->reconcile);
    c->reconcile = NULL;
}
