#ifndef MESHDECK_PLAN_PLAN_H
#define MESHDECK_PLAN_PLAN_H
/*
 * Desired minus actual gives a plan: steps in order, each a batch of operations of one kind of
 * work. There is one planner for everything: a create, a start, a stop, a delete, the node's own
 * plumbing, the repair of drift and the start after a crash are all the same question with another
 * scope. Pure: no I/O, no clock; any thread. A plan owns all that it points to.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/plan/plan_op.h"
#include "backend/plan/world.h"

struct plan_step {
    enum plan_stage stage;
    const char *name; /* "tap"; static */
    char detail[96];  /* "tap6 meshdeck:vm:17", "1,000 taps" */
    size_t first_op, n_ops;
};

enum plan_note_kind {
    PLAN_NOTE_VM_UNKNOWN,   /* its process cannot be understood: left alone */
    PLAN_NOTE_VM_LOST_TAP,  /* it runs but its tap is gone: only a restart helps */
    PLAN_NOTE_VM_NO_DISK,   /* it should run but its disk is gone: never made anew, empty, by itself
                             */
    PLAN_NOTE_TAP_TAKEN,    /* another's link has its tap name: give it another, plan again */
    PLAN_NOTE_ORPHAN,       /* a process or folder of a VM that the store does not know */
    PLAN_NOTE_FOREIGN_LINK, /* the WireGuard device's name is taken by another's link */
    PLAN_NOTE_FOREIGN_ROUTE,  /* another's route lies within the fleet's addresses */
    PLAN_NOTE_FOREIGN_PEER,   /* a peer in our device that we did not make */
    PLAN_NOTE_DEFAULT_PREFIX, /* a peer's ::/0 or 0.0.0.0/0 gets no route */
    PLAN_NOTE_UNREAD          /* a source was not read whole: nothing of it is planned */
};
struct plan_note {
    enum plan_note_kind kind;
    uint64_t id; /* VM's or peer's, 0: none */
    char text[160];
};

struct plan {
    struct plan_step *steps;
    size_t n_steps;
    struct plan_op *ops;
    size_t n_ops;
    struct plan_note *notes;
    size_t n_notes;
};

/* What is looked at. NULL or all-zero `only`: everything, and what nobody accounts for is cleaned.
 */
struct plan_scope {
    bool only;             /* the rest below counts */
    bool node, peers;      /* the node's plumbing; peers and their routes */
    const uint64_t *vms_b; /* these VMs */
    size_t n_vms;
};

/* -ENOMEM, or -EINVAL for desired state that contradicts itself (texts name both owners). */
int plan_make(const struct plan_desired *d, const struct plan_actual *a,
              const struct plan_scope *scope, struct plan **ret, struct err *e);
void plan_free(struct plan *p); /* NULL is fine */

/* How the operator is connected. */
struct plan_way_in {
    struct addr peer, local; /* family 0: not connected over a network */
    uint32_t ifindex;
    char dev[16];
};
/* True when an operation touches the operator's own address, route, interface or tunnel; `why` gets
 * a sentence about the first that does. */
bool plan_touches_way_in(const struct plan *p, const struct plan_way_in *w, char *why, size_t cap);

#endif
