/*
 * What an operator asks of machines: start, stop, restart, delete, pause, resume. The wish is
 * written down first, then the planner turns wish and reality into the steps of the ticket. Engine
 * thread. (Creating is in vm_create.c.)
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/gather.h"
#include "backend/engine/handlers.h"
#include "backend/engine/plan_job.h"
#include "backend/engine/preview.h"
#include "backend/engine/vm_op.h"
#include "backend/engine/vms.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

enum { STOP_LIMIT_S = 30 };

static const struct {
    const char *verb, *wish;
} words[VM_OP_COUNT] = {
    [VM_OP_CREATE] = {"create", "name and addresses"},
    [VM_OP_START] = {"start", "wanted: running"},
    [VM_OP_STOP] = {"stop", "wanted: stopped"},
    [VM_OP_RESTART] = {"restart", "wanted: running anew"},
    [VM_OP_DELETE] = {"delete", "wanted: gone"},
    [VM_OP_PAUSE] = {"pause", "pause"},
    [VM_OP_RESUME] = {"resume", "continue"},
};

void vm_op_plan_set(const struct vm_op *op, struct plan_vm *p)
{
    switch (op->kind) {
    case VM_OP_CREATE:
    case VM_OP_START:
        p->goal = op->start ? PLAN_RUN : PLAN_STOP;
        p->wait_ssh = op->start;
        break;
    case VM_OP_RESTART:
        p->goal = PLAN_RUN;
        p->restart = true;
        p->wait_ssh = true;
        break;
    case VM_OP_STOP:
        p->goal = PLAN_STOP;
        break;
    case VM_OP_DELETE:
        p->goal = PLAN_GONE;
        p->deleting = true;
        break;
    case VM_OP_PAUSE:
    case VM_OP_RESUME:
    case VM_OP_COUNT:
        break;
    }
    p->force = op->force || op->kind == VM_OP_DELETE;
    p->limit_s = op->limit_s;
}

int vm_op_plan(struct vm_op *op, struct plan **ret, struct err *e)
{
    struct plan_scope scope = {.only = true, .vms_b = &op->id, .n_vms = 1};
    struct gather *g = gather_new(op->core, 0);
    int r = -ENOMEM;

    if (!g)
        return err_set(e, ERR_AREA_HOST, r, "planning: out of memory");
    struct plan_vm *p = gather_vm(g, op->id);
    if (!p) {
        r = err_set(e, ERR_AREA_INPUT, -ENOENT, "the VM is gone");
    } else {
        vm_op_plan_set(op, p);
        r = gather_plan(g, &scope, ret, e);
    }
    gather_free(g);
    return r;
}

/* ---- the first step: the wish ---- */

static int wish_write(struct db *db, void *arg, struct err *e)
{
    struct vm_op *op = arg;

    if (op->kind == VM_OP_DELETE)
        return vmrec_set_phase(db, &op->id, 1, VM_PHASE_DELETING, op->ticket, e);
    return vmrec_set_wanted(db, &op->id, 1, op->kind != VM_OP_STOP, e);
}

void vm_op_begin_plan(struct job *j, struct vm_op *op)
{
    struct plan *p = NULL;
    struct err e = {0};

    if (vm_op_plan(op, &p, &e) < 0 || plan_run_new_take(j, p, true, &op->ctx.run, &e) < 0)
        job_step_failed(j, &e);
    else
        job_step_done(j);
}

static void wish_written(int code, const struct err *e, void *arg)
{
    struct vm_op *op = arg;
    struct job *j = op->job;
    struct vm *v = vms_find_id(op->core, op->id);

    if (code < 0) {
        job_step_failed(j, e);
        return;
    }
    if (v && op->kind == VM_OP_DELETE)
        v->rec.phase = VM_PHASE_DELETING;
    else if (v)
        v->rec.wanted = op->kind != VM_OP_STOP;
    vm_op_begin_plan(j, op);
}

static void wish_run(struct job *j)
{
    struct vm_op *op = job_ctx(j);
    struct vm *v = vms_find_id(op->core, op->id);
    struct err e = {0};

    op->job = j;
    op->ticket = job_ticket(j);
    op->was_wanted = v ? v->rec.wanted : 0;
    if (v)
        v->ticket = op->ticket;
    if (store_post(op->core->store, STORE_WRITE, wish_write, wish_written, op, &e) < 0)
        job_step_failed(j, &e);
}

static int unwish_write(struct db *db, void *arg, struct err *e)
{
    struct vm_op *op = arg;
    return vmrec_set_wanted(db, &op->id, 1, op->was_wanted, e);
}

static void unwish_written(int code, const struct err *e, void *arg)
{
    struct vm_op *op = arg;
    struct vm *v = vms_find_id(op->core, op->id);

    if (v && code >= 0)
        v->rec.wanted = op->was_wanted;
    job_undo_done(op->job, code < 0 ? e->text : NULL);
}

