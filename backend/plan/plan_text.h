#ifndef MESHDECK_PLAN_PLAN_TEXT_H
#define MESHDECK_PLAN_PLAN_TEXT_H
/* A plan as the commands that it amounts to, for --dry-run and previews. Pure; any thread. */
#include "backend/plan/plan.h"

/* What the planner does not know and the commands can be told with; all may be NULL. */
struct plan_text_env {
    const char *qemu;      /* NULL: "qemu-system-x86_64" */
    const char *vm_user;   /* owner of taps; NULL: the VM's uid */
    const char *wg_device; /* NULL: "mesh0" */
    /* The VM's real command line; non-zero: a short form is given. */
    int (*vm_command)(const struct plan_vm *vm, char *buf, size_t cap, void *arg);
    /* The firewall's own words for one guest; non-zero: a general form is given. */
    int (*guard_command)(const struct plan_guard *guard, bool add,
                         void (*line)(const char *line, void *line_arg), void *line_arg, void *arg);
    void *arg;
};
typedef void plan_line_fn(const char *line, void *arg);
void plan_op_commands(const struct plan_op *op, const struct plan_text_env *env, plan_line_fn *fn,
                      void *arg);
/* All lines of a step; at most `max` operations of it, then one line "... and 997 more". */
void plan_step_commands(const struct plan *p, size_t step, const struct plan_text_env *env,
                        size_t max, plan_line_fn *fn, void *arg);

#endif
