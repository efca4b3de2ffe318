#ifndef MESHDECK_HOST_PROC_CHILD_H
#define MESHDECK_HOST_PROC_CHILD_H
/*
 * The half of proc that runs in the child between fork and exec. Private to backend/host/proc*.c.
 */
#include "backend/host/proc.h"

enum child_step {
    CHILD_STEP_SIGNALS,
    CHILD_STEP_FDS,
    CHILD_STEP_PID_FILE,
    CHILD_STEP_LOCK,
    CHILD_STEP_LOG,
    CHILD_STEP_OOM,
    CHILD_STEP_DIR,
    CHILD_STEP_UID,
    CHILD_STEP_CAPS,
    CHILD_STEP_EXEC,
    CHILD_STEP_COUNT
};

/* What the child writes to the pipe when it cannot go on. */
struct child_report {
    int step, error;
};

/* Everything is prepared before the fork: nothing here is allocated or looked up after it. */
struct child_plan {
    const struct proc_spec *spec;
    const char *path;          /* what to exec */
    char *const *argv, *const *env;
    pid_t parent;
    int report_fd;             /* write end, close-on-exec */
};

/* Never returns. Async-signal-safe calls only. */
_Noreturn void proc_child_run(const struct child_plan *plan);

#endif