/* A delete is never taken back: what it has begun the next start goes on with. */
static void wish_undo(struct job *j)
{
    struct vm_op *op = job_ctx(j);
    struct err e = {0};

    if (op->kind == VM_OP_DELETE)
        job_undo_done(j, "nothing: a delete goes on at the next start");
    else if (store_post(op->core->store, STORE_WRITE, unwish_write, unwish_written, op, &e) < 0)
        job_undo_done(j, e.text);
}

/* ---- pause and resume: one word to the monitor ---- */

static void pause_told(struct vmm_vm *m, const struct err *e, void *arg)
{
    struct vm_op *op = arg;

    (void)m;
    if (e->code)
        job_step_failed(op->job, e);
    else
        job_step_done(op->job);
}

static void pause_run(struct job *j)
{
    struct vm_op *op = job_ctx(j);
    struct vm *v = vms_find_id(op->core, op->id);
    struct err e = {0};
    int r;

    op->job = j;
    if (!v || !v->vmm)
        r = err_set(&e, ERR_AREA_INPUT, -ESRCH, "it does not run");
    else if (op->kind == VM_OP_PAUSE)
        r = vmm_pause(v->vmm, pause_told, op, &e);
    else
        r = vmm_resume(v->vmm, pause_told, op, &e);
    if (r < 0)
        job_step_failed(j, &e);
}

/* ---- the job ---- */

void vm_op_free(void *ctx)
{
    struct vm_op *op = ctx;

    plan_run_free(op->ctx.run);
    free(op);
}

void vm_op_ended(struct job *j, void *ctx, const struct err *e)
{
    struct vm_op *op = ctx;
    struct vm *v = vms_find_id(op->core, op->id);
    char cause[32];

    if (!j)
        return;
    (void)snprintf(cause, sizeof cause, "ticket %llu", (unsigned long long)job_ticket(j));
    char object[48];
    (void)snprintf(object, sizeof object, "vm %s", op->name);
    if (e->code)
        journal_event(op->core, EVENT_WARN, object, cause, job_who(j), "%s failed: %s",
                      words[op->kind].verb, e->text);
    else
        journal_event(op->core, EVENT_INFO, object, cause, job_who(j), "%s: done",
                      words[op->kind].verb);
    if (!v)
        return;
    v->ticket = 0;
    if (v->vmm && v->row.state == VM_STATE_STARTING)
        vm_set_state(v, vmm_state(v->vmm) == VMM_PAUSED ? VM_STATE_PAUSED : VM_STATE_RUNNING, "");
    if (!v->vmm && v->row.state == VM_STATE_STARTING)
        vm_set_state(v, VM_STATE_FAILED, e->text);
}

void vm_op_spec(struct vm_op *op, const char *who, struct job_step *step, struct job_spec *ret)
{
    bool simple = op->kind == VM_OP_PAUSE || op->kind == VM_OP_RESUME;

    *step = (struct job_step){.name = words[op->kind].wish, .run = simple ? pause_run : wish_run,
                              .undo = simple ? NULL : wish_undo};
    *ret = (struct job_spec){.verb = words[op->kind].verb, .object = op->name, .steps = step,
                             .n_steps = 1, .ctx = op, .free_ctx = vm_op_free, .ended = vm_op_ended,
                             .who = who, .vm_id = op->id, .kind = "vm"};
}

/* Why this cannot be done to that VM now; 0 when it can. */
static int op_refused(const struct vm *v, const char *name, const struct vm_op *op, struct err *e)
{
    bool lives = v && v->vmm != NULL;

    if (!v)
        return err_set(e, ERR_AREA_INPUT, -ENOENT, "there is no VM %s", name);
    if (v->ticket)
        return err_set(e, ERR_AREA_INPUT, -EBUSY, "%s is busy with ticket %llu", name,
                       (unsigned long long)v->ticket);
    if (v->rec.damaged && op->kind != VM_OP_DELETE)
        return err_set(e, ERR_AREA_STORE, -EUCLEAN,
                       "%s: its record is damaged; look at it, then delete it", name);
    if (op->kind == VM_OP_START && lives && v->row.state == VM_STATE_RUNNING)
        return err_set(e, ERR_AREA_INPUT, -EALREADY, "%s runs already", name);
    if (op->kind == VM_OP_STOP && !lives && v->row.state == VM_STATE_STOPPED)
        return err_set(e, ERR_AREA_INPUT, -EALREADY, "%s is stopped already", name);
    if (op->kind == VM_OP_START && lives && v->row.state == VM_STATE_UNKNOWN)
        return err_set(e, ERR_AREA_INPUT, -EBUSY,
                       "%s: a process of it lives and does not answer; it is never started twice. "
                       "Stop it first", name);
    if ((op->kind == VM_OP_PAUSE && v->row.state != VM_STATE_RUNNING) ||
        (op->kind == VM_OP_RESUME && v->row.state != VM_STATE_PAUSED))
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s is %s", name, vm_state_names[v->row.state]);
    return 0;
}

