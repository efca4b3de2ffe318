/*
 * Machines: rows in the store, disks and seeds in the pool, processes through the driver, and the
 * wait for SSH. A group works on all its VMs, a few at a time where that matters, and one that fails
 * does not stop the others of its group. Engine thread, but for the pool's jobs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/engine/base.h"
#include "backend/engine/exec.h"
#include "backend/engine/job.h"
#include "backend/engine/vm_files.h"
#include "backend/engine/vms.h"
#include "backend/model/text.h"
#include "backend/store/store.h"
#include "backend/vmm/qemu.h"

enum { PROBE_TCG_MS = 90000, PROBE_KVM_MS = 30000 };

static void fail(struct exec *x, int code, const char *text)
{
    struct err e = {0};
    err_set(&e, ERR_AREA_VMM, code, "%s", text);
    exec_group_done(x, &e);
}

/* ---- rows ---- */

struct rows_job {
    struct exec *exec;
    uint64_t *ids;
    size_t n;
    enum plan_op_kind kind;
};

static int rows_write(struct db *db, void *arg, struct err *e)
{
    struct rows_job *j = arg;

    if (j->kind == PLAN_OP_RELEASE)
        return vmrec_delete(db, j->ids, j->n, e);
    return vmrec_set_phase(db, j->ids, j->n, VM_PHASE_WHOLE, 0, e);
}

static void rows_written(int code, const struct err *e, void *arg)
{
    struct rows_job *j = arg;
    struct exec *x = j->exec;

    for (size_t i = 0; code >= 0 && i < j->n; i++) {
        struct vm *v = vms_find_id(x->core, j->ids[i]);
        if (v && j->kind == PLAN_OP_RELEASE) {
            vms_remove(v);
        } else if (v) {
            v->rec.phase = VM_PHASE_WHOLE;
            v->rec.ticket = 0;
        }
    }
    if (code >= 0)
        base_publish(x->core);
    free(j->ids);
    free(j);
    exec_group_done(x, code < 0 ? e : NULL);
}

static void rows_change(struct exec *x)
{
    struct rows_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (j)
        j->ids = calloc(x->group, sizeof *j->ids);
    if (!j || !j->ids) {
        free(j);
        fail(x, -ENOMEM, "out of memory");
        return;
    }
    j->exec = x;
    j->n = x->group;
    j->kind = x->ops[x->at].kind;
    for (size_t i = 0; i < x->group; i++)
        j->ids[i] = x->ops[x->at + i].vm_id;
    if (store_post(x->core->store, STORE_WRITE, rows_write, rows_written, j, &e) < 0) {
        free(j->ids);
        free(j);
        exec_group_done(x, &e);
    }
}

/* A create reserves its row before it is planned (vm_requests.c), so that addresses are known. */
void exec_reserve(struct exec *x)
{
    exec_group_done(x, NULL);
}

void exec_release(struct exec *x)
{
    rows_change(x);
}

void exec_commit(struct exec *x)
{
    rows_change(x);
}

/* ---- files ---- */

static void files_done(const struct err *failed, void *arg)
{
    struct exec *x = arg;
    enum plan_op_kind kind = x->ops[x->at].kind;

    for (size_t i = 0; !failed && i < x->group; i++) {
        struct vm *v = vms_find_id(x->core, x->ops[x->at + i].vm_id);
        if (!v)
            continue;
        if (kind == PLAN_OP_DISK_ADD)
            v->has_folder = v->has_disk = true;
        else if (kind == PLAN_OP_SEED_ADD)
            v->has_seed = true;
        else
            v->has_folder = v->has_disk = v->has_seed = false;
    }
    exec_group_done(x, failed);
}

void exec_disk(struct exec *x)
{
    vm_files_run(x->core, VM_FILES_DISK, x->ops + x->at, x->group, files_done, x);
}

void exec_seed(struct exec *x)
{
    vm_files_run(x->core, VM_FILES_SEED, x->ops + x->at, x->group, files_done, x);
}

