#ifndef MESHDECK_VMM_VMM_H
#define MESHDECK_VMM_VMM_H
/*
 * One interface to virtual machine monitors; a driver stands behind it (`vmm_qemu`; others later).
 * A VM is one process with a folder of its own (sockets, pid file, log). It outlives us: vmm_free
 * lets go of it, vmm_adopt finds it again. What cannot be understood is VMM_UNKNOWN: never killed
 * and never started twice unless the operator says so.
 * Engine thread; nothing here waits. Callbacks come from the loop, never from inside a call.
 */
#include "backend/model/err.h"
#include "backend/vmm/spec.h"

struct uv_loop_s;
struct vmm_vm;
struct vmm_driver;

/* Each may be NULL. */
struct vmm_events {
    /* reason: "" or a sentence, clean ("host disk full: the guest is paused"). Not for VMM_ENDED.
     */
    void (*state)(struct vmm_vm *vm, enum vmm_state state, const char *reason, void *arg);
    /* Once, last. The handle must still be freed. */
    void (*ended)(struct vmm_vm *vm, const struct vmm_end *end, void *arg);
    /* The guest was reset and boots again in the same process: it asked (reboot), or we did. */
    void (*reset)(struct vmm_vm *vm, bool by_guest, void *arg);
    void (*panicked)(struct vmm_vm *vm, void *arg); /* the end follows */
    void (*disk_error)(struct vmm_vm *vm, const char *text, bool no_space, void *arg);
};

/* Starts it: -errno when it is refused at once, else state or ended will tell. -EBUSY: the folder
 * already has a live process. */
int vmm_start(struct uv_loop_s *loop, const struct vmm_driver *driver, const struct vmm_spec *spec,
              const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e);

/* Finds what an earlier engine started in folder (copied). -ESRCH: no live process. Its state is
 * VMM_UNKNOWN until the monitor has spoken. */
int vmm_adopt(struct uv_loop_s *loop, const struct vmm_driver *driver, const char *folder,
              const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e);

/* Of a process that ended while nobody watched: what its log tells. */
void vmm_last_end(const struct vmm_driver *driver, const char *folder, struct vmm_end *ret);

/* Lets go; the process goes on, no callback comes any more. NULL is fine. The loop must turn once
 * more before it is closed. */
void vmm_free(struct vmm_vm *vm);

enum vmm_state vmm_state(const struct vmm_vm *vm);
pid_t vmm_pid(const struct vmm_vm *vm); /* 0 when ended */
bool vmm_was_adopted(const struct vmm_vm *vm);

/* Asks the guest to shut down (power button); after limit_ms the monitor is told to quit, and 2 s
 * later it is killed. 0 does so at once. Calling it again only shortens the limit. */
int vmm_stop(struct vmm_vm *vm, unsigned limit_ms, struct err *e);
int vmm_kill(struct vmm_vm *vm, struct err *e);

/* Answers to one call each: e->code 0 or what failed; called once unless the handle is freed. */
typedef void vmm_done_fn(struct vmm_vm *vm, const struct err *e, void *arg);
int vmm_pause(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
int vmm_resume(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
int vmm_reset(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);

struct vmm_disk_stats { /* of all writable disks together */
    uint64_t read_bytes, written_bytes, reads, writes;
};
typedef void vmm_disk_stats_fn(struct vmm_vm *vm, const struct err *e,
                               const struct vmm_disk_stats *stats, void *arg);
int vmm_read_disk_stats(struct vmm_vm *vm, vmm_disk_stats_fn *fn, void *arg, struct err *e);

/* The command line that vmm_start would run, one line per group of arguments, lines that go on end
 * in " \". -ENAMETOOLONG when it does not fit. */
int vmm_command_text(const struct vmm_driver *driver, const struct vmm_spec *spec, char *buf,
                     size_t cap, struct err *e);

/* The kernel command line for guests with a serial console, for this accel. */
const char *vmm_command_line_default(enum vmm_accel accel, char *buf, size_t cap);

extern const char *const vmm_state_names[VMM_STATE_COUNT];
extern const char *const vmm_why_names[VMM_WHY_COUNT]; /* "guest shut down", ... */
const char *vmm_accel_name(enum vmm_accel accel);      /* "KVM" or "emulated" */

#endif
