/* The walk over a step's operations, one run of equal kinds after the other. Engine thread. */
#include "backend/engine/exec.h"

#include "backend/engine/fault.h"

static exec_fn *const handlers_of[PLAN_OP_COUNT] = {
    [PLAN_OP_VM_STOP] = exec_vm_stop,
    [PLAN_OP_VM_KILL] = exec_vm_stop,
    [PLAN_OP_ROUTE_DEL] = exec_routes,
    [PLAN_OP_GUARD_DEL] = exec_guards,
    [PLAN_OP_NAME_DEL] = exec_names,
    [PLAN_OP_TAP_DEL] = exec_taps_del,
    [PLAN_OP_FOLDER_DEL] = exec_folder_del,
    [PLAN_OP_RELEASE] = exec_release,
    [PLAN_OP_PEER_DEL] = exec_peers,
    [PLAN_OP_PEER_FORGET] = exec_peer_forget,
    [PLAN_OP_ADDR_DEL] = exec_addrs,
    [PLAN_OP_WG_UP] = exec_wg_up,
    [PLAN_OP_LINK_RENAME] = exec_rename,
    [PLAN_OP_WG_SET] = exec_wg_set,
    [PLAN_OP_LINK_SET] = exec_links,
    [PLAN_OP_ADDR_ADD] = exec_addrs,
    [PLAN_OP_SYSCTL] = exec_sysctls,
    [PLAN_OP_NFT_TABLES] = exec_tables,
    [PLAN_OP_DNSMASQ] = exec_dnsmasq,
    [PLAN_OP_PEER_ADD] = exec_peers,
    [PLAN_OP_PEER_SET] = exec_peers,
    [PLAN_OP_RESERVE] = exec_reserve,
    [PLAN_OP_DISK_ADD] = exec_disk,
    [PLAN_OP_SEED_ADD] = exec_seed,
    [PLAN_OP_TAP_ADD] = exec_taps_add,
    [PLAN_OP_ROUTE_ADD] = exec_routes,
    [PLAN_OP_GUARD_ADD] = exec_guards,
    [PLAN_OP_NAME_ADD] = exec_names,
    [PLAN_OP_VM_START] = exec_vm_start,
    [PLAN_OP_SSH_WAIT] = exec_ssh_wait,
    [PLAN_OP_COMMIT] = exec_commit,
};

static void exec_group(struct exec *x)
{
    enum plan_op_kind kind = x->ops[x->at].kind;

    x->group = 1;
    while (x->at + x->group < x->n && x->ops[x->at + x->group].kind == kind)
        x->group++;
    fault_point();
    handlers_of[kind](x);
}

void exec_group_done(struct exec *x, const struct err *failed)
{
    fault_point();
    if (failed && failed->code) {
        x->failed = *failed;
        if (!x->undoing) {
            x->ended(x, &x->failed, x->arg);
            return;
        }
        /* An undo goes on with the rest: what cannot be taken back is told, the other things are. */
    } else {
        for (size_t i = 0; i < x->group; i++)
            x->done[x->at + i] = true;
    }
    x->at += x->group;
    if (x->at < x->n)
        exec_group(x);
    else
        x->ended(x, x->failed.code ? &x->failed : NULL, x->arg);
}

void exec_run(struct exec *x)
{
    x->at = 0;
    if (x->n == 0)
        x->ended(x, NULL, x->arg);
    else
        exec_group(x);
}
