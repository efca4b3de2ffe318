#ifndef MESHDECK_ENGINE_VM_OP_H
#define MESHDECK_ENGINE_VM_OP_H
/* One thing that is done to one VM under a ticket: its wish, its plan, its end. What vm_requests.c
 * and vm_create.c share. Engine thread. */
#include <stdbool.h>
#include <stdint.h>

#include "backend/engine/job.h"
#include "backend/engine/plan_job.h"
#include "backend/store/vmrec.h"

enum vm_op_kind {
    VM_OP_CREATE,
    VM_OP_START,
    VM_OP_STOP,
    VM_OP_RESTART,
    VM_OP_DELETE,
    VM_OP_PAUSE,
    VM_OP_RESUME,
    VM_OP_COUNT
};

struct vm_op {
    struct plan_ctx ctx; /* first: plan_job.c looks for it here */
    struct core *core;
    struct job *job;
    enum vm_op_kind kind;
    uint64_t id, ticket;
    char name[32];
    bool start, force, was_wanted;
    uint32_t limit_s;
    struct vm_rec rec; /* of a create */
};

void vm_op_plan_set(const struct vm_op *op, struct plan_vm *p);
int vm_op_plan(struct vm_op *op, struct plan **ret, struct err *e);
/* Ends the running step with the plan's steps behind it, or as failed. */
void vm_op_begin_plan(struct job *j, struct vm_op *op);
void vm_op_spec(struct vm_op *op, const char *who, struct job_step *step, struct job_spec *ret);
void vm_op_ended(struct job *j, void *ctx, const struct err *e);
void vm_op_free(void *ctx);

#endif
