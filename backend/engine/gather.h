#ifndef MESHDECK_ENGINE_GATHER_H
#define MESHDECK_ENGINE_GATHER_H
/*
 * Puts what is desired (the store's records) and what is (observation) into the planner's words.
 * What an operator asks for beyond that is set on the VM or peer before planning. Engine thread.
 */
#include "backend/engine/core.h"
#include "backend/plan/plan.h"

struct gather;
struct vm;
struct vm_rec;

/* A picture of now, with room for `extra` more VMs and one more peer; NULL: no memory. */
struct gather *gather_new(struct core *c, size_t extra);
void gather_free(struct gather *g); /* NULL is fine */

struct plan_vm *gather_vm(struct gather *g, uint64_t id);     /* NULL when there is none */
struct plan_vm *gather_add_vm(struct gather *g, const struct vm_rec *rec); /* is_new */
struct plan_peer *gather_peer(struct gather *g, uint64_t id);
struct plan_peer *gather_add_peer(struct gather *g);

int gather_plan(struct gather *g, const struct plan_scope *scope, struct plan **ret,
                struct err *e);

#endif