void exec_folder_del(struct exec *x)
{
    vm_files_run(x->core, VM_FILES_ERASE, x->ops + x->at, x->group, files_done, x);
}

/* ---- processes ---- */

/* A group of starts or stops: `active` of them wait for their VM, `next` is the first not begun. */
struct vm_batch {
    struct exec *exec;
    size_t next, active, at_once;
    struct err err;
    bool feeding;
};

struct vm_waiter {
    struct vm_batch *batch;
    size_t op; /* index within the group */
    bool stops;
};

static void batch_feed(struct vm_batch *b);

static void batch_one_done(struct vm_batch *b, size_t op, const struct err *failed)
{
    struct exec *x = b->exec;

    x->done[x->at + op] = !failed;
    if (failed && !b->err.code)
        b->err = *failed;
    b->active--;
    batch_feed(b);
}

void vm_tell_waiter(struct vm *v, const struct err *failed)
{
    struct vm_waiter *w = v->waiter;

    if (!w || (w->stops && !failed))
        return;
    v->waiter = NULL;
    if (w->stops) {
        failed = NULL; /* its end is what was asked for */
        vm_set_state(v, VM_STATE_STOPPED, "");
    }
    struct vm_batch *b = w->batch;
    size_t op = w->op;
    free(w);
    batch_one_done(b, op, failed);
}

static int start_one(struct exec *x, struct vm *v, struct err *e)
{
    char folder[PATH_MAX];
    struct vmm_spec spec;

    vm_spec_fill(v, vm_folder(v, folder), &spec);
    int r = vmm_start(&v->core->loop, &vmm_qemu, &spec, &vm_events, v, &v->vmm, e);
    if (v->tap_fd >= 0)
        close(v->tap_fd); /* QEMU holds it now; or nobody does, and the tap goes */
    v->tap_fd = -1;
    if (r < 0)
        return r;
    /* The socket is the one that we have just made: QEMU has not yet had the time to listen itself. */
    if (serial_connect(v->serial, 0, e) < 0)
        journal_event(v->core, EVENT_WARN, vm_object(v), "qemu", NULL, "no serial line: %s", e->text);
    v->panic[0] = v->exit_text[0] = v->exit_log[0] = '\0';
    v->ready = false;
    v->rec.started_ms = now_ms();
    str_copy(v->rec.accel, sizeof v->rec.accel, v->core->meta.accel);
    vm_set_state(v, VM_STATE_STARTING, "");
    if (x->job)
        job_detail(x->job, "pid %d, %s, microvm", (int)vmm_pid(v->vmm), v->core->meta.accel);
    return 0;
}

static int stop_one(const struct plan_op *op, struct vm *v, struct err *e)
{
    unsigned limit = op->kind == PLAN_OP_VM_KILL ? 0 : op->vm ? op->vm->limit_s * 1000 : 30000;

    vm_set_state(v, VM_STATE_STOPPING, "");
    return limit == 0 ? vmm_kill(v->vmm, e) : vmm_stop(v->vmm, limit, e);
}

static void batch_begin(struct vm_batch *b, size_t i)
{
    struct exec *x = b->exec;
    const struct plan_op *op = &x->ops[x->at + i];
    struct vm *v = vms_find_id(x->core, op->vm_id);
    bool stops = op->kind != PLAN_OP_VM_START;
    struct err e = {0};
    int r = 0;

    b->active++;
    if (!v && !stops)
        r = err_set(&e, ERR_AREA_VMM, -ENOENT, "the VM is gone");
    if (r == 0 && (!v || (stops && !v->vmm) || (!stops && v->vmm))) {
        batch_one_done(b, i, NULL); /* it is as it should be */
        return;
    }
    struct vm_waiter *w = r == 0 ? calloc(1, sizeof *w) : NULL;
    if (r == 0 && !w)
        r = err_set(&e, ERR_AREA_VMM, -ENOMEM, "out of memory");
    if (r == 0) {
        *w = (struct vm_waiter){b, i, stops};
        v->waiter = w;
        r = stops ? stop_one(op, v, &e) : start_one(x, v, &e);
        if (r < 0) {
            v->waiter = NULL;
            free(w);
            if (!stops)
                vm_set_state(v, VM_STATE_FAILED, e.text);
        }
    }
    if (r < 0)
        batch_one_done(b, i, &e);
}