static struct vm_op *op_new(struct core *c, const struct request *r, enum vm_op_kind kind,
                            const char *name)
{
    struct vm_op *op = calloc(1, sizeof *op);
    const struct vm *v = vms_find(c, name);

    if (!op)
        return NULL;
    op->core = c;
    op->kind = kind;
    op->start = true;
    op->id = v ? v->rec.id : 0;
    op->force = request_bool(r, "force", false);
    op->limit_s = (uint32_t)request_uint(r, "timeout_s", STOP_LIMIT_S);
    str_copy(op->name, sizeof op->name, name);
    return op;
}

static void op_preview(struct request *r, struct vm_op *op)
{
    struct plan *p = NULL;
    struct err e = {0};

    if (vm_op_plan(op, &p, &e) < 0) {
        request_ok_take(r, preview_error("name", e.text));
    } else {
        request_ok_take(r, preview_json(r, p, NULL));
        plan_free(p);
    }
    vm_op_free(op);
}

static void op_single(struct request *r, enum vm_op_kind kind, const char *name)
{
    struct vm_op *op = op_new(r->core, r, kind, name);
    struct err e = {0};
    struct job_step step;
    struct job_spec spec;
    char who[96];

    if (!op)
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
    else
        (void)op_refused(vms_find(r->core, name), name, op, &e);
    if (e.code) {
        if (op)
            vm_op_free(op);
        request_fail(r, &e);
        return;
    }
    if (request_bool(r, "dry_run", false)) {
        op_preview(r, op);
        return;
    }
    struct vm *v = vms_find_id(r->core, op->id);
    v->ticket = ~0ull; /* busy from now on; its number follows */
    str_copy(who, sizeof who, r->client->who);
    vm_op_spec(op, who, &step, &spec);
    spec.args = r->args;
    job_start(r->core, &spec, r, NULL);
}

/* ---- several at once ---- */

struct bulk_ctx {
    struct core *core;
    enum vm_op_kind kind;
    struct request_copy {
        bool force;
        uint32_t limit_s;
    } asked;
};

static void bulk_entry(struct job *bulk, unsigned entry, const char *name)
{
    struct bulk_ctx *ctx = job_ctx(bulk);
    struct vm *v = vms_find(ctx->core, name);
    struct vm_op *op = calloc(1, sizeof *op);
    struct err e = {0};
    struct job_step step;
    struct job_spec spec;

    if (!op) {
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
    } else {
        *op = (struct vm_op){.core = ctx->core, .kind = ctx->kind, .start = true,
                             .force = ctx->asked.force, .limit_s = ctx->asked.limit_s,
                             .id = v ? v->rec.id : 0};
        str_copy(op->name, sizeof op->name, name);
        (void)op_refused(v, name, op, &e);
    }
    if (e.code) {
        free(op);
        job_entry_ended(bulk, entry, &e);
        return;
    }
    v->ticket = job_ticket(bulk);
    vm_op_spec(op, job_who(bulk), &step, &spec);
    job_start_entry(bulk, entry, &spec);
}

static void op_bulk(struct request *r, enum vm_op_kind kind, const json_t *names)
{
    size_t n = json_array_size(names), i;
    const char **list = calloc(n, sizeof *list);
    struct bulk_ctx *ctx = calloc(1, sizeof *ctx);
    char what[32], who[96];
    json_t *one;
    struct err e = {0};

    if (!list || !ctx) {
        free(list);
        free(ctx);
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
        request_fail(r, &e);
        return;
    }
    json_array_foreach(names, i, one)
        list[i] = json_string_value(one);
    *ctx = (struct bulk_ctx){r->core, kind, {request_bool(r, "force", false),
                                             (uint32_t)request_uint(r, "timeout_s", STOP_LIMIT_S)}};
    (void)snprintf(what, sizeof what, "%zu VMs", n);
    str_copy(who, sizeof who, r->client->who);
    struct bulk_spec spec = {.verb = words[kind].verb, .what = what, .who = who, .names = list,
                             .n = (unsigned)n, .at_once = kind == VM_OP_START || kind == VM_OP_RESTART ? 4 : 64,
                             .ctx = ctx, .free_ctx = free, .entry = bulk_entry, .args = r->args};
    job_start_bulk(r->core, &spec, r);
    free(list);
}

static void op_request(struct request *r, enum vm_op_kind kind)
{
    const json_t *names = json_object_get(r->args, "names");

    if (json_array_size(names) == 1 || request_bool(r, "dry_run", false))
        op_single(r, kind, json_string_value(json_array_get(names, 0)));
    else
        op_bulk(r, kind, names);
}

void vm_start_request(struct request *r)
{
    op_request(r, VM_OP_START);
}

void vm_stop_request(struct request *r)
{
    op_request(r, VM_OP_STOP);
}

void vm_restart_request(struct request *r)
{
    op_request(r, VM_OP_RESTART);
}

void vm_pause_request(struct request *r)
{
    op_request(r, VM_OP_PAUSE);
}

void vm_resume_request(struct request *r)
{
    op_request(r, VM_OP_RESUME);
}

void vm_delete_request(struct request *r)
{
    op_request(r, VM_OP_DELETE);
}
