#ifndef MESHDECK_VMM_QEMU_INTERNAL_H
#define MESHDECK_VMM_QEMU_INTERNAL_H
/*
 * What the QEMU driver's files share: the VM, its arguments, the story of its end. Engine thread.
 */
#include <uv.h>

#include "backend/host/proc.h"
#include "backend/vmm/qemu.h"
#include "backend/vmm/qmp.h"
#include "backend/vmm/vmm_internal.h"

enum {
    QEMU_ARGS_MAX = 128,
    QEMU_ARG_TEXT = 32768,
    QEMU_HELLO_MS = 20000, /* from fork to greeting; a loaded host is slow to start */
    QEMU_ADOPT_MS = 2000,
    QEMU_POLL_MS = 5000,   /* between questions whether it still answers */
    QEMU_ENDING_MS = 1000, /* from a closed monitor to the end of its process */
    QEMU_NUDGE_MS = 3000,  /* the power button is pressed again: a booting guest may miss it */
    QEMU_QUIT_MS = 2000,   /* from `quit` to the kill */
    QEMU_LOG_MAX = 262144,
};

/* An argument vector in one piece of memory. */
struct qemu_args {
    const char *argv[QEMU_ARGS_MAX];
    size_t n, groups[QEMU_ARGS_MAX], n_groups; /* where a line of the preview begins */
    size_t len;
    bool full;
    char text[QEMU_ARG_TEXT];
};

/* Descriptors as the child will have them; negative in a preview. */
struct qemu_fds {
    int qmp, rescue, serial, taps[VMM_NICS_MAX];
};

int qemu_args_build(const struct vmm_spec *spec, const struct qemu_fds *fds, struct qemu_args *ret,
                    struct err *e);
int qemu_command_text(const struct vmm_spec *spec, char *buf, size_t cap, struct err *e);

/* QEMU's words for why it shuts down, as in its SHUTDOWN event. */
enum vmm_why qemu_why(const char *reason);
/* The log's last lines into ret->log_tail; *ret_why from the reason that QEMU noted there. */
void qemu_log_tail(const char *folder, struct vmm_end *ret, enum vmm_why *ret_why);
void qemu_log_bound(const char *folder);
void qemu_last_end(const char *folder, struct vmm_end *ret);

enum stop_stage { STOP_NONE, STOP_ASKED, STOP_QUIT, STOP_KILLED };

struct qemu_vm {
    struct vmm_vm head;
    struct proc *proc;
    struct qmp *qmp;
    uv_timer_t poll, stop;
    unsigned handles; /* open timers */
    enum vmm_why why; /* from its SHUTDOWN event; UNKNOWN until then */
    bool greeted;     /* the monitor has spoken at least once */
    bool keep_paused; /* vmm_spec.paused, until vmm_resume */
    bool ended;
    bool disk_stopped; /* the guest stands still after a disk error */
    enum stop_stage stage;
    uint64_t stop_at_ms;
    char pause_reason[160];
};

/* qemu_watch.c */
extern const struct qmp_events qemu_qmp_events;
void qemu_query_status(struct qemu_vm *v);
void qemu_poll_start(struct qemu_vm *v);

/* qemu_commands.c */
int qemu_pause(struct vmm_vm *head, vmm_done_fn *done, void *arg, struct err *e);
int qemu_resume(struct vmm_vm *head, vmm_done_fn *done, void *arg, struct err *e);
int qemu_reset(struct vmm_vm *head, vmm_done_fn *done, void *arg, struct err *e);
int qemu_disk_stats(struct vmm_vm *head, vmm_disk_stats_fn *fn, void *arg, struct err *e);

/* qemu_stop.c */
int qemu_stop(struct vmm_vm *head, unsigned limit_ms, struct err *e);
int qemu_kill(struct vmm_vm *head, struct err *e);

#endif
