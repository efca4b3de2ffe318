#ifndef MESHDECK_ENGINE_EXEC_H
#define MESHDECK_ENGINE_EXEC_H
/*
 * Carries a plan's steps out: each run of operations of one kind goes to the host module that does
 * it, as one batch. An operation that is done already is success. Engine thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/engine/core.h"
#include "backend/plan/plan.h"

struct job;
struct exec;

typedef void exec_done_fn(struct exec *x, const struct err *failed, void *arg);

/* The operations first..first+n of a plan, on their way. `done[i]` tells which of them are carried
 * out; on failure those before it may be, and are what an undo takes back. */
struct exec {
    struct core *core;
    struct job *job; /* for its detail line and cancelling; NULL: none */
    const struct plan_op *ops; /* the plan's */
    bool *done;
    size_t n, at, group; /* at: the first of the group that runs; group: its size */
    exec_done_fn *ended;
    void *arg;
    void *scratch; /* of the running group's handler */
    struct err failed;
    bool undoing;
};

/* `done` has n flags, all false. The arrays stay until `ended`, which comes from the loop or at once. */
void exec_run(struct exec *x);

/* A group handler starts its group and reports by this, once; NULL for success of all of it. */
void exec_group_done(struct exec *x, const struct err *failed);

typedef void exec_fn(struct exec *x);
exec_fn exec_links, exec_addrs, exec_routes, exec_sysctls, exec_taps_add, exec_taps_del,
    exec_rename;                                                        /* exec_net.c */
exec_fn exec_wg_up, exec_wg_set, exec_peers, exec_peer_forget, exec_tables, exec_guards,
    exec_dnsmasq, exec_names;                                           /* exec_base.c */
exec_fn exec_reserve, exec_release, exec_commit, exec_disk, exec_seed, exec_folder_del,
    exec_vm_start, exec_vm_stop, exec_ssh_wait;                         /* exec_vm.c */

#endif