static void batch_feed(struct vm_batch *b)
{
    struct exec *x = b->exec;

    if (b->feeding)
        return;
    b->feeding = true;
    while (b->next < x->group && b->active < b->at_once)
        batch_begin(b, b->next++);
    b->feeding = false;
    if (b->active > 0 || b->next < x->group)
        return;
    struct err e = b->err;
    free(b);
    exec_group_done(x, &e);
}

static void batch_run(struct exec *x, size_t at_once)
{
    struct vm_batch *b = calloc(1, sizeof *b);

    if (!b) {
        fail(x, -ENOMEM, "out of memory");
        return;
    }
    b->exec = x;
    b->at_once = at_once;
    batch_feed(b);
}

void exec_vm_start(struct exec *x)
{
    batch_run(x, x->core->meta.cores > 2 ? x->core->meta.cores : 2);
}

void exec_vm_stop(struct exec *x)
{
    batch_run(x, x->group);
}

/* ---- SSH ---- */

struct probe_wait {
    struct probes *all;
    size_t op;
};
struct probes {
    struct exec *exec;
    size_t waits;
    struct err err;
    struct probe_wait one[];
};

static void probes_end(struct probes *p)
{
    if (--p->waits > 0)
        return;
    struct exec *x = p->exec;
    struct err e = p->err;
    free(p);
    exec_group_done(x, &e);
}

static void probe_ended(struct session_probe *sp, const struct session_end *end, void *arg)
{
    struct probe_wait *w = arg;
    struct probes *p = w->all;
    struct exec *x = p->exec;
    struct vm *v = vms_find_id(x->core, x->ops[x->at + w->op].vm_id);

    (void)sp;
    x->done[x->at + w->op] = end->result == SESSION_OK;
    if (v && end->result == SESSION_OK && v->vmm) {
        v->ready = true;
        vm_set_state(v, VM_STATE_RUNNING, "");
    } else if (v && v->vmm) {
        vm_set_state(v, VM_STATE_RUNNING, "SSH has not answered");
    }
    if (end->result != SESSION_OK && !p->err.code) {
        p->err = end->err;
        err_wrap(&p->err, "%s: SSH in the guest", v ? v->rec.name : "VM");
    }
    probes_end(p);
}

void exec_ssh_wait(struct exec *x)
{
    struct probes *p = calloc(1, sizeof *p + x->group * sizeof p->one[0]);
    struct core *c = x->core;

    if (!p) {
        fail(x, -ENOMEM, "out of memory");
        return;
    }
    p->exec = x;
    p->waits = x->group + 1;
    for (size_t i = 0, n = x->group; i < n; i++) {
        struct vm *v = vms_find_id(c, x->ops[x->at + i].vm_id);
        struct session_probe *probe = NULL;
        struct session_spec spec;
        struct err e = {0};
        p->one[i] = (struct probe_wait){p, i};
        int r = -ENOENT;
        if (v && v->vmm) {
            vm_session_fill(v, SESSION_PROBE, &spec);
            r = session_probe_start(c->vms->sessions, &spec, c->vms->kvm ? PROBE_KVM_MS : PROBE_TCG_MS,
                                    probe_ended, &p->one[i], &probe, &e);
        } else {
            err_set(&e, ERR_AREA_VMM, r, "%s has ended: %s", v ? v->rec.name : "the VM",
                    v ? v->exit_text : "it is gone");
        }
        if (r < 0) {
            if (!p->err.code)
                p->err = e;
            p->waits--;
        }
    }
    probes_end(p);
}
